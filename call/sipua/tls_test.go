package sipua_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"tierline/call/certs"
	"tierline/call/sipua"
)

const day = 24 * time.Hour

func newAuthority(t testing.TB) *certs.Authority {
	t.Helper()
	a, err := certs.NewAuthority("Tierline test", day)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func keyPair(t testing.TB, a *certs.Authority, life time.Duration, hosts ...string) tls.Certificate {
	t.Helper()
	p, err := a.Issue(hosts, life)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// safeUA is a UA on TLS that trusts an authority and has its certificate for
// hosts.
func safeUA(t testing.TB, h sipua.Handler, a *certs.Authority, change func(*tls.Config), hosts ...string) *sipua.UA {
	t.Helper()
	server := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{keyPair(t, a, day, hosts...)}}
	if change != nil {
		change(server)
	}
	ua, err := sipua.Open(sipua.Config{
		Listen: []sipua.Listen{{Transport: sipua.TLS, Addr: "127.0.0.1:0"}}, Logger: slog.New(slog.DiscardHandler), Handler: h,
		ServerTLS: server,
		ClientTLS: func(string) (*tls.Config, string) {
			return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: a.Pool(), Certificates: server.Certificates}, ""
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ua.Close)
	return ua
}

// A call over TLS in both directions uses one connection, whose peer proved
// its name.
func TestCallOverTLS(t *testing.T) {
	ca := newAuthority(t)
	caller, callee := newEvents(), newEvents()
	legs := make(chan *sipua.Leg, 1)
	a := safeUA(t, &desk{}, ca, nil, "switch.example.net")
	b := safeUA(t, &desk{invite: func(in *sipua.Incoming) {
		if in.Transport != sipua.TLS {
			t.Errorf("%+v", in)
		}
		l, _ := in.Answer([]byte(ourSDP), callee.on)
		legs <- l
	}}, ca, nil, "carrier.example.net")
	l, err := a.Dial(sipua.DialRequest{
		Target: "sips:1@carrier.example.net", Destination: b.Addr(sipua.TLS).String(), ServerName: "carrier.example.net",
		From: "10000", SDP: []byte(offerSDP),
	}, caller.on)
	if err != nil {
		t.Fatal(err)
	}
	d := next[sipua.Answered](t, caller).Dialog
	if d.Transport != sipua.TLS || !strings.HasPrefix(d.Contact, "sips:") || !strings.HasPrefix(d.Target, "sips:") ||
		!strings.HasSuffix(d.Contact, ";transport=tls") || d.ServerName != "carrier.example.net" {
		t.Errorf("%+v", d)
	}
	next[sipua.Confirmed](t, callee)
	done := make(chan int, 1)
	far := <-legs
	far.Reinvite([]byte(ourSDP), func(status int, _ []byte) { done <- status })
	_ = next[sipua.Reinvited](t, caller).Reply(200, []byte(offerSDP))
	if s := <-done; s != 200 {
		t.Errorf("re-INVITE %d", s)
	}
	l.Hangup(16, "bye")
	next[sipua.Hungup](t, callee)
	if a.Stats().Connections != 1 || b.Stats().Connections != 1 {
		t.Errorf("%d and %d connections", a.Stats().Connections, b.Stats().Connections)
	}
}

// Whoever can't prove the name that was called gets no call.
func TestNamesOverTLS(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	tests := map[string]struct {
		by    *certs.Authority
		hosts []string
		name  string
		want  int
	}{
		"right name":             {ca, []string{"a.example.net", "carrier.example.net"}, "Carrier.Example.NET", 404},
		"final dot":              {ca, []string{"carrier.example.net"}, "carrier.example.net.", 404},
		"address":                {ca, []string{"127.0.0.1"}, "127.0.0.1", 404},
		"wrong name":             {ca, []string{"thief.example.net"}, "carrier.example.net", 503},
		"wildcard":               {ca, []string{"*.example.net"}, "carrier.example.net", 503},
		"wildcard as configured": {ca, []string{"*.example.net"}, "*.example.net", 404},
		"wrong authority":        {stranger, []string{"carrier.example.net"}, "carrier.example.net", 503},
		"no name to prove":       {ca, []string{"carrier.example.net"}, "", 503},
	}
	a := safeUA(t, &desk{}, ca, nil, "switch.example.net")
	for name, tt := range tests {
		pair := keyPair(t, tt.by, day, tt.hosts...)
		b := safeUA(t, &desk{}, ca, func(c *tls.Config) { c.Certificates = []tls.Certificate{pair} }, "unused.example.net")
		if got := refusal(t, a, b, tt.name); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
	expired := keyPair(t, ca, -time.Minute, "carrier.example.net")
	b := safeUA(t, &desk{}, ca, func(c *tls.Config) { c.Certificates = []tls.Certificate{expired} }, "unused.example.net")
	if got := refusal(t, a, b, "carrier.example.net"); got != 503 {
		t.Errorf("expired: %d", got)
	}
}

// refusal calls b, who has nobody to answer: 404 says that the call came through.
func refusal(t testing.TB, a, b *sipua.UA, name string) int {
	t.Helper()
	ev := newEvents()
	_, err := a.Dial(sipua.DialRequest{
		Target: "sip:1@carrier.example.net;transport=tls", Destination: b.Addr(sipua.TLS).String(), ServerName: name,
		From: "10000", SDP: []byte(offerSDP),
	}, ev.on)
	if err != nil {
		t.Fatal(err)
	}
	return next[sipua.Failed](t, ev).Status
}

// A connection that proved one name is not used for another.
func TestConnectionIsNotReusedForAnotherName(t *testing.T) {
	ca := newAuthority(t)
	a := safeUA(t, &desk{}, ca, nil, "switch.example.net")
	b := safeUA(t, &desk{}, ca, nil, "carrier.example.net")
	for name, want := range map[string]int{"carrier.example.net": 404, "other.example.net": 503} {
		if got := refusal(t, a, b, name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

// A trunk may have to show who it is.
func TestMutualTLS(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	demand := func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool() }
	b := safeUA(t, &desk{}, ca, demand, "carrier.example.net")
	if got := refusal(t, safeUA(t, &desk{}, ca, nil, "switch.example.net"), b, "carrier.example.net"); got != 404 {
		t.Errorf("with a certificate: %d", got)
	}
	other := safeUA(t, &desk{}, ca, func(c *tls.Config) {
		c.Certificates = []tls.Certificate{keyPair(t, stranger, day, "switch.example.net")}
	}, "unused.example.net")
	if got := refusal(t, other, b, "carrier.example.net"); got != 503 {
		t.Errorf("with a stranger's certificate: %d", got)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	ca := newAuthority(t)
	ua := safeUA(t, &desk{}, ca, func(c *tls.Config) { c.MinVersion = tls.VersionTLS10 }, "127.0.0.1")
	old := &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if c, err := tls.Dial("tcp", ua.Addr(sipua.TLS).String(), old); err == nil {
		_ = c.Close()
		t.Error("TLS 1.1 was accepted")
	}
	_, err := sipua.Open(sipua.Config{
		Listen: []sipua.Listen{{Transport: sipua.TLS, Addr: "127.0.0.1:0"}}, Logger: slog.New(slog.DiscardHandler), Handler: &desk{},
	})
	if !errors.Is(err, sipua.ErrInput) {
		t.Errorf("served TLS without a certificate: %v", err)
	}
}

// Who connects and says nothing, or something else, is gone in time and takes
// nobody's place meanwhile.
func TestHandshakeThatNeverComes(t *testing.T) {
	ca := newAuthority(t)
	pair, now := keyPair(t, ca, day, "a.example.net"), time.Now() // the bubble's clock stands at the year 2000
	inHallOf(t, sipua.TLS, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}, 0,
		func(t *testing.T, h *hall, _ *desk, ua *sipua.UA) {
			silent := h.connect(t, "10.0.0.2:40000", false)
			plain := h.connect(t, "10.0.0.2:40001", false)
			plain.write(options(1))
			near, far := net.Pipe()
			h.in <- stream{far, "10.0.0.2:40002"}
			safe := tls.Client(near, &tls.Config{
				MinVersion: tls.VersionTLS12, RootCAs: ca.Pool(), ServerName: "a.example.net",
				Time: func() time.Time { return now },
			})
			if _, err := fmt.Fprint(safe, options(1)); err != nil {
				t.Fatal(err)
			}
			answer := make([]byte, 4096)
			n, err := safe.Read(answer)
			if err != nil || !strings.HasPrefix(string(answer[:n]), "SIP/2.0 200") {
				t.Errorf("%q, %v", answer[:n], err)
			}
			if !plain.closed() || silent.closed() {
				t.Errorf("closed: plain %v, silent %v", plain.closed(), silent.closed())
			}
			time.Sleep(11 * time.Second)
			if !silent.closed() || ua.Stats().Connections != 1 || ua.Stats().Drops["handshake"] != 2 {
				t.Errorf("silent closed %v, %+v", silent.closed(), ua.Stats())
			}
			_ = near.Close()
		})
}

// A target over TLS is asked whether it lives as it is called: it proves its
// name first.
func TestPingOverTLS(t *testing.T) {
	ca := newAuthority(t)
	a := safeUA(t, &desk{}, ca, nil, "switch.example.net")
	for name, want := range map[string]int{"127.0.0.1": 200, "other.example.net": 0} {
		b := safeUA(t, &desk{}, ca, nil, name)
		got := make(chan sipua.Pong, 1)
		a.Ping(fmt.Sprintf("sip:%s;transport=tls", b.Addr(sipua.TLS)), 5*time.Second, func(p sipua.Pong) { got <- p })
		p := <-got
		if p.Status != want || (want == 0) != strings.Contains(p.Trouble, "the certificate names somebody else") {
			t.Errorf("%s: %+v, want %d", name, p, want)
		}
	}
}

// What began over TLS stays there, whatever the peer's Contact says.
func TestNoWayBackFromTLS(t *testing.T) {
	ca := newAuthority(t)
	ev, p := newEvents(), keyPair(t, ca, day, "127.0.0.1")
	b, err := sipua.Open(sipua.Config{
		Listen: []sipua.Listen{{Transport: sipua.TLS, Addr: "127.0.0.1:0"}, {Transport: sipua.TCP, Addr: "127.0.0.1:0"}},
		Logger: slog.New(slog.DiscardHandler), Handler: &desk{}, ServerTLS: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{p}},
		ClientTLS: func(string) (*tls.Config, string) {
			return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: ca.Pool()}, ""
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{p}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	got := make(chan string, 1)
	go func() {
		c, closed := ln.Accept()
		if closed != nil {
			return
		}
		defer func() { _ = c.Close() }()
		buf := make([]byte, 65536)
		n, _ := c.Read(buf)
		inv := parseMsg(string(buf[:n]))
		_, _ = fmt.Fprintf(c, "SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=b\r\nCall-ID: %s\r\nCSeq: %s\r\n"+
			"Contact: <sip:1@127.0.0.1:9;transport=tcp>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
			inv.get("Via"), inv.get("From"), inv.get("To"), inv.get("Call-ID"), inv.get("CSeq"), len(offerSDP), offerSDP)
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, _ = c.Read(buf)
		got <- strings.Fields(string(buf[:n]) + " nothing")[0]
	}()
	_, err = b.Dial(sipua.DialRequest{
		Target: fmt.Sprintf("sip:1@%s;transport=tls", ln.Addr()), From: "10000", SDP: []byte(offerSDP),
	}, ev.on)
	if err != nil {
		t.Fatal(err)
	}
	next[sipua.Answered](t, ev)
	if s := <-got; s != "ACK" {
		t.Errorf("%q", s)
	}
}
