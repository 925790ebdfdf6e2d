package phone_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"tierline/call/phone"
)

// fakeRegistrar challenges every first REGISTER and notes what it accepts.
type fakeRegistrar struct {
	mu      sync.Mutex
	expires []string
	digest  []string
}

func (f *fakeRegistrar) register(req *sip.Request, tx sip.ServerTransaction) {
	if h := req.GetHeader("Authorization"); h != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.digest = append(f.digest, h.Value())
		f.expires = append(f.expires, req.GetHeader("Expires").Value())
		_ = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
		return
	}
	res := sip.NewResponseFromRequest(req, 401, "Who are you?", nil)
	for _, alg := range []string{"SHA-256", "MD5"} {
		res.AppendHeader(sip.NewHeader("WWW-Authenticate",
			`Digest realm="tierline", nonce="abc", qop="auth", algorithm=`+alg))
	}
	_ = tx.Respond(res)
}

func (f *fakeRegistrar) serve(t *testing.T) string {
	t.Helper()
	ua, err := sipgo.NewUA()
	if err != nil {
		t.Fatal(err)
	}
	srv, err := sipgo.NewServer(ua)
	if err != nil {
		t.Fatal(err)
	}
	srv.OnRegister(f.register)
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.ServeUDP(conn)
	}()
	t.Cleanup(func() {
		_ = ua.Close()
		_ = conn.Close()
		<-done
	})
	return conn.LocalAddr().String()
}

func TestRegister(t *testing.T) {
	var f fakeRegistrar
	p, err := phone.OpenPhone(t.Context(), phone.PhoneConfig{
		Endpoint:  phone.Config{User: "1001", Password: "secret"},
		Registrar: f.serve(t), Expires: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if got := strings.Join(f.expires, " "); got != "60 0" {
		t.Errorf("expires %q, want a binding and its end", got)
	}
	if !strings.Contains(f.digest[0], "SHA-256") || !strings.Contains(f.digest[0], `username="1001"`) {
		t.Errorf("authorization %q", f.digest[0])
	}
}

func TestRegisterSilence(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0") // reads nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = phone.OpenPhone(ctx, phone.PhoneConfig{
		Endpoint: phone.Config{User: "1001"}, Registrar: conn.LocalAddr().String(),
	})
	if err == nil {
		t.Error("registered with nobody")
	}
}
