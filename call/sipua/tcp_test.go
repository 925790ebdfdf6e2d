package sipua_test

import (
	"crypto/tls"
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
	inHallOf(t, sipua.TCP, nil, perSource, f)
}

func inHallOf(
	t *testing.T, transport string, safe *tls.Config, perSource int, f func(t *testing.T, h *hall, d *desk, ua *sipua.UA),
) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h, d := newHall(), &desk{}
		ua, err := sipua.Open(sipua.Config{
			Listeners: []sipua.Listener{{Listener: h, Transport: transport}}, ServerTLS: safe,
			Logger: slog.New(slog.DiscardHandler), Handler: d, ConnsPerSource: perSource,
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
