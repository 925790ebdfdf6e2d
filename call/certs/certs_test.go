package certs_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tierline/call/certs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// shakeHands says whether a client finds the right name at a server.
func shakeHands(t *testing.T, server, client *tls.Config, name string) error {
	t.Helper()
	near, far := net.Pipe()
	defer func() { _ = near.Close() }()
	_ = near.SetDeadline(time.Now().Add(time.Second)) // a pipe has no room: who refuses is not heard by who still writes
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = tls.Server(far, server).Handshake() // what counts is the client's view
		_ = far.Close()
	}()
	client = client.Clone()
	client.ServerName = name
	c := tls.Client(near, client)
	err := c.Handshake()
	_ = near.Close()
	<-done
	return err
}

func TestInit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	files, err := certs.Init(dir, []string{"switch.example.net", "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{
		certs.CAFile: 0o644, certs.CAKeyFile: 0o600, certs.NodeFile: 0o644, certs.NodeKeyFile: 0o600,
	} {
		if st, bad := os.Stat(filepath.Join(dir, name)); bad != nil || st.Mode() != mode {
			t.Errorf("%s: %v, %v", name, st, bad)
		}
	}
	k, err := certs.Open(files, discard())
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(k.Expires()); left > certs.NodeLife || left < certs.NodeLife-time.Minute {
		t.Errorf("lives for %v", left)
	}
	for name, good := range map[string]bool{"switch.example.net": true, "127.0.0.1": true, "other.example.net": false} {
		if bad := shakeHands(t, k.Server(tls.RequireAndVerifyClientCert), k.Client(), name); (bad == nil) != good {
			t.Errorf("%s: %v", name, bad)
		}
	}
	ca, err := os.ReadFile(files.CA)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = certs.Init(dir, []string{"new.example.net"}); err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(files.CA)
	if err != nil || !bytes.Equal(ca, again) {
		t.Errorf("the authority that others trust was replaced: %v", err)
	}
	if _, err = certs.Init(dir, nil); err == nil {
		t.Error("a certificate for nobody")
	}
}

func TestOpenNamesWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	good, err := certs.Init(filepath.Join(dir, "a"), []string{"a.example.net"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := certs.Init(filepath.Join(dir, "b"), []string{"b.example.net"})
	if err != nil {
		t.Fatal(err)
	}
	open, text := filepath.Join(dir, "open.key"), filepath.Join(dir, "text")
	for file, mode := range map[string]fs.FileMode{open: 0o644, text: 0o600} {
		if err = os.WriteFile(file, []byte("no PEM\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		files certs.Files
		want  string
	}{
		"no certificate": {certs.Files{Cert: "absent.pem", Key: good.Key}, "certificate: open absent.pem"},
		"no key":         {certs.Files{Cert: good.Cert, Key: "absent.key"}, "key: stat absent.key"},
		"open key":       {certs.Files{Cert: good.Cert, Key: open}, "open.key: others may read it: chmod 600"},
		"another's key":  {certs.Files{Cert: good.Cert, Key: other.Key}, "private key does not match public key"},
		"no PEM":         {certs.Files{Cert: text, Key: good.Key}, "failed to find any PEM data"},
		"no authorities": {certs.Files{CA: "absent.pem"}, "authorities: open absent.pem"},
		"empty CA":       {certs.Files{CA: text}, "text holds no certificate (PEM)"},
	} {
		if _, bad := certs.Open(tt.files, discard()); bad == nil || !strings.Contains(bad.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, bad, tt.want)
		}
	}
	k, err := certs.Open(certs.Files{}, discard())
	if err != nil || k.Server(tls.NoClientCert) != nil || !k.Expires().IsZero() || k.Client() == nil {
		t.Errorf("without files: %v", err)
	}
}

// write puts a fresh pair into place.
func write(t *testing.T, f certs.Files, a *certs.Authority, life time.Duration, host string) {
	t.Helper()
	p, err := a.Issue([]string{host}, life)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(f.Key, p.Key, 0o600), os.WriteFile(f.Cert, p.Cert, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// lines is a log that is read while it is written. Reading empties it.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.text.String()
	l.text.Reset()
	return s
}

// New files are served without a restart; broken ones change nothing.
func TestFilesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	f := certs.Files{Cert: filepath.Join(dir, "c"), Key: filepath.Join(dir, "k")}
	synctest.Test(t, func(t *testing.T) {
		a, err := certs.NewAuthority("test", 900*24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		write(t, f, a, 100*24*time.Hour, "old.example.net")
		var log lines
		k, err := certs.Open(f, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() { k.Watch(stop); close(done) }()
		server, client := k.Server(tls.NoClientCert), &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: a.Pool()}
		serves := func(name string) bool {
			synctest.Wait()
			return shakeHands(t, server, client, name) == nil
		}
		if !serves("old.example.net") {
			t.Error("the first certificate isn't served")
		}
		if err := os.WriteFile(f.Cert, []byte("half a file"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if !serves("old.example.net") {
			t.Error("a broken file took the certificate away")
		}
		if said := log.String(); strings.Count(said, "can't be used") != 1 {
			t.Errorf("not told once: %s", said)
		}
		write(t, f, a, 16*24*time.Hour, "new.example.net")
		time.Sleep(2 * time.Minute)
		if serves("old.example.net") || !serves("new.example.net") {
			t.Error("the new certificate isn't served")
		}
		_ = log.String() // what was told so far
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if said := log.String(); strings.Contains(said, "expires soon") {
			t.Errorf("too early: %s", said)
		}
		time.Sleep(16 * 24 * time.Hour)
		synctest.Wait()
		said := log.String()
		if n := strings.Count(said, "expires soon"); n < 13 || n > 15 || !strings.Contains(said, "days=2") {
			t.Errorf("%d reminders:\n%s", n, said)
		}
		if !strings.Contains(said, "has expired") {
			t.Errorf("the end was not told:\n%s", said)
		}
		close(stop)
		<-done
	})
}
