package sipua

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"strconv"

	"github.com/emiago/sipgo/sip"
)

// flow is a socket and the address it talks to. It is the connection that
// sipgo's transactions write to, so that a retransmission or the ACK of a
// refusal goes where the request went, whatever its URI says.
type flow struct {
	ep   *endpoint
	conn *conn // TCP
	dst  netip.AddrPort
	ack  []byte // the last ACK written by a client transaction
}

const maxDatagram = 65507 // what fits into one over IPv4

var (
	errUnsafe  = errors.New("a header holds a control character")
	errTooLong = errors.New("message does not fit into a datagram")
)

// send writes m and returns its bytes.
func (f *flow) send(m sip.Message) ([]byte, error) {
	b, err := f.encode(m)
	if err != nil {
		return nil, err
	}
	return b, f.write(b)
}

// encode turns m, which is about to be written, into bytes.
func (f *flow) encode(m sip.Message) ([]byte, error) {
	b, err := f.render(m)
	if err != nil {
		return nil, err
	}
	u := f.ep.ua
	u.counters.count(outward, m)
	if u.verbose {
		u.ladder("sent", m, f.dst)
	}
	if u.watch != nil {
		u.show(m, f.ep, f.dst, true, b)
	}
	return b, nil
}

// render turns m into bytes.
func (f *flow) render(m sip.Message) ([]byte, error) {
	u := f.ep.ua
	buf, ok := u.bufs.Get().(*bytes.Buffer)
	if !ok {
		buf = new(bytes.Buffer)
	}
	defer u.bufs.Put(buf)
	buf.Reset()
	m.StringWrite(buf)
	if !wellFormed(buf.Bytes()) {
		u.counters.drop(dropUnsafe)
		return nil, fmt.Errorf("send to %s: %w", f.dst, errUnsafe)
	}
	return bytes.Clone(buf.Bytes()), nil
}

func (f *flow) write(b []byte) error {
	if u := f.ep.ua; u.may != nil && !u.may() && !bytes.HasPrefix(b, []byte("SIP/2.0 503 ")) {
		u.counters.drop(dropHushed)
		return nil // as if the network had lost it
	}
	if f.conn != nil {
		return f.conn.write(b)
	}
	if len(b) > maxDatagram {
		f.ep.ua.counters.drop(dropSend)
		return errTooLong
	}
	if err := f.ep.writeTo(b, f.dst); err != nil {
		f.ep.ua.counters.drop(dropSend)
		return fmt.Errorf("send to %s: %w", f.dst, err)
	}
	return nil
}

// wellFormed reports whether all lines up to the blank one end in CRLF and
// hold no other CR, LF or NUL: whoever echoes a header must not be made to
// write another one.
func wellFormed(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 1 || b[i-1] != '\r' {
			return false
		}
		line := b[:i-1]
		if len(line) == 0 {
			return true
		}
		if bytes.IndexByte(line, '\r') >= 0 || bytes.IndexByte(line, 0) >= 0 {
			return false
		}
		b = b[i+1:]
	}
}

// WriteMsg implements sip.Connection.
func (f *flow) WriteMsg(m sip.Message) error {
	b, err := f.send(m)
	if req, ok := m.(*sip.Request); ok && req.Method == sip.ACK {
		f.ack = b
	}
	return err
}

// LocalAddr implements sip.Connection.
func (f *flow) LocalAddr() net.Addr {
	if f.conn != nil {
		return net.TCPAddrFromAddrPort(f.ep.local)
	}
	return net.UDPAddrFromAddrPort(f.ep.local)
}

// Ref implements sip.Connection; connections are not counted.
func (f *flow) Ref(int) int { return 1 }

// TryClose implements sip.Connection: a transaction's end is not the
// connection's.
func (f *flow) TryClose() (int, error) { return 1, nil }

// Close implements sip.Connection.
func (f *flow) Close() error { return nil }

// ladder logs a message without what is private in it.
func (u *UA) ladder(what string, m sip.Message, peer netip.AddrPort) {
	title, id, seq := "", "", ""
	switch m := m.(type) {
	case *sip.Request:
		title = string(m.Method)
	case *sip.Response:
		title = strconv.Itoa(m.StatusCode)
	}
	if h := m.CallID(); h != nil {
		id = h.Value()
	}
	if h := m.CSeq(); h != nil {
		seq = h.Value()
	}
	u.log.Debug("SIP message", "direction", what, "title", title, "cseq", seq, "sip_call_id", id, "peer", peer)
}

// fault records a panic that was caught.
func (u *UA) fault(what string, p any) {
	u.counters.faults.Add(1)
	u.log.Error("panic while handling a message", "what", what, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
}
