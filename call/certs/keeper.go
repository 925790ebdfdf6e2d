package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// Files are those of a node: its chain and key, and whom it trusts. Each may be
// empty: without a chain nothing can be served, without CA the system's
// authorities are trusted.
type Files struct{ Cert, Key, CA string }

// Keeper serves what the files hold, also after they were changed.
type Keeper struct {
	files Files
	log   *slog.Logger
	held  atomic.Pointer[held]
	told  time.Time // when the end of the certificate was last told; Watch only
	wrong string    // what was last told about files that can't be used; Watch only
}

// held is what was read of the files.
type held struct {
	chain *tls.Certificate // nil without files
	roots *x509.CertPool   // nil: the system's
	bytes content
}

// content is what stands in the files.
type content struct{ cert, key, ca string }

const (
	lookEvery = time.Minute
	tellEvery = 24 * time.Hour

	// Soon is how long before its end a certificate is worth a warning.
	Soon = 14 * 24 * time.Hour
)

// What may be wrong with files.
var (
	ErrOpenKey = errors.New("others may read it: chmod 600")
	ErrNoPEM   = errors.New("holds no certificate (PEM)")
)

// Open reads the files.
func Open(f Files, log *slog.Logger) (*Keeper, error) {
	k := &Keeper{files: f, log: log}
	c, err := f.read()
	if err != nil {
		return nil, err
	}
	h, err := f.parse(c)
	if err != nil {
		return nil, err
	}
	k.held.Store(h)
	k.remind()
	return k, nil
}

// read reads all files.
func (f Files) read() (content, error) {
	var c content
	if f.Cert != "" {
		b, err := os.ReadFile(f.Cert)
		if err != nil {
			return c, fmt.Errorf("certificate: %w", err)
		}
		c.cert = string(b)
		st, err := os.Stat(f.Key)
		if err != nil {
			return c, fmt.Errorf("key: %w", err)
		}
		if st.Mode().Perm()&0o077 != 0 {
			return c, fmt.Errorf("key %s: %w", f.Key, ErrOpenKey)
		}
		if b, err = os.ReadFile(f.Key); err != nil {
			return c, fmt.Errorf("key: %w", err)
		}
		c.key = string(b)
	}
	if f.CA != "" {
		b, err := os.ReadFile(f.CA)
		if err != nil {
			return c, fmt.Errorf("authorities: %w", err)
		}
		c.ca = string(b)
	}
	return c, nil
}

// parse says which file can't be used.
func (f Files) parse(c content) (*held, error) {
	h := &held{bytes: c}
	if f.Cert != "" {
		pair, err := tls.X509KeyPair([]byte(c.cert), []byte(c.key))
		if err != nil {
			return nil, fmt.Errorf("certificate %s with key %s: %w", f.Cert, f.Key, err)
		}
		h.chain = &pair
	}
	if f.CA != "" {
		h.roots = x509.NewCertPool()
		if !h.roots.AppendCertsFromPEM([]byte(c.ca)) {
			return nil, fmt.Errorf("authorities: %s %w", f.CA, ErrNoPEM)
		}
	}
	return h, nil
}

// Watch takes up files that were changed, until stop is closed. Files that
// can't be used are told once, and what was read before stays in use.
func (k *Keeper) Watch(stop <-chan struct{}) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			k.look()
		}
	}
}

func (k *Keeper) look() {
	c, err := k.files.read()
	h := k.held.Load()
	if err == nil && c != h.bytes {
		h, err = k.files.parse(c)
	}
	if err != nil {
		if err.Error() != k.wrong {
			k.log.Error("certificate files changed and can't be used", "err", err)
		}
		k.wrong = err.Error()
		return
	}
	k.wrong = ""
	if k.held.Swap(h) != h {
		k.told = time.Time{}
		k.log.Info("certificate files read again", "expires", k.Expires())
	}
	k.remind()
}

// remind tells once a day that the certificate ends soon.
func (k *Keeper) remind() {
	left := time.Until(k.Expires())
	if k.held.Load().chain == nil || left > Soon || time.Since(k.told) < tellEvery {
		return
	}
	k.told = time.Now()
	if left <= 0 {
		k.log.Error("the certificate has expired: peers refuse it", "file", k.files.Cert, "expired", k.Expires())
		return
	}
	k.log.Warn("the certificate expires soon", "file", k.files.Cert, "expires", k.Expires(),
		"days", int(left.Hours()/24))
}

// Expires is when the certificate ends; zero if there is none.
func (k *Keeper) Expires() time.Time {
	if h := k.held.Load(); h.chain != nil {
		return h.chain.Leaf.NotAfter
	}
	return time.Time{}
}

// Server returns the configuration to serve with; nil if there is no
// certificate. Peers may be asked for one of theirs, which the authorities of
// the files (or the system's) must have signed.
func (k *Keeper) Server(ask tls.ClientAuthType) *tls.Config {
	if k.held.Load().chain == nil {
		return nil
	}
	current := func() *tls.Config {
		h := k.held.Load()
		return &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*h.chain}, ClientAuth: ask, ClientCAs: h.roots,
		}
	}
	c := current()
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return current(), nil }
	return c
}

// Client returns the configuration to connect with.
func (k *Keeper) Client() *tls.Config {
	h := k.held.Load()
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: h.roots}
	if h.chain != nil {
		c.Certificates = []tls.Certificate{*h.chain}
	}
	return c
}
