package vault

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// keyBytes is the length of every key.
const keyBytes = 32

// Key seals a node's ring.
type Key struct {
	id     string
	secret []byte
}

// newKey makes a key of its secret. Its name is a digest of it, which tells
// nothing.
func newKey(secret []byte) Key {
	sum := sha256.Sum256(append([]byte("tierline key name\n"), secret...))
	return Key{id: hex.EncodeToString(sum[:idBytes]), secret: secret}
}

// ID names the key; it may be shown.
func (k Key) ID() string { return k.id }

var (
	errOpenFile = errors.New("others may read it (mode 0600 is right)")
	errNoKey    = errors.New("no key in it")
	errBadKey   = errors.New("not 32 bytes in base64")
)

// ReadKeys reads a key file: a key on each line, in base64, the newest first.
// Lines that begin with # and empty ones are left out.
func ReadKeys(path string) ([]Key, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key file %s: %w", path, errOpenFile)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	keys, err := parseKeys(string(b))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return keys, nil
}

func parseKeys(text string) (keys []Key, err error) {
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		secret, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(secret) != keyBytes { // the error would quote the key
			return nil, fmt.Errorf("line %d: %w", n, errBadKey)
		}
		keys = append(keys, newKey(secret))
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	if len(keys) == 0 {
		return nil, errNoKey
	}
	return keys, nil
}

// Renew puts a new key in front of those in a key file, which it makes if there
// is none. It returns the keys that are in it then.
func Renew(path string) ([]Key, error) {
	old, err := os.ReadFile(path)
	if err == nil {
		_, err = ReadKeys(path) // what is no key file is not written over
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	fresh := base64.StdEncoding.EncodeToString(random(keyBytes))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if err := replace(path, []byte(fresh+"\n"+string(old))); err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	return ReadKeys(path)
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: the process would end
	return b
}

// replace writes a file so that a crash leaves the old or the new one.
func replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	parent, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}
