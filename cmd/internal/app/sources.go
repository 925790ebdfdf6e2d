package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"tierline/cmd/internal/config"
	"tierline/ivr/backend"
)

// backendGrace is how long messages and lookups that must finish may go on when
// the node stops, after the drain.
const backendGrace = 5 * time.Second

var (
	errOpenSecret = errors.New("others may read it: chmod 600")
	errNoPEM      = errors.New("holds no certificate")
)

// startBackend makes what asks business systems. Nobody is asked yet.
func (n *Node) startBackend(_, _ context.Context) error {
	endpoints, err := readEndpoints(n.settings.Sources)
	if err != nil {
		return err
	}
	n.backend, err = backend.New(backend.Config{
		Endpoints: endpoints, Log: n.log.With("part", "backend"), Observe: n.measured.asked,
	})
	if err != nil {
		return err
	}
	n.undo(func() {
		ctx, cancel := context.WithTimeout(context.Background(), backendGrace)
		defer cancel()
		n.backend.Close(ctx)
	})
	return nil
}

// readEndpoints reads the secrets of sources. All mistakes come at once.
func readEndpoints(sources map[string]config.Source) (map[string]backend.Endpoint, error) {
	out := map[string]backend.Endpoint{}
	var wrong []error
	for name, s := range sources {
		e := backend.Endpoint{URL: s.URL, Header: s.Header, Write: s.Write}
		var err error
		if s.TokenFile != "" {
			e.Token, err = readSecret(s.TokenFile)
		}
		if err == nil && s.CAFile != "" {
			e.CA, err = readCA(s.CAFile)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("source %s: %w", name, err))
			continue
		}
		out[name] = e
	}
	return out, errors.Join(wrong...)
}

func readSecret(file string) (string, error) {
	st, err := os.Stat(file)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("token file %s: %w", file, errOpenSecret)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func readCA(file string) (*x509.CertPool, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("certificates %s: %w", file, errNoPEM)
	}
	return pool, nil
}
