package sipua_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"

	"tierline/call/sipua"
)

// neighbour is another node of a cluster: what phones of the first it borrows
// goes over pipes.
func neighbour(t *testing.T, owner *sipua.UA, transport string) (*sipua.UA, *[]net.Conn) {
	t.Helper()
	var wires []net.Conn
	ua, err := sipua.Open(sipua.Config{
		Listeners: []sipua.Listener{{Listener: newHall(), Transport: transport}},
		Logger:    slog.New(slog.DiscardHandler), Handler: &desk{},
		Borrow: func(of string, remote netip.AddrPort) func(context.Context) (net.Conn, error) {
			if of != transport || remote.Addr().String() != "10.0.0.2" {
				return nil
			}
			return func(context.Context) (net.Conn, error) {
				if remote.Port() == 1 {
					return nil, errors.New("node is down")
				}
				near, far := net.Pipe()
				wires = append(wires, near)
				go owner.Lend(far)
				return near, nil
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ua.Close)
	return ua, &wires
}

func answerTo(m *msg, status, more string) string {
	return fmt.Sprintf("SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=b\r\nCall-ID: %s\r\nCSeq: %s\r\n%s",
		status, m.get("Via"), m.get("From"), m.get("To"), m.get("Call-ID"), m.get("CSeq"), more)
}

func invitation(remote string) sipua.DialRequest {
	return sipua.DialRequest{
		Target: "sip:k3j2@df7jal23ls0d.invalid;transport=ws", Destination: remote, Transport: sipua.WS,
		From: "10000", SDP: []byte(ourSDP),
	}
}

// A browser is connected to one node and a caller comes to another: that one
// calls the browser over the connection it hasn't got, and the whole call goes
// this way.
func TestAPhoneIsCalledThroughTheNodeItIsConnectedTo(t *testing.T) {
	inSocketHall(t, func(t *testing.T, h *hall, _ *desk, owner *sipua.UA) {
		other, _ := neighbour(t, owner, sipua.WS)
		b := h.joined(t, "10.0.0.2:40000")
		ev := newEvents()
		l, err := other.Dial(invitation("10.0.0.2:40000"), ev.on)
		if err != nil {
			t.Fatal(err)
		}
		s, _ := b.next()
		inv := parseMsg(s)
		if inv.what() != "INVITE" {
			t.Fatalf("%q", s)
		}
		b.say(answerTo(inv, "180 Ringing", "Content-Length: 0\r\n\r\n"))
		next[sipua.Ringing](t, ev)
		b.say(answerTo(inv, "200 OK", fmt.Sprintf("Contact: <sip:k3j2@df7jal23ls0d.invalid;transport=ws>\r\n"+
			"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(offerSDP), offerSDP)))
		next[sipua.Answered](t, ev)
		if s, _ = b.next(); parseMsg(s).what() != "ACK" {
			t.Errorf("%q", s)
		}
		b.say(options(1)) // what isn't of that call is the owner's
		if s, _ = b.next(); !strings.HasPrefix(s, "SIP/2.0 200") {
			t.Errorf("OPTIONS: %q", s)
		}
		l.Reinvite([]byte(ourSDP), func(int, []byte) {})
		s, _ = b.next()
		again := parseMsg(s)
		b.say(answerTo(again, "488 Not Acceptable Here", "Content-Length: 0\r\n\r\n"))
		if s, _ = b.next(); again.what() != "INVITE" || parseMsg(s).what() != "ACK" {
			t.Errorf("%q", s)
		}
		from, to := inv.get("To")+";tag=b", inv.get("From")
		b.say(fmt.Sprintf("BYE %s SIP/2.0\r\nVia: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n"+
			"From: %s\r\nTo: %s\r\ni: %s\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
			strings.Trim(inv.get("Contact"), "<>"), from, to, inv.get("Call-ID")))
		next[sipua.Hungup](t, ev)
		if s, _ = b.next(); !strings.HasPrefix(s, "SIP/2.0 200") {
			t.Errorf("BYE: %q", s)
		}
		if n := owner.Stats().Legs; n != 0 {
			t.Errorf("the owner of the connection has %d legs", n)
		}
	})
}

func TestAConnectionThatIsLentAndGone(t *testing.T) {
	for name, end := range map[string]func(b *browser, wires []net.Conn){
		"the phone's":       func(b *browser, _ []net.Conn) { _ = b.c.Close() },
		"between the nodes": func(_ *browser, wires []net.Conn) { _ = wires[0].Close() },
	} {
		inSocketHall(t, func(t *testing.T, h *hall, _ *desk, owner *sipua.UA) {
			other, wires := neighbour(t, owner, sipua.WS)
			b := h.joined(t, "10.0.0.2:40000")
			ev := newEvents()
			if _, err := other.Dial(invitation("10.0.0.2:40000"), ev.on); err != nil {
				t.Fatal(err)
			}
			_, _ = b.next()
			end(b, *wires)
			if f := next[sipua.Failed](t, ev); f.Status != 503 {
				t.Errorf("%s: %+v", name, f)
			}
			if n := other.Stats().Connections; n != 0 {
				t.Errorf("%s: %d connections borrowed", name, n)
			}
		})
	}
}

func TestAConnectionThatNobodyHas(t *testing.T) {
	inSocketHall(t, func(t *testing.T, _ *hall, _ *desk, owner *sipua.UA) {
		other, _ := neighbour(t, owner, sipua.WS)
		for _, remote := range []string{"10.0.0.2:40000", "10.0.0.2:1", "10.0.0.3:40000"} { // left, node down, unknown
			ev := newEvents()
			if _, err := other.Dial(invitation(remote), ev.on); err == nil {
				if f := next[sipua.Failed](t, ev); f.Status != 503 {
					t.Errorf("%s: %+v", remote, f)
				}
			}
		}
	})
}

func TestWhatIsNoBorrower(t *testing.T) {
	inSocketHall(t, func(t *testing.T, h *hall, _ *desk, owner *sipua.UA) {
		b := h.joined(t, "10.0.0.2:40000")
		for _, text := range []string{
			"", "\x00\x00\x00", "\x00\x00\x00\x02ws", "\xff\xff\xff\xffGET / HTTP", "\x00\x00\x00\x11ws 10.0.0.2:99999",
			"\x00\x00\x00\x11ws 10.0.0.2:40000\x7f\xff\xff\xff",
		} {
			near, far := net.Pipe()
			over := make(chan struct{})
			go func() { owner.Lend(far); close(over) }()
			_, _ = near.Write([]byte(text)) // it may hang up before the end
			<-over                          // in time, also if nothing comes
			_ = near.Close()
		}
		b.say(options(1))
		if s, _ := b.next(); !strings.HasPrefix(s, "SIP/2.0 200") {
			t.Errorf("OPTIONS afterwards: %q", s)
		}
	})
}

// Whatever a phone says, the search for its Call-ID ends and makes nothing up.
func FuzzRawCallID(f *testing.F) {
	for _, s := range []string{options(1), "i:x\r\n\r\n", "CALL-ID \t: a@b \r\n", "\r\nCall-ID: body\r\n", "", "i", ":"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		id := sipua.RawCallID(b)
		if !strings.Contains(string(b), id) || strings.ContainsAny(id, "\n") {
			t.Errorf("%q in %q", id, b)
		}
	})
}
