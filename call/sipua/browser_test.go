package sipua_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

// browser is the client's end of a WebSocket.
type browser struct {
	t   testing.TB
	c   net.Conn
	r   *bufio.Reader
	got chan ws.Frame
	end chan struct{}
}

const upgrade = "GET /anything HTTP/1.1\r\nHost: switch.example.net:8443\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat, sip\r\n\r\n"

// open connects and sends an HTTP request; it returns the status line.
func (h *hall) open(t testing.TB, remote, request string) (*browser, string) {
	t.Helper()
	near, far := net.Pipe()
	h.in <- stream{far, remote}
	b := &browser{t: t, c: near, r: bufio.NewReader(near), got: make(chan ws.Frame, 1000), end: make(chan struct{})}
	t.Cleanup(func() { _ = near.Close() })
	go func() { _, _ = io.WriteString(near, request) }()
	_ = near.SetReadDeadline(time.Now().Add(time.Minute))
	head := ""
	for {
		line, err := b.r.ReadString('\n')
		if err != nil {
			close(b.end)
			return b, head
		}
		if head += line; line == "\r\n" {
			break
		}
	}
	go b.listen()
	return b, head
}

func (b *browser) listen() {
	defer close(b.end)
	_ = b.c.SetReadDeadline(time.Time{})
	for {
		f, err := ws.ReadFrame(b.r)
		if err != nil {
			return
		}
		b.got <- f
	}
}

// joined opens a WebSocket that works.
func (h *hall) joined(t testing.TB, remote string) *browser {
	t.Helper()
	b, head := h.open(t, remote, upgrade)
	if !strings.HasPrefix(head, "HTTP/1.1 101 ") || !strings.Contains(head, "Sec-WebSocket-Protocol: sip\r\n") {
		t.Fatalf("upgrade: %q", head)
	}
	return b
}

func (b *browser) frame(f ws.Frame) { _ = ws.WriteFrame(b.c, ws.MaskFrame(f)) }

func (b *browser) say(s string) { b.frame(ws.NewTextFrame([]byte(s))) }

// next returns the next frame, or "" and its kind.
func (b *browser) next() (string, ws.OpCode) {
	b.t.Helper()
	select {
	case f := <-b.got:
		return string(f.Payload), f.Header.OpCode
	case <-b.end:
		if len(b.got) > 0 { // came before the end
			f := <-b.got
			return string(f.Payload), f.Header.OpCode
		}
		return "closed", 0
	case <-time.After(time.Hour):
		b.t.Fatal("nothing came")
	}
	return "", 0
}

func (b *browser) closed() bool {
	synctest.Wait()
	select {
	case <-b.end:
		return true
	default:
		return false
	}
}
