package sipua

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// A phone that lives on its connection (TLS, WebSockets, TCP behind NAT) can be
// called from one node only. So that node lends the connection: another node
// writes its messages to it, and is handed what comes for their dialogs.
//
// On the wire between the two each message has its length before it, in 4
// bytes. The first is of the borrower and names the connection.

// Limits of what is lent.
const (
	lentMost  = 16               // borrowers of one connection
	lentCalls = 64               // dialogs of one borrower; the oldest is forgotten
	lentWrite = time.Second      // until a borrower that doesn't read is let go
	lentHello = 2 * time.Second  // for its first word
	lentIdle  = 2 * time.Hour    // without a message; sessions are refreshed more often
	lentBytes = maxMessage + 512 // of a message
)

// Borrow finds the connection of a phone that another node of ours has. It
// returns how to reach that node, or nil.
type Borrow func(transport string, remote netip.AddrPort) func(ctx context.Context) (net.Conn, error)

// guest is another node that uses a connection of this one.
type guest struct {
	wire net.Conn

	mu    sync.Mutex // guards calls and writing
	calls []string   // Call-IDs, the latest last
}

// Lend serves another node that wants to use a connection, until either of them
// is closed. It closes wire.
func (u *UA) Lend(wire net.Conn) {
	defer func() { _ = wire.Close() }() // it may be closed already
	u.guarded("lend", func() {
		if err := u.lend(wire); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
			u.log.Info("connection that was lent", "err", err)
		}
	})
}

func (u *UA) lend(wire net.Conn) error {
	in := bufio.NewReader(wire)
	_ = wire.SetReadDeadline(time.Now().Add(lentHello)) // fails only when closed
	hello, err := readLent(in)
	if err != nil {
		return err
	}
	transport, at, _ := strings.Cut(string(hello), " ")
	remote, err := netip.ParseAddrPort(at)
	if err != nil {
		return fmt.Errorf("which connection: %w", err)
	}
	c := u.streams.existing(connKey{transport, remote, ""})
	g := &guest{wire: wire}
	if c == nil || !c.host(g) {
		return nil // the borrower sees that it is gone
	}
	defer c.dismiss(g)
	_ = wire.SetReadDeadline(time.Time{})
	for {
		b, err := readLent(in)
		if err != nil {
			return err
		}
		g.knows(rawCallID(b))
		if err = c.write(b); err != nil {
			return err
		}
	}
}

// host takes a guest in. Who is there when the connection ends is sent away.
func (c *conn) host(g *guest) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.done:
		return false
	default:
	}
	if len(c.guests) >= lentMost {
		return false
	}
	c.guests = append(c.guests, g)
	return true
}

func (c *conn) dismiss(g *guest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.guests = slices.DeleteFunc(c.guests, func(o *guest) bool { return o == g })
}

// sendAway ends all guests: the connection is closed.
func (c *conn) sendAway() {
	c.mu.Lock()
	guests := c.guests
	c.guests = nil
	c.mu.Unlock()
	for _, g := range guests {
		_ = g.wire.Close() // its reader sees it
	}
}

// handOver gives a message to the guest whose dialog it belongs to, and tells
// whether there is one.
func (c *conn) handOver(callID string, message func() []byte) bool {
	c.mu.Lock()
	guests := c.guests
	c.mu.Unlock()
	for _, g := range guests {
		if g.has(callID) {
			g.send(message())
			return true
		}
	}
	return false
}

// handOverParsed is handOver for a message that was read from a stream.
func (c *conn) handOverParsed(m sip.Message) bool {
	id := m.CallID()
	return id != nil && c.handOver(id.Value(), func() []byte { return []byte(m.String()) })
}

func (g *guest) knows(callID string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if callID == "" || slices.Contains(g.calls, callID) {
		return
	}
	if len(g.calls) >= lentCalls {
		g.calls = slices.Delete(g.calls, 0, 1)
	}
	g.calls = append(g.calls, callID)
}

func (g *guest) has(callID string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Contains(g.calls, callID)
}

// send writes to the guest. It may keep the reader of this one connection for a
// moment, and nobody else.
func (g *guest) send(b []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.wire.SetWriteDeadline(time.Now().Add(lentWrite)) // fails only when closed
	if _, err := g.wire.Write(lent(b)); err != nil {
		_ = g.wire.Close() // its reader sees it
	}
}

// lent puts its length before a message.
func lent(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b))), b...)
}

var errLent = errors.New("message of another node is too long")

func readLent(in *bufio.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, fmt.Errorf("read from another node: %w", err)
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > lentBytes {
		return nil, errLent
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(in, b); err != nil {
		return nil, fmt.Errorf("read from another node: %w", err)
	}
	return b, nil
}

// rawCallID finds the Call-ID of a message that isn't parsed.
func rawCallID(b []byte) string {
	for line := range bytes.Lines(b) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return ""
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		if ok && (bytes.EqualFold(name, []byte("call-id")) || bytes.EqualFold(name, []byte("i"))) {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

// borrow dials the node that has a phone's connection.
func (c *conn) borrow(ctx context.Context) (net.Conn, error) {
	nc, err := c.borrowed(ctx)
	if err != nil {
		return nil, fmt.Errorf("borrow the connection to %s: %w", c.remote, err)
	}
	_ = nc.SetWriteDeadline(time.Now().Add(lentHello)) // fails only when closed
	if _, err = nc.Write(lent([]byte(c.transport + " " + c.remote.String()))); err != nil {
		return nil, errors.Join(fmt.Errorf("borrow the connection to %s: %w", c.remote, err), nc.Close())
	}
	return nc, nil
}

// readBorrowed takes the messages of a connection that another node has.
func (c *conn) readBorrowed(nc net.Conn) {
	in := bufio.NewReader(nc)
	for {
		if nc.SetReadDeadline(time.Now().Add(lentIdle)) != nil {
			return
		}
		b, err := readLent(in)
		if err != nil {
			return
		}
		c.set.ua.guarded("message", func() { c.ep.datagram(b, origin{ep: c.ep, conn: c, from: c.remote}) })
	}
}
