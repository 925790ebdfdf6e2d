package certs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Names of the files that Init writes.
const (
	CAFile      = "ca.pem"
	CAKeyFile   = "ca.key"
	NodeFile    = "node.pem"
	NodeKeyFile = "node.key"
)

// Lives of what Init makes. Peers that count days refuse more than 825 of a
// server's certificate.
const (
	caLife   = 10 * 365 * 24 * time.Hour
	NodeLife = 397 * 24 * time.Hour
)

// Init makes an authority in a directory, unless there is one, and a
// certificate for hosts signed by it. One that is there is replaced.
func Init(dir string, hosts []string) (Files, error) {
	return InitAs(dir, NodeFile, NodeKeyFile, hosts)
}

// InitAs is Init for files of other names.
func InitAs(dir, certFile, keyFile string, hosts []string) (Files, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Files{}, fmt.Errorf("make the directory: %w", err)
	}
	a, err := authorityIn(dir)
	if err != nil {
		return Files{}, err
	}
	p, err := a.Issue(hosts, NodeLife)
	if err != nil {
		return Files{}, err
	}
	f := Files{
		Cert: filepath.Join(dir, certFile), Key: filepath.Join(dir, keyFile), CA: filepath.Join(dir, CAFile),
	}
	return f, p.write(f.Cert, f.Key)
}

func authorityIn(dir string) (*Authority, error) {
	certFile, keyFile := filepath.Join(dir, CAFile), filepath.Join(dir, CAKeyFile)
	cert, err := os.ReadFile(certFile)
	if errors.Is(err, fs.ErrNotExist) {
		return newAuthorityIn(dir, certFile, keyFile)
	}
	if err != nil {
		return nil, fmt.Errorf("read the authority: %w", err)
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("read the authority's key: %w", err)
	}
	a, err := LoadAuthority(Pair{cert, key})
	if err != nil {
		return nil, fmt.Errorf("take up the authority of %s: %w", dir, err)
	}
	return a, nil
}

func newAuthorityIn(dir, certFile, keyFile string) (*Authority, error) {
	a, err := NewAuthority("Tierline "+filepath.Base(dir), caLife)
	if err != nil {
		return nil, err
	}
	p, err := a.Pair()
	if err != nil {
		return nil, err
	}
	return a, p.write(certFile, keyFile)
}

// write writes the key first: a node that looks meanwhile finds a pair that
// doesn't match, keeps what it has and looks again.
func (p Pair) write(certFile, keyFile string) error {
	if err := replace(keyFile, p.Key, 0o600); err != nil {
		return err
	}
	return replace(certFile, p.Cert, 0o644)
}

// replace writes a file so that readers find it old or new, never half.
func replace(file string, b []byte, mode os.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	_, err = tmp.Write(b)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", file, errors.Join(err, os.Remove(tmp.Name())))
	}
	return nil
}
