package sipua

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// Limits of WebSockets.
const (
	maxUpgrade  = 16 << 10         // bytes of the HTTP request
	maxMessage  = 64 << 10         // bytes of a SIP message, of all its frames
	frameWait   = 10 * time.Second // for the rest of a frame
	pingEvery   = 30 * time.Second // of silence; a browser can't ping, and proxies forget
	pingsUnsaid = 3                // silences in a row that end a connection
	subprotocol = "sip"
)

// upgrade takes the HTTP request that a WebSocket begins with (RFC 6455,
// RFC 7118). Who asks for anything else is answered and refused.
func (c *conn) upgrade(nc net.Conn) error {
	var host, origin string
	spoken := false
	u := ws.Upgrader{
		Protocol: func(b []byte) bool {
			spoken = string(b) == subprotocol
			return spoken
		},
		OnHost: func(b []byte) error { host = string(b); return nil },
		OnHeader: func(k, v []byte) error {
			if strings.EqualFold(string(k), "Origin") {
				origin = string(v)
			}
			return nil
		},
		OnBeforeUpgrade: func() (ws.HandshakeHeader, error) {
			switch {
			case !spoken:
				return nil, ws.RejectConnectionError(ws.RejectionStatus(http.StatusBadRequest),
					ws.RejectionReason("this port speaks the WebSocket subprotocol sip only"))
			case !c.set.ua.mayOpen(origin, host):
				return nil, ws.RejectConnectionError(ws.RejectionStatus(http.StatusForbidden),
					ws.RejectionReason("pages of that origin may not open a WebSocket here"))
			}
			return nil, nil //nolint:nilnil // no header to add and no objection
		},
	}
	_ = nc.SetDeadline(time.Now().Add(firstWait)) // fails only when closed
	_, err := u.Upgrade(struct {
		io.Reader
		io.Writer
	}{io.LimitReader(nc, maxUpgrade), nc})
	if err != nil {
		return fmt.Errorf("upgrade to WebSocket, origin %q: %w", origin, err)
	}
	return nc.SetDeadline(time.Time{}) //nolint:wrapcheck // fails only when closed
}

// mayOpen says whether pages of an origin may speak with us: those that were
// configured, else those of the host that they connect to. What is no browser
// says no origin.
func (u *UA) mayOpen(origin, host string) bool {
	if origin == "" {
		return true
	}
	for _, o := range u.origins {
		if o == "*" || strings.EqualFold(o, origin) {
			return true
		}
	}
	page, err := url.Parse(origin)
	if len(u.origins) > 0 || err != nil || page.Hostname() == "" {
		return false
	}
	return strings.EqualFold(page.Hostname(), (&url.URL{Host: host}).Hostname())
}

// readFrames reads SIP messages until the connection ends. A peer that is
// silent is pinged, and if it stays so its connection is given up.
func (c *conn) readFrames(nc net.Conn) {
	r := bufio.NewReaderSize(nc, 4<<10)
	in := assembly{state: ws.StateServerSide}
	w := c.watch()
	for silences := 0; ; {
		now := time.Now()
		if nc.SetReadDeadline(w.deadline(now, now.Add(pingEvery))) != nil {
			return
		}
		_, err := r.Peek(1) // takes nothing: a frame can't be cut by the deadline
		if w.over(time.Now()) {
			return
		}
		if err != nil {
			silences++
			if !errors.Is(err, os.ErrDeadlineExceeded) || silences > pingsUnsaid {
				return
			}
			c.control(ws.NewPingFrame(nil))
			continue
		}
		silences = 0
		w.hear(true)
		if nc.SetReadDeadline(time.Now().Add(frameWait)) != nil {
			return
		}
		message, reply, why := in.next(r)
		switch {
		case why != 0:
			c.set.ua.counters.drop(dropBroken)
			c.control(ws.NewCloseFrame(ws.NewCloseFrameBody(why, "")))
			return
		case reply != nil:
			c.control(*reply)
			if reply.Header.OpCode == ws.OpClose {
				return
			}
		case message != nil:
			if c.handOver(rawCallID(message), func() []byte { return message }) {
				continue
			}
			c.set.ua.guarded("message", func() { c.ep.datagram(message, origin{ep: c.ep, conn: c, from: c.remote}) })
		}
	}
}

// assembly puts a message together of its frames.
type assembly struct {
	state   ws.State
	message []byte
}

// next reads a frame. It returns the message that is whole with it, or what to
// answer to a control frame, or with which status to close.
func (a *assembly) next(r io.Reader) (message []byte, reply *ws.Frame, why ws.StatusCode) {
	h, err := ws.ReadHeader(r)
	if err != nil {
		return nil, nil, ws.StatusProtocolError // or it is gone and won't hear it
	}
	if ws.CheckHeader(h, a.state) != nil {
		return nil, nil, ws.StatusProtocolError
	}
	if h.Length > int64(maxMessage-len(a.message)) {
		return nil, nil, ws.StatusMessageTooBig
	}
	b := make([]byte, h.Length)
	if _, err = io.ReadFull(r, b); err != nil {
		return nil, nil, ws.StatusProtocolError
	}
	ws.Cipher(b, h.Mask, 0)
	switch h.OpCode {
	case ws.OpPing:
		f := ws.NewPongFrame(b)
		return nil, &f, 0
	case ws.OpPong:
		return nil, nil, 0
	case ws.OpClose:
		f := ws.NewCloseFrame(b[:min(len(b), 2)]) // the status again
		return nil, &f, 0
	case ws.OpText, ws.OpBinary, ws.OpContinuation: // SIP comes as either (RFC 7118 §5.1)
	}
	a.message = append(a.message, b...)
	if !h.Fin {
		a.state = a.state.Set(ws.StateFragmented)
		return nil, nil, 0
	}
	message, a.message, a.state = a.message, nil, a.state.Clear(ws.StateFragmented)
	if message == nil {
		message = []byte{}
	}
	return message, nil, 0
}

// control queues a frame that is no message.
func (c *conn) control(f ws.Frame) {
	_ = c.queue(compile(f)) // a connection that is closed needs none
}

// framed puts a message into a frame: text if it may be.
func framed(b []byte) []byte {
	op := ws.OpText
	if !utf8.Valid(b) {
		op = ws.OpBinary
	}
	return compile(ws.NewFrame(op, true, b))
}

func compile(f ws.Frame) []byte {
	b, err := ws.CompileFrame(f)
	if err != nil { // writing to memory
		panic(err)
	}
	return b
}
