package signin

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Why somebody isn't let in.
var (
	ErrUnknown = errors.New("the token is nobody's")
	ErrHeld    = errors.New("too many wrong tokens came from this address; wait a minute")
)

const (
	lookEvery    = time.Second // at the file
	maxFailures  = 10          // of an address, until it has to wait …
	forgiveAfter = time.Minute // … from the first of them on
	maxAddresses = 10_000      // remembered; more are forgotten together
	maxProved    = 4096        // tokens remembered to be right
	hashers      = 2           // at once: each takes some 20 MB
)

// Door lets users in.
type Door struct {
	path    string
	log     *slog.Logger
	hashing chan struct{} // a place for each check

	mu     sync.Mutex // guards what follows
	looked time.Time
	seen   os.FileInfo
	users  map[string]Entry
	proved map[[sha256.Size]byte]User // by the digest of name and secret
	failed map[netip.Addr]failures
	nobody *hash // of no secret: who isn't there is looked for as long as who is
}

type failures struct {
	n     int
	since time.Time
}

// Open reads a file of users and looks after it.
func Open(path string, log *slog.Logger) (*Door, error) {
	_, text := NewToken("nobody")
	nobody, err := parseHash(text)
	if err != nil {
		return nil, err
	}
	d := &Door{
		path: path, log: log, hashing: make(chan struct{}, hashers), failed: map[netip.Addr]failures{}, nobody: nobody,
	}
	if err := d.read(); err != nil {
		return nil, err
	}
	if len(d.users) == 0 {
		return nil, fmt.Errorf("users: %s: %w", path, errNoUsers)
	}
	return d, nil
}

// read takes up the file. mu is held, or nobody else knows the door.
func (d *Door) read() error {
	st, err := os.Stat(d.path)
	if err != nil {
		return fmt.Errorf("users: %w", err)
	}
	list, err := Read(d.path)
	if err != nil {
		return err
	}
	d.seen, d.users, d.proved = st, map[string]Entry{}, map[[sha256.Size]byte]User{}
	for _, e := range list {
		d.users[e.Name] = e
	}
	return nil
}

// refresh reads the file again if it has changed. mu is held.
func (d *Door) refresh() {
	now := time.Now()
	if now.Sub(d.looked) < lookEvery {
		return
	}
	d.looked = now
	st, err := os.Stat(d.path)
	if err == nil && os.SameFile(st, d.seen) && st.ModTime().Equal(d.seen.ModTime()) && st.Size() == d.seen.Size() {
		return
	}
	if err == nil {
		err = d.read()
	}
	if err != nil {
		d.log.Error("users of the API can't be read again: those before stay", "err", err)
		return
	}
	d.log.Info("users of the API read", "users", len(d.users))
}

// Enter says whose token it is. The error is ErrUnknown, ErrHeld or the
// context's.
func (d *Door) Enter(ctx context.Context, from netip.Addr, name, secret string) (User, error) {
	key := sha256.Sum256([]byte(name + "\x00" + secret))
	d.mu.Lock()
	d.refresh()
	u, ok := d.proved[key]
	e, known := d.users[name]
	held := d.held(from)
	d.mu.Unlock()
	switch {
	case ok:
		return u, nil
	case held:
		return User{}, ErrHeld
	}
	right, err := d.check(ctx, e, known, secret)
	if err != nil {
		return User{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !right {
		d.fail(from)
		return User{}, ErrUnknown
	}
	if d.users[name] == e { // not changed meanwhile
		if len(d.proved) >= maxProved {
			clear(d.proved)
		}
		d.proved[key] = e.user()
	}
	return e.user(), nil
}

// check does the work, for some at a time.
func (d *Door) check(ctx context.Context, e Entry, known bool, secret string) (bool, error) {
	select {
	case d.hashing <- struct{}{}:
		defer func() { <-d.hashing }()
	case <-ctx.Done():
		return false, fmt.Errorf("sign in: %w", ctx.Err())
	}
	h := d.nobody
	if known {
		var err error
		if h, err = parseHash(e.Hash); err != nil {
			return false, err
		}
	}
	return h.matches(secret) && known, nil
}

// held tells whether an address has to wait. mu is held.
func (d *Door) held(from netip.Addr) bool {
	f := d.failed[from]
	return f.n >= maxFailures && time.Since(f.since) < forgiveAfter
}

// fail notes a wrong token. mu is held.
func (d *Door) fail(from netip.Addr) {
	f := d.failed[from]
	if now := time.Now(); now.Sub(f.since) >= forgiveAfter {
		f = failures{since: now}
	}
	f.n++
	if len(d.failed) >= maxAddresses {
		clear(d.failed)
	}
	d.failed[from] = f
	if f.n == maxFailures {
		d.log.Warn("wrong tokens for the API: the address has to wait", "source", from, "failures", f.n)
	}
}
