package sipua_test

import (
	"crypto/tls"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"tierline/call/certs"
	"tierline/call/sipua"
)

// A node that serves no TLS calls over it all the same. What the peer says in
// the call comes back over the connection that we made.
func TestCallOverTLSOfANodeThatServesNone(t *testing.T) {
	ca := newAuthority(t)
	caller, callee := newEvents(), newEvents()
	legs := make(chan *sipua.Leg, 1)
	b := safeUA(t, &desk{invite: func(in *sipua.Incoming) {
		l, _ := in.Answer([]byte(ourSDP), callee.on)
		legs <- l
	}}, ca, nil, "carrier.example.net")
	called := make(chan string, 1)
	a, err := sipua.Open(sipua.Config{
		Listen: []sipua.Listen{{Transport: sipua.UDP, Addr: "127.0.0.1:0"}}, Logger: slog.New(slog.DiscardHandler),
		Handler: &desk{},
		ClientTLS: func(name string) (*tls.Config, string) {
			called <- name
			return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: ca.Pool()}, "carrier.example.net"
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	if a.Addr(sipua.TLS).IsValid() {
		t.Error("it says that it serves TLS")
	}
	l, err := a.Dial(sipua.DialRequest{
		Target: "sip:1@" + b.Addr(sipua.TLS).String() + ";transport=tls", From: "10000", SDP: []byte(offerSDP),
	}, caller.on)
	if err != nil {
		t.Fatal(err)
	}
	d := next[sipua.Answered](t, caller).Dialog
	if d.Transport != sipua.TLS || d.Contact != "sip:tierline@127.0.0.1;transport=tls;ob" {
		t.Errorf("%+v", d)
	}
	if name := <-called; name != "127.0.0.1" {
		t.Errorf("called %s", name)
	}
	next[sipua.Confirmed](t, callee)
	done := make(chan int, 1)
	far := <-legs
	far.Reinvite([]byte(ourSDP), func(status int, _ []byte) { done <- status })
	_ = next[sipua.Reinvited](t, caller).Reply(200, []byte(offerSDP))
	if s := <-done; s != 200 {
		t.Errorf("re-INVITE %d", s)
	}
	far.Hangup(16, "bye")
	next[sipua.Hungup](t, caller)
	l.Hangup(16, "bye")
	if a.Stats().Connections != 1 || b.Stats().Connections != 1 {
		t.Errorf("%d and %d connections", a.Stats().Connections, b.Stats().Connections)
	}
}

// The same over TCP: calls of a node that serves UDP only never left, though no
// listener is needed for them.
func TestCallOverTCPOfANodeThatServesUDPOnly(t *testing.T) {
	caller, callee := newEvents(), newEvents()
	legs := make(chan *sipua.Leg, 1)
	b := realUA(t, &desk{invite: func(in *sipua.Incoming) {
		l, _ := in.Answer([]byte(ourSDP), callee.on)
		legs <- l
	}}, sipua.TCP)
	a := realUA(t, &desk{}, sipua.UDP)
	if a.Addr(sipua.TCP).IsValid() {
		t.Error("it says that it serves TCP")
	}
	target := "sip:1@" + b.Addr(sipua.TCP).String() + ";transport=tcp"
	if _, err := a.Dial(sipua.DialRequest{Target: target, From: "10000", SDP: []byte(offerSDP)}, caller.on); err != nil {
		t.Fatal(err)
	}
	d := next[sipua.Answered](t, caller).Dialog
	if d.Transport != sipua.TCP || d.Contact != "sip:tierline@127.0.0.1;transport=tcp;ob" {
		t.Errorf("%+v", d)
	}
	if a.Serves(d) {
		t.Error("it says that its peer could connect to it")
	}
	next[sipua.Confirmed](t, callee)
	(<-legs).Hangup(16, "bye")
	next[sipua.Hungup](t, caller)
	asked := make(chan sipua.Pong, 1)
	a.Ping(target, 8*time.Second, func(p sipua.Pong) { asked <- p })
	if p := <-asked; p.Status != 200 {
		t.Errorf("OPTIONS: %+v", p)
	}
	if a.Stats().Connections != 1 || b.Stats().Connections != 1 {
		t.Errorf("%d and %d connections", a.Stats().Connections, b.Stats().Connections)
	}
}

// wrongly is a UA whose trunk expects another name than 127.0.0.1 proves.
func wrongly(t *testing.T, ca *certs.Authority, change func(*sipua.Config)) *sipua.UA {
	t.Helper()
	c := sipua.Config{
		Listen: []sipua.Listen{{Transport: sipua.UDP, Addr: "127.0.0.1:0"}}, Logger: slog.New(slog.DiscardHandler),
		Handler: &desk{},
		ClientTLS: func(string) (*tls.Config, string) {
			return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: ca.Pool()}, "carrier.example.net"
		},
	}
	change(&c)
	ua, err := sipua.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ua.Close)
	return ua
}

// Whoever proves another name than the trunk expects is refused, and why is
// said with the failure.
func TestFailureSaysWhatTheCertificateLacks(t *testing.T) {
	ca, ev := newAuthority(t), newEvents()
	b := safeUA(t, &desk{}, ca, nil, "127.0.0.1")
	a := wrongly(t, ca, func(*sipua.Config) {})
	_, err := a.Dial(sipua.DialRequest{
		Target: "sip:1@" + b.Addr(sipua.TLS).String() + ";transport=tls", From: "10000", SDP: []byte(offerSDP),
	}, ev.on)
	if err != nil {
		t.Fatal(err)
	}
	f := next[sipua.Failed](t, ev)
	if f.Status != 503 || !strings.Contains(f.Trouble, `the certificate names somebody else: 127.0.0.1, wanted "carrier.example.net"`) {
		t.Errorf("%+v", f)
	}
}

// The same when the connection fails before the request is written: "connection
// is closed" stood there, which says nothing.
func TestFailureOfAConnectionThatFailedFirst(t *testing.T) {
	ca := newAuthority(t)
	b := safeUA(t, &desk{}, ca, nil, "127.0.0.1")
	var a *sipua.UA
	a = wrongly(t, ca, func(c *sipua.Config) {
		c.Watch = func(sipua.Sighting) { // just before the request is written
			for a.Stats().Connections > 0 {
				runtime.Gosched()
			}
		}
	})
	for range 20 {
		got := make(chan sipua.Pong, 1)
		a.Ping("sip:"+b.Addr(sipua.TLS).String()+";transport=tls", 8*time.Second, func(p sipua.Pong) { got <- p })
		if p := <-got; !strings.Contains(p.Trouble, "the certificate names somebody else") {
			t.Fatalf("%+v", p)
		}
	}
}
