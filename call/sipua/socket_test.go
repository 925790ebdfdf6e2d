package sipua_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"

	"tierline/call/sipua"
)

// The usual life of a call on real sockets.
func TestRealSockets(t *testing.T) {
	for _, transport := range []string{sipua.UDP, sipua.TCP} {
		t.Run(transport, func(t *testing.T) {
			caller, callee := newEvents(), newEvents()
			legs := make(chan *sipua.Leg, 1)
			a := realUA(t, &desk{}, transport)
			b := realUA(t, &desk{invite: func(in *sipua.Incoming) {
				if in.Transport != transport || in.From != "10000" {
					t.Errorf("%+v", in)
				}
				_ = in.Ringing()
				l, _ := in.Answer([]byte(ourSDP), callee.on)
				legs <- l
			}}, transport)
			l, err := a.Dial(sipua.DialRequest{
				Target: fmt.Sprintf("sip:1@%s;transport=%s", b.Addr(transport), transport), From: "10000", SDP: []byte(offerSDP),
			}, caller.on)
			if err != nil {
				t.Fatal(err)
			}
			next[sipua.Ringing](t, caller)
			next[sipua.Answered](t, caller)
			next[sipua.Confirmed](t, callee)
			done := make(chan int, 2)
			l.Reinvite([]byte(offerSDP), func(status int, _ []byte) { done <- status })
			_ = next[sipua.Reinvited](t, callee).Reply(200, []byte(ourSDP))
			if s := <-done; s != 200 {
				t.Errorf("re-INVITE %d", s)
			}
			far := <-legs
			far.Reinvite([]byte(ourSDP), func(status int, _ []byte) { done <- status })
			_ = next[sipua.Reinvited](t, caller).Reply(488, nil)
			if s := <-done; s != 488 {
				t.Errorf("re-INVITE %d", s)
			}
			far.Hangup(16, "bye")
			if h := next[sipua.Hungup](t, caller); h.Reason != "bye" {
				t.Errorf("%+v", h)
			}
			if transport == sipua.TCP && (a.Stats().Connections != 1 || b.Stats().Connections != 1) {
				t.Errorf("connections %d and %d, want one for all", a.Stats().Connections, b.Stats().Connections)
			}
		})
	}
}

func TestIPv6(t *testing.T) {
	pc, err := net.ListenPacket("udp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here")
	}
	ln, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	ev := newEvents()
	ua, err := sipua.Open(sipua.Config{
		PacketConns: []net.PacketConn{pc}, Listeners: []sipua.Listener{{Listener: ln}}, Logger: slog.New(slog.DiscardHandler),
		Handler: &desk{invite: func(in *sipua.Incoming) { _, _ = in.Answer([]byte(ourSDP), ev.on) }},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer ua.Close()
	for _, transport := range []string{sipua.UDP, sipua.TCP} { // it calls itself
		out := newEvents()
		l, err := ua.Dial(sipua.DialRequest{
			Target: fmt.Sprintf("sip:1@%s;transport=%s", ua.Addr(transport), transport), From: "1", SDP: []byte(offerSDP),
		}, out.on)
		if err != nil {
			t.Fatal(err)
		}
		if d := next[sipua.Answered](t, out).Dialog; d.Target != d.Contact || !strings.Contains(d.Target, "@[::1]:") {
			t.Errorf("%+v", d)
		}
		next[sipua.Confirmed](t, ev)
		l.Hangup(16, "")
		next[sipua.Hungup](t, ev)
	}
}

func TestDialByName(t *testing.T) {
	in, out := newEvents(), newEvents()
	ua := realUA(t, &desk{invite: func(i *sipua.Incoming) { _, _ = i.Answer([]byte(ourSDP), in.on) }}, sipua.UDP)
	r := sipua.DialRequest{Target: fmt.Sprintf("sip:1@localhost:%d", ua.Addr(sipua.UDP).Port()), From: "1", SDP: []byte(offerSDP)}
	l, err := ua.Dial(r, out.on)
	if err != nil {
		t.Fatal(err)
	}
	next[sipua.Answered](t, out)
	next[sipua.Confirmed](t, in)
	l.Hangup(16, "")
	next[sipua.Hungup](t, in)
	r.Target = "sip:1@nobody.invalid"
	if _, err = ua.Dial(r, out.on); err != nil {
		t.Fatal(err)
	}
	if f := next[sipua.Failed](t, out); f.Status != 503 {
		t.Errorf("%+v", f)
	}
	l, err = ua.Dial(r, out.on)
	if err != nil {
		t.Fatal(err)
	}
	l.Cancel() // while the name is looked up, or just after
	if f := next[sipua.Failed](t, out); f.Status != 503 && f.Status != 487 {
		t.Errorf("%+v", f)
	}
}

func TestNobodyListens(t *testing.T) {
	a := realUA(t, &desk{}, sipua.TCP)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := ln.Addr().String()
	_ = ln.Close()
	ev := newEvents()
	if _, err = a.Dial(sipua.DialRequest{Target: "sip:1@" + dead + ";transport=tcp", SDP: []byte(offerSDP)}, ev.on); err != nil {
		t.Fatal(err)
	}
	if f := next[sipua.Failed](t, ev); f.Status != 503 {
		t.Errorf("%+v", f)
	}
	if s := a.Stats(); s.Connections != 0 || s.Legs != 0 || s.Transactions != 0 {
		t.Errorf("%+v", s)
	}
}

func TestOpenRefusesNonsense(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for name, c := range map[string]sipua.Config{
		"no handler":    {Logger: log},
		"no logger":     {Handler: &desk{}},
		"any address":   {Listen: []sipua.Listen{{Transport: "udp", Addr: "0.0.0.0:0"}}, Logger: log, Handler: &desk{}},
		"bad transport": {Listen: []sipua.Listen{{Transport: "sctp", Addr: "127.0.0.1:0"}}, Logger: log, Handler: &desk{}},
		"bad address":   {Listen: []sipua.Listen{{Transport: "udp", Addr: "nowhere:x"}}, Logger: log, Handler: &desk{}},
		"bad address 2": {Listen: []sipua.Listen{{Transport: "tcp", Addr: "nowhere:x"}}, Logger: log, Handler: &desk{}},
		"no socket":     {Logger: log, Handler: &desk{}},
		"bad advertise": {
			Listen: []sipua.Listen{{Transport: "tcp", Addr: "127.0.0.1:0"}}, Logger: log, Handler: &desk{}, Advertise: "a\r\nb",
		},
	} {
		if ua, err := sipua.Open(c); err == nil {
			ua.Close()
			t.Errorf("%s: no error", name)
		}
	}
	ua, err := sipua.Open(sipua.Config{
		Listen:    []sipua.Listen{{Transport: "UDP", Addr: "0.0.0.0:0"}, {Transport: "tcp", Addr: "127.0.0.1:0"}},
		Advertise: "127.0.0.1", Logger: log, Handler: &desk{},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !ua.Addr("tcp").IsValid() || ua.Addr("udp").Port() == 0 || ua.Addr("tls").IsValid() {
		t.Error(ua.Addr("tcp"), ua.Addr("udp"), ua.Addr("tls"))
	}
	ua.Close()
	if _, err := ua.Dial(sipua.DialRequest{Target: "sip:a@b", Transport: "tls"}, nil); !errors.Is(err, sipua.ErrTransport) {
		t.Error(err)
	}
}
