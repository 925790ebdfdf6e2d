package sipua_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/sipua"
)

// hall is a listener in memory: the streams of a bubble.
type hall struct {
	in   chan net.Conn
	done chan struct{}
	once sync.Once
}

type stream struct {
	net.Conn
	remote string
}

func (s stream) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s.remote))
}

func newHall() *hall { return &hall{in: make(chan net.Conn), done: make(chan struct{})} }

func (h *hall) Accept() (net.Conn, error) {
	select {
	case c := <-h.in:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}
func (h *hall) Close() error   { h.once.Do(func() { close(h.done) }); return nil }
func (h *hall) Addr() net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(ourAddr)) }

// wire is a peer's end of a stream.
type wire struct {
	t    testing.TB
	c    net.Conn
	mu   sync.Mutex
	got  strings.Builder
	end  chan struct{}
	deaf bool
}

func (h *hall) connect(t testing.TB, remote string, deaf bool) *wire {
	near, far := net.Pipe()
	w := &wire{t: t, c: near, end: make(chan struct{}), deaf: deaf}
	t.Cleanup(func() { _ = near.Close() })
	h.in <- stream{far, remote}
	if !deaf {
		go w.listen()
	}
	return w
}

func (w *wire) listen() {
	defer close(w.end)
	b := make([]byte, 4096)
	for {
		n, err := w.c.Read(b)
		w.mu.Lock()
		w.got.Write(b[:n])
		w.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (w *wire) write(s string) { _, _ = io.WriteString(w.c, s) }

// statuses are those of the responses that came, and what else there is.
func (w *wire) statuses() (out []string) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for part := range strings.SplitSeq(w.got.String(), "SIP/2.0 ") {
		if len(part) > 3 && part[3] == ' ' {
			out = append(out, part[:3])
		} else if part != "" {
			out = append(out, part)
		}
	}
	return out
}

func (w *wire) closed() bool {
	synctest.Wait()
	select {
	case <-w.end:
		return true
	default:
		return false
	}
}

func options(n int) string {
	return fmt.Sprintf("OPTIONS sip:10000@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.2;branch=z9hG4bKo%d\r\n"+
		"Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=t\r\nTo: <sip:10000@10.0.0.1>\r\nCall-ID: o\r\nCSeq: %d OPTIONS\r\n"+
		"Content-Length: 0\r\n\r\n", n, n)
}

func inHall(t *testing.T, perSource int, f func(t *testing.T, h *hall, d *desk, ua *sipua.UA)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h, d := newHall(), &desk{}
		ua, err := sipua.Open(sipua.Config{
			Listeners: []net.Listener{h}, Logger: slog.New(slog.DiscardHandler), Handler: d, ConnsPerSource: perSource,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ua.Close()
			if s := ua.Stats(); s.Faults != 0 || s.Connections != 0 {
				t.Errorf("%+v", s)
			}
		})
		f(t, h, d, ua)
	})
}

func TestStream(t *testing.T) {
	long := strings.Repeat("x", 70000)
	tests := map[string]struct {
		parts  []string
		want   string
		closed bool
	}{
		"one":                {[]string{options(1)}, "200", false},
		"two at once":        {[]string{options(1) + options(2)}, "200 200", false},
		"byte by byte":       {strings.Split(options(1), ""), "200", false},
		"split in CRLF":      {[]string{"\r", "\n", options(1)[:40], options(1)[40:]}, "200", false},
		"ping":               {[]string{"\r\n\r\n"}, "\r\n", false},
		"ping in a message":  {[]string{options(1) + "OPTIONS sip:a@b SIP/2.0", "\r\n\r\n"}, "200", true},
		"no Content-Length":  {[]string{options(1), swap(options(2), "Content-Length", "")}, "200", true},
		"wrong length":       {[]string{swap(options(1), "Content-Length", "Content-Length: 9") + options(2)}, "200", true},
		"huge length":        {[]string{swap(options(1), "Content-Length", "Content-Length: 4294967295")}, "", true},
		"negative length":    {[]string{swap(options(1), "Content-Length", "Content-Length: -1")}, "", true},
		"two lengths":        {[]string{strings.Replace(options(1), "Content", "Content-Length: 0\r\nContent", 1)}, "400", false},
		"endless line":       {[]string{"OPTIONS sip:" + long}, "", true},
		"endless headers":    {[]string{strings.TrimSuffix(options(1), "\r\n"), strings.Repeat("X: y\r\n", 12000)}, "", true},
		"garbage":            {[]string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"}, "", true},
		"zeros":              {[]string{strings.Repeat("\x00", 70000)}, "", true},
		"stranger's answer":  {[]string{"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP a;branch=z9hG4bKx\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"}, "", false},
		"answer without Via": {[]string{"SIP/2.0 200 OK\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"}, "", false},
	}
	for name, tt := range tests {
		inHall(t, 0, func(t *testing.T, h *hall, _ *desk, _ *sipua.UA) {
			w := h.connect(t, "10.0.0.2:40000", false)
			for _, part := range tt.parts {
				w.write(part)
				synctest.Wait()
			}
			time.Sleep(time.Second) // what was queued is still written
			if got := strings.Join(w.statuses(), " "); got != tt.want {
				t.Errorf("%s: %q, want %q", name, got, tt.want)
			}
			if w.closed() != tt.closed {
				t.Errorf("%s: closed %v", name, w.closed())
			}
		})
	}
}

func TestStreamDeadlines(t *testing.T) {
	inHall(t, 0, func(t *testing.T, h *hall, _ *desk, ua *sipua.UA) {
		silent := h.connect(t, "10.0.0.2:40000", false)
		slow := h.connect(t, "10.0.0.2:40001", false)
		good := h.connect(t, "10.0.0.2:40002", false)
		good.write(options(1))
		for i := range 11 { // a byte a second is not enough
			slow.write(options(1)[i : i+1])
			time.Sleep(time.Second)
		}
		if !silent.closed() || !slow.closed() || good.closed() {
			t.Errorf("closed: silent %v, slow %v, good %v", silent.closed(), slow.closed(), good.closed())
		}
		time.Sleep(50 * time.Minute)
		good.write(options(2))
		time.Sleep(50 * time.Minute)
		if good.closed() || len(good.statuses()) != 2 {
			t.Errorf("closed %v, %v", good.closed(), good.statuses())
		}
		time.Sleep(11 * time.Minute)
		if !good.closed() || ua.Stats().Connections != 0 {
			t.Error("an idle connection stays")
		}
	})
}

func TestConnectionsPerSource(t *testing.T) {
	inHall(t, 3, func(t *testing.T, h *hall, _ *desk, ua *sipua.UA) {
		var ws []*wire
		for i := range 5 {
			ws = append(ws, h.connect(t, fmt.Sprintf("10.0.0.2:%d", 40000+i), false))
		}
		other := h.connect(t, "10.0.0.3:40000", false)
		for i, w := range ws {
			if w.closed() != (i >= 3) {
				t.Errorf("connection %d closed %v", i, w.closed())
			}
		}
		if other.closed() || ua.Stats().Connections != 4 || ua.Stats().Drops["overload"] != 2 {
			t.Errorf("%+v", ua.Stats())
		}
		_ = ws[0].c.Close()
		synctest.Wait()
		if w := h.connect(t, "10.0.0.2:50000", false); w.closed() {
			t.Error("no room after one left")
		}
	})
}

// A peer who asks and never reads is cut off, and costs nobody else anything.
func TestPeerThatNeverReads(t *testing.T) {
	inHall(t, 0, func(t *testing.T, h *hall, d *desk, ua *sipua.UA) {
		d.invite = func(in *sipua.Incoming) { _ = in.Ringing() }
		w := h.connect(t, "10.0.0.2:40000", true)
		for i := range 5000 {
			_ = w.c.SetWriteDeadline(time.Now().Add(time.Second))
			invite := strings.ReplaceAll(options(i), "OPTIONS", "INVITE")
			invite = swap(invite, "Call-ID", fmt.Sprintf("Call-ID: c%d\r\nContact: <sip:a@10.0.0.2>", i))
			if _, err := io.WriteString(w.c, invite); err != nil {
				break
			}
		}
		synctest.Wait()
		if n := ua.Stats().Connections; n != 0 {
			t.Errorf("%d connections", n)
		}
		other := h.connect(t, "10.0.0.3:40000", false)
		other.write(options(1))
		if got := other.statuses(); len(got) != 1 || got[0] != "200" {
			t.Errorf("%v", got)
		}
	})
}

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
		PacketConns: []net.PacketConn{pc}, Listeners: []net.Listener{ln}, Logger: slog.New(slog.DiscardHandler),
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
