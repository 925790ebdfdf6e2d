package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"tierline/call"
	"tierline/cmd/internal/config"
	"tierline/cmd/internal/console"
	"tierline/ivr/backend"
)

// backendGrace is how long messages and lookups that must finish may go on when
// the node stops, after the drain.
const backendGrace = 5 * time.Second

var (
	errOpenSecret = errors.New("others may read it: chmod 600")
	errNoSecret   = errors.New("it is empty or holds characters that no token has")
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
	n.undo(func() { //nolint:contextcheck // the start's context has ended long before
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
		switch {
		case s.TokenFile != "":
			e.Token, err = readSecret(s.TokenFile)
		case s.TokenEnv != "":
			e.Token, err = checkedSecret(os.Getenv(s.TokenEnv), s.TokenEnv)
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
	return checkedSecret(strings.TrimSpace(string(b)), file)
}

// checkedSecret refuses what can't go into a header; it never tells it.
func checkedSecret(s, where string) (string, error) {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("token of %s: %w", where, errNoSecret)
	}
	return s, nil
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

// readAccounts reads the passwords of accounts. All mistakes come at once.
func readAccounts(accounts map[string]config.Account) (map[string]call.Account, error) {
	out := map[string]call.Account{}
	var wrong []error
	for name, a := range accounts {
		password, err := checkedSecret(os.Getenv(a.PasswordEnv), a.PasswordEnv)
		if a.PasswordFile != "" {
			password, err = readSecret(a.PasswordFile)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("account %s: %w", name, err))
			continue
		}
		out[name] = call.Account{Realm: a.Realm, Username: a.Username, Password: password}
	}
	return out, errors.Join(wrong...)
}

// missingAccounts warns of accounts that trunks name and this node doesn't
// have.
func (n *Node) missingAccounts() {
	g := n.services.Current()
	if g == nil {
		return
	}
	for _, t := range g.Trunks.Trunks() {
		for _, name := range []string{t.Outward.Account, t.Auth.Account} {
			if _, ok := n.settings.Accounts[name]; !ok && name != "" {
				n.log.Warn("a trunk has an account that this node's settings don't have", "trunk", t.Name, "account", name)
			}
		}
	}
}

// missingSources warns of sources that documents name and this node can't
// reach.
func (n *Node) missingSources() {
	g := n.services.Current()
	if g == nil {
		return
	}
	for _, name := range g.SourceNames() {
		if !n.backend.Knows(name) {
			n.log.Warn("flows ask a source that this node's settings don't have", "source", name)
		}
	}
}

func (n *Node) sourceFigures() []console.Figure {
	s := n.backend.Stats()
	out := []console.Figure{
		console.Gauge("messages_waiting", "Messages that their channel didn't take yet", s.Messages),
		console.Counter("messages_lost_total", "Messages given up", s.Lost),
		console.Gauge("lookup_cache_bytes", "Answers that are kept", s.CacheBytes),
	}
	for _, source := range s.Sources {
		out = append(out,
			console.Gauge("source_asking", "Questions under way", source.Asking, "source", source.Name),
			console.Gauge("source_waiting", "Questions that wait for their turn", source.Waiting, "source", source.Name))
		for _, state := range []backend.BreakerState{backend.BreakerClosed, backend.BreakerHalfOpen, backend.BreakerOpen} {
			value := 0
			if source.Breaker == state {
				value = 1
			}
			out = append(out, console.Gauge("source_breaker", "1 for the state in which the breaker is", value,
				"source", source.Name, "state", string(state)))
		}
	}
	return out
}
