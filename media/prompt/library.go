package prompt

import (
	"bytes"
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"tierline/media/wav"
)

// ErrUnknown says that the library has no such sound.
var ErrUnknown = errors.New("no such sound in the library")

// cacheSize bounds what decoded clips may take: about an hour of sound.
const cacheSize = 64 << 20

// Library is a directory of sounds named by the hash of their file.
type Library struct {
	dir string

	mu     sync.Mutex               // guards what follows; never held across I/O
	cached map[string]*list.Element // of cacheEntry
	recent *list.List               // most recently used first
	size   int
}

type cacheEntry struct {
	sha  string
	clip *Clip
}

// OpenLibrary opens the library in a directory, which is made if it is
// missing. What an interrupted Put left behind is removed.
func OpenLibrary(dir string) (*Library, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open prompt library: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.partial"))
	if err != nil {
		return nil, fmt.Errorf("open prompt library: %w", err)
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open prompt library: %w", err)
		}
	}
	return &Library{dir: dir, cached: make(map[string]*list.Element), recent: list.New()}, nil
}

// Put stores a sound file and returns its name, the SHA-256 of its bytes in
// hex. A file that could not be played is refused.
func (l *Library) Put(r io.Reader) (sha string, err error) {
	b, err := io.ReadAll(io.LimitReader(r, wav.MaxSize+1))
	if err != nil {
		return "", fmt.Errorf("put prompt: %w", err)
	}
	clip, err := LoadClip(bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	sha = hex.EncodeToString(sum[:])
	if _, err := os.Stat(l.path(sha)); err != nil {
		if err := l.write(sha, b); err != nil {
			return "", fmt.Errorf("put prompt %s: %w", sha, err)
		}
	}
	l.remember(sha, clip)
	return sha, nil
}

// write makes the file appear whole: a crash leaves the old directory or the
// new one.
func (l *Library) write(sha string, b []byte) (err error) {
	f, err := os.CreateTemp(l.dir, sha+".*.partial")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), l.path(sha))
}

// Get returns a sound. The error wraps ErrUnknown if there is none of that
// name.
func (l *Library) Get(sha string) (*Clip, error) {
	if !isName(sha) {
		return nil, fmt.Errorf("get prompt %.80q: not a SHA-256: %w", sha, ErrUnknown)
	}
	if c := l.recall(sha); c != nil {
		return c, nil
	}
	b, err := os.ReadFile(l.path(sha))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("get prompt %s: %w", sha, ErrUnknown)
	case err != nil:
		return nil, fmt.Errorf("get prompt %s: %w", sha, err)
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != sha {
		return nil, fmt.Errorf("get prompt %s: the file has other contents: %w", sha, wav.ErrInvalid)
	}
	c, err := LoadClip(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("get prompt %s: %w", sha, err)
	}
	l.remember(sha, c)
	return c, nil
}

// File opens the file of a sound as it was put in. The error wraps ErrUnknown
// if there is none of that name.
func (l *Library) File(sha string) (io.ReadCloser, error) {
	if !isName(sha) {
		return nil, fmt.Errorf("open prompt %.80q: not a SHA-256: %w", sha, ErrUnknown)
	}
	f, err := os.Open(l.path(sha))
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("open prompt %s: %w", sha, err)
	}
	return f, nil
}

// isName tells whether it is a SHA-256 in hex, and so no way out of the
// directory.
func isName(sha string) bool {
	raw, err := hex.DecodeString(sha)
	return err == nil && len(raw) == sha256.Size && hex.EncodeToString(raw) == sha
}

func (l *Library) path(sha string) string { return filepath.Join(l.dir, sha+".wav") }

func (l *Library) recall(sha string) *Clip {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.cached[sha]
	if !ok {
		return nil
	}
	l.recent.MoveToFront(e)
	c, _ := e.Value.(cacheEntry)
	return c.clip
}

// remember caches a clip and forgets those unused for longest.
func (l *Library) remember(sha string, c *Clip) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.cached[sha]; ok {
		return
	}
	l.cached[sha] = l.recent.PushFront(cacheEntry{sha: sha, clip: c})
	l.size += c.size()
	for l.size > cacheSize && l.recent.Len() > 1 {
		old, _ := l.recent.Remove(l.recent.Back()).(cacheEntry)
		delete(l.cached, old.sha)
		l.size -= old.clip.size()
	}
}
