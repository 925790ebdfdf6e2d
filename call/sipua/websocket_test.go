package sipua_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"tierline/call/registrar"
	"tierline/call/sipua"
)

func inSocketHall(t *testing.T, f func(t *testing.T, h *hall, d *desk, ua *sipua.UA)) {
	t.Helper()
	inHallOf(t, sipua.WS, nil, 0, f)
}

func TestUpgrade(t *testing.T) {
	tests := map[string]struct {
		change  func(string) string
		origins []string
		want    string
	}{
		"good":               {nil, nil, "101"},
		"another page":       {origin("https://evil.example.com"), nil, "403"},
		"the same host":      {origin("https://switch.example.net:9999"), nil, "101"},
		"page as configured": {origin("https://desk.example.net"), []string{"https://desk.example.net"}, "101"},
		"page not in list":   {origin("https://switch.example.net"), []string{"https://desk.example.net"}, "403"},
		"any page":           {origin("null"), []string{"*"}, "101"},
		"no host in origin":  {origin("null"), nil, "403"},
		"other subprotocol":  {swapText("chat, sip", "chat"), nil, "400"},
		"no subprotocol":     {swapText("Sec-WebSocket-Protocol: chat, sip\r\n", ""), nil, "400"},
		"old version":        {swapText("Version: 13", "Version: 8"), nil, "426"},
		"no upgrade":         {swapText("Upgrade: websocket\r\n", ""), nil, "400"},
		"POST":               {swapText("GET ", "POST "), nil, "405"},
		"endless header":     {swapText("\r\n\r\n", "\r\nX: "+strings.Repeat("y", 20000)), nil, ""},
		"SIP":                {func(string) string { return options(1) }, nil, ""},
	}
	for name, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			h := newHall()
			ua, err := sipua.Open(sipua.Config{
				Listeners: []sipua.Listener{{Listener: h, Transport: sipua.WS}}, Origins: tt.origins,
				Logger: slog.New(slog.DiscardHandler), Handler: &desk{},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer ua.Close()
			request := upgrade
			if tt.change != nil {
				request = tt.change(upgrade)
			}
			b, head := h.open(t, "10.0.0.2:40000", request)
			status := ""
			if w := strings.Fields(head); len(w) > 1 {
				status = w[1]
			}
			if status != tt.want {
				t.Errorf("%s: %q, want %s", name, head, tt.want)
			}
			if good := tt.want == "101"; !good {
				time.Sleep(11 * time.Second)
				if n := ua.Stats().Connections; n != 0 {
					t.Errorf("%s: %d connections", name, n)
				}
			}
			_ = b.c.Close()
		})
	}
}

func origin(o string) func(string) string {
	return swapText("Upgrade: websocket\r\n", "Upgrade: websocket\r\nOrigin: "+o+"\r\n")
}

func swapText(from, to string) func(string) string {
	return func(s string) string { return strings.Replace(s, from, to, 1) }
}

func TestFrames(t *testing.T) {
	text := func(s string) ws.Frame { return ws.NewTextFrame([]byte(s)) }
	part := func(op ws.OpCode, fin bool, s string) ws.Frame { return ws.NewFrame(op, fin, []byte(s)) }
	whole := options(1)
	big := ws.NewTextFrame(bytes.Repeat([]byte("x"), 70000))
	tests := map[string]struct {
		frames []ws.Frame
		want   string // the answers' beginnings
		closed bool
	}{
		"a message":         {[]ws.Frame{text(whole)}, "SIP/2.0 200", false},
		"binary":            {[]ws.Frame{ws.NewBinaryFrame([]byte(whole))}, "SIP/2.0 200", false},
		"no Content-Length": {[]ws.Frame{text(strings.Replace(whole, "Content-Length: 0\r\n", "", 1))}, "SIP/2.0 200", false},
		"in three parts": {
			[]ws.Frame{
				part(ws.OpText, false, whole[:9]), ws.NewPingFrame([]byte("?")), part(ws.OpContinuation, false, whole[9:50]),
				part(ws.OpContinuation, true, whole[50:]),
			}, "? SIP/2.0 200", false,
		},
		"keep-alive":             {[]ws.Frame{text("\r\n\r\n")}, "\r\n", false},
		"empty":                  {[]ws.Frame{text("")}, "", false},
		"garbage":                {[]ws.Frame{text("hello"), text(whole)}, "SIP/2.0 200", false},
		"two in one frame":       {[]ws.Frame{text(whole + options(2)), text(options(3))}, "SIP/2.0 200 SIP/2.0 200", false},
		"too big":                {[]ws.Frame{big}, "\x03\xf1", true},
		"too big in parts":       {[]ws.Frame{part(ws.OpText, false, strings.Repeat("x", 60000)), part(ws.OpContinuation, false, strings.Repeat("x", 6000))}, "\x03\xf1", true},
		"continuation of naught": {[]ws.Frame{part(ws.OpContinuation, true, whole)}, "\x03\xea", true},
		"reserved":               {[]ws.Frame{part(ws.OpCode(5), true, whole)}, "\x03\xea", true},
		"goodbye":                {[]ws.Frame{ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, "bye"))}, "\x03\xe8", true},
	}
	for name, tt := range tests {
		inSocketHall(t, func(t *testing.T, h *hall, _ *desk, _ *sipua.UA) {
			b := h.joined(t, "10.0.0.2:40000")
			for _, f := range tt.frames {
				b.frame(f)
				synctest.Wait()
			}
			time.Sleep(time.Second)
			synctest.Wait()
			var got []string
			for range len(b.got) {
				s, _ := b.next()
				got = append(got, s[:min(len(s), 11)])
			}
			if strings.Join(got, " ") != tt.want || b.closed() != tt.closed {
				t.Errorf("%s: %q, closed %v", name, got, b.closed())
			}
		})
	}
}

func TestUnmaskedFrameEndsTheConnection(t *testing.T) {
	inSocketHall(t, func(t *testing.T, h *hall, _ *desk, _ *sipua.UA) {
		b := h.joined(t, "10.0.0.2:40000")
		_ = ws.WriteFrame(b.c, ws.NewTextFrame([]byte(options(1))))
		if s, op := b.next(); op != ws.OpClose || s != "\x03\xea" {
			t.Errorf("%q %v", s, op)
		}
	})
}

// A browser that is there answers pings for ever; one that fell asleep is gone
// within two minutes, and whoever registered over it is told of.
func TestSilentSocket(t *testing.T) {
	inSocketHall(t, func(t *testing.T, h *hall, d *desk, ua *sipua.UA) {
		gone := make(chan string, 10)
		d.register = func(context.Context, registrar.Request) registrar.Response {
			return registrar.Response{Status: 200, Reason: "OK"}
		}
		d.gone = func(transport string, remote netip.AddrPort) { gone <- transport + " " + remote.String() }
		never := h.joined(t, "10.0.0.2:40000") // says nothing at all
		awake, asleep := h.joined(t, "10.0.0.2:40001"), h.joined(t, "10.0.0.2:40002")
		for i, b := range []*browser{awake, asleep} {
			register := strings.ReplaceAll(options(i), "OPTIONS", "REGISTER")
			b.say(swap(register, "Call-ID", "Call-ID: o\r\nContact: <sip:a@x.invalid;transport=ws>"))
			if s, _ := b.next(); !strings.HasPrefix(s, "SIP/2.0 200") {
				t.Errorf("REGISTER: %q", s)
			}
		}
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			for {
				select {
				case f := <-awake.got:
					awake.frame(ws.NewPongFrame(f.Payload))
				case <-stop:
					return
				}
			}
		}()
		time.Sleep(3 * time.Minute)
		if !never.closed() || awake.closed() || !asleep.closed() {
			t.Errorf("closed: never %v, awake %v, asleep %v", never.closed(), awake.closed(), asleep.closed())
		}
		if synctest.Wait(); len(gone) != 1 {
			t.Fatalf("%d are gone", len(gone))
		}
		if s := <-gone; s != "ws 10.0.0.2:40002" {
			t.Errorf("gone %q", s)
		}
		if n := ua.Stats().Connections; n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

// A phone behind a WebSocket has no address: calls reach it over its
// connection, and without that not at all.
func TestCallToABrowser(t *testing.T) {
	inSocketHall(t, func(t *testing.T, h *hall, _ *desk, ua *sipua.UA) {
		b := h.joined(t, "10.0.0.2:40000")
		b.say(options(1))
		_, _ = b.next()
		request := sipua.DialRequest{
			Target: "sip:k3j2@df7jal23ls0d.invalid;transport=ws", Destination: "10.0.0.2:40000", Transport: sipua.WS,
			From: "10000", SDP: []byte(ourSDP),
		}
		ev := newEvents()
		l, err := ua.Dial(request, ev.on)
		if err != nil {
			t.Fatal(err)
		}
		s, op := b.next()
		inv := parseMsg(s)
		if op != ws.OpText || inv.start != "INVITE sip:k3j2@df7jal23ls0d.invalid;transport=ws SIP/2.0" ||
			!strings.HasPrefix(inv.get("Via"), "SIP/2.0/WS 10.0.0.1:5060;") ||
			inv.get("Contact") != "<sip:tierline@10.0.0.1:5060;transport=ws>" {
			t.Errorf("%v %q", op, s)
		}
		b.say(fmt.Sprintf("SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=b\r\nCall-ID: %s\r\nCSeq: %s\r\n"+
			"Contact: <sip:k3j2@df7jal23ls0d.invalid;transport=ws>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
			inv.get("Via"), inv.get("From"), inv.get("To"), inv.get("Call-ID"), inv.get("CSeq"), len(offerSDP), offerSDP))
		next[sipua.Answered](t, ev)
		if s, _ = b.next(); parseMsg(s).what() != "ACK" {
			t.Errorf("%q", s)
		}
		l.Reinvite([]byte(ourSDP), func(int, []byte) {})
		if s, _ = b.next(); parseMsg(s).what() != "INVITE" {
			t.Errorf("%q", s)
		}
		_ = b.c.Close()
		synctest.Wait()
		if _, err = ua.Dial(request, ev.on); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		var failed sipua.Failed
		ev.mu.Lock()
		for _, e := range ev.all {
			if f, ok := e.(sipua.Failed); ok {
				failed = f
			}
		}
		ev.mu.Unlock()
		if failed.Status != 503 {
			t.Errorf("a browser that is gone: %+v", failed)
		}
	})
}

// An agent who walks from one network to another in a call keeps it: his page
// registers the same contact over a new connection, and the dialog moves there.
func TestBrowserComesBackInACall(t *testing.T) {
	inSocketHall(t, func(t *testing.T, h *hall, d *desk, ua *sipua.UA) {
		d.register = func(context.Context, registrar.Request) registrar.Response {
			return registrar.Response{Status: 200, Reason: "OK"}
		}
		const contact = "sip:k3j2@df7jal23ls0d.invalid;transport=ws"
		register := func(b *browser, user string) {
			t.Helper()
			b.say(fmt.Sprintf("REGISTER sip:10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK%s%p\r\nMax-Forwards: 70\r\n"+
				"From: <sip:%[1]s@10.0.0.1>;tag=t\r\nTo: <sip:%[1]s@10.0.0.1>\r\nCall-ID: r%[2]p\r\nCSeq: 1 REGISTER\r\n"+
				"Contact: <%[3]s>;expires=60\r\nContent-Length: 0\r\n\r\n", user, b, contact))
			if s, _ := b.next(); !strings.HasPrefix(s, "SIP/2.0 200") {
				t.Errorf("REGISTER: %q", s)
			}
		}
		first := h.joined(t, "10.0.0.2:40000")
		register(first, "1002")
		ev := newEvents()
		l, err := ua.Dial(sipua.DialRequest{
			Target: contact, Destination: "10.0.0.2:40000", Transport: sipua.WS, From: "10000", To: "1002", SDP: []byte(ourSDP),
		}, ev.on)
		if err != nil {
			t.Fatal(err)
		}
		s, _ := first.next()
		inv := parseMsg(s)
		first.say(fmt.Sprintf("SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=b\r\nCall-ID: %s\r\nCSeq: %s\r\n"+
			"Contact: <%s;ob>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
			inv.get("Via"), inv.get("From"), inv.get("To"), inv.get("Call-ID"), inv.get("CSeq"), contact, len(offerSDP), offerSDP))
		next[sipua.Answered](t, ev)
		_, _ = first.next() // ACK
		// The first connection stays: who leaves a network doesn't hang up.
		thief, second := h.joined(t, "192.0.2.66:40000"), h.joined(t, "192.0.2.7:40000")
		register(second, "1002")
		register(thief, "1003") // the same contact, but somebody else
		hold := func(b *browser, seq int) {
			b.say(fmt.Sprintf("INFO sip:tierline@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKi%d%p\r\nMax-Forwards: 70\r\n"+
				"From: %s;tag=b\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d INFO\r\nContent-Length: 0\r\n\r\n",
				seq, b, inv.get("To"), inv.get("From"), inv.get("Call-ID"), seq))
		}
		hold(thief, 7)
		if s, _ = thief.next(); !strings.HasPrefix(s, "SIP/2.0 481") {
			t.Errorf("a stranger in the dialog: %q", s)
		}
		hold(second, 8)
		if s, _ = second.next(); !strings.HasPrefix(s, "SIP/2.0 ") || strings.HasPrefix(s, "SIP/2.0 481") {
			t.Errorf("the agent in his dialog: %q", s)
		}
		l.Hangup(16, "")
		if s, _ = second.next(); parseMsg(s).what() != "BYE" {
			t.Errorf("%q", s)
		}
	})
}

func TestSecureSocket(t *testing.T) {
	ca := newAuthority(t)
	pair, now := keyPair(t, ca, day, "switch.example.net"), time.Now()
	current := &tls.Config{
		MinVersion: tls.VersionTLS10, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert, // of trunks
	}
	safe := current.Clone()
	safe.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return current, nil }
	inHallOf(t, sipua.WSS, safe, 0, func(t *testing.T, h *hall, _ *desk, _ *sipua.UA) {
		near, far := net.Pipe()
		h.in <- stream{far, "10.0.0.2:40000"}
		c := tls.Client(near, &tls.Config{
			MinVersion: tls.VersionTLS12, RootCAs: ca.Pool(), ServerName: "switch.example.net", NextProtos: []string{"http/1.1"},
			Time: func() time.Time { return now },
		})
		d := ws.Dialer{Protocols: []string{"sip"}, NetDial: func(context.Context, string, string) (net.Conn, error) { return c, nil }}
		_, _, hs, err := d.Dial(t.Context(), "ws://switch.example.net/")
		if err != nil || hs.Protocol != "sip" {
			t.Fatal(hs, err)
		}
		if err = ws.WriteFrame(c, ws.MaskFrame(ws.NewTextFrame([]byte(options(1))))); err != nil {
			t.Fatal(err)
		}
		f, err := ws.ReadFrame(c)
		if err != nil || !strings.HasPrefix(string(f.Payload), "SIP/2.0 200") {
			t.Errorf("%q, %v", f.Payload, err)
		}
		_ = near.Close()
	})
}

// FuzzFrames throws bytes at an open WebSocket. Nothing panics, and another
// one doesn't notice.
func FuzzFrames(f *testing.F) {
	frame := func(fr ws.Frame) []byte { return ws.MustCompileFrame(ws.MaskFrame(fr)) }
	f.Add(frame(ws.NewTextFrame([]byte(options(1)))), uint8(7))
	f.Add(append(frame(ws.NewFrame(ws.OpText, false, []byte("OPT"))), frame(ws.NewFrame(ws.OpContinuation, true, []byte("IONS")))...), uint8(1))
	f.Add(append(frame(ws.NewPingFrame([]byte("p"))), frame(ws.NewCloseFrame(nil))...), uint8(200))
	f.Add([]byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}, uint8(3))
	f.Add([]byte{0x89, 0xfe, 0x00, 0x7e, 1, 2, 3, 4}, uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		inSocketHall(t, func(t *testing.T, h *hall, _ *desk, _ *sipua.UA) {
			bad, good := h.joined(t, "10.0.0.2:40000"), h.joined(t, "10.0.0.3:40000")
			_ = bad.c.SetWriteDeadline(time.Now().Add(time.Minute))
			for len(b) > 0 {
				n := min(len(b), int(size)+1)
				if _, err := bad.c.Write(b[:n]); err != nil {
					break
				}
				b = b[n:]
			}
			good.say(options(2))
			if s, _ := good.next(); !strings.HasPrefix(s, "SIP/2.0 200") {
				t.Errorf("%q", s)
			}
			time.Sleep(time.Minute)
		})
	})
}
