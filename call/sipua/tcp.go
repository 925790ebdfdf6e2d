package sipua

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// How long writing to one may take, and how much may wait for it.
const (
	dialWait  = 4 * time.Second
	writeWait = 5 * time.Second
	flushWait = 500 * time.Millisecond
	backlog   = 512 << 10 // bytes waiting to be written; a peer who reads slower is cut off
)

// doubleCRLF is a ping (RFC 5626 §3.5.1); one CRLF is the answer.
const doubleCRLF = "\r\n\r\n"

var errConn = errors.New("connection is closed")

// conn is a connection. Its reader and its writer are goroutines.
type conn struct {
	connKey
	set    *connections
	ep     *endpoint
	wake   chan struct{} // holds one if out may have something
	done   chan struct{}
	number uint64        // of this connection: a later one has a higher
	homes  map[home]bool // who has registered over it; guarded by set.mu
	once   sync.Once
	proved atomic.Bool // a whole message has come
	ours   bool        // we made it; set before it is read from

	borrowed func(context.Context) (net.Conn, error) // reaches the node that has it; nil: this one has

	mu     sync.Mutex
	out    net.Buffers // waiting to be written
	queued int         // bytes in it
	why    error       // it could not be made
	guests []*guest    // other nodes that use it
}

// dial makes the connection, and over TLS finds out whether it is the right
// peer.
func (c *conn) dial() (net.Conn, error) {
	ctx, cancel := c.set.ua.limited(dialWait)
	defer cancel()
	if c.borrowed != nil {
		return c.borrow(ctx)
	}
	d := net.Dialer{}
	if ip := c.ep.local.Addr(); !ip.IsUnspecified() {
		d.LocalAddr = &net.TCPAddr{IP: ip.AsSlice()} // the address our trunks know
	}
	nc, err := d.DialContext(ctx, "tcp", c.remote.String())
	if err != nil || c.transport != TLS {
		return nc, err //nolint:wrapcheck // says all itself
	}
	return c.set.ua.secureClient(ctx, nc, c.name)
}

// greet takes a connection that a peer made. Where it has to shake hands first
// that is done on a goroutine of its own, and in time.
func (c *conn) greet(nc net.Conn) {
	if c.ep.tls == nil && !overSocket(c.transport) {
		c.run(nc)
		return
	}
	ok := c.set.spawn(func() {
		err := errConn
		whole := nc
		c.set.ua.guarded("handshake", func() { whole, err = c.shakeHands(nc) })
		if err != nil {
			c.set.ua.counters.drop(dropHandshake)
			c.set.ua.log.Info("handshake with a peer", "transport", c.transport, "source", c.remote, "err", err)
			c.close()
			_ = nc.Close()
			return
		}
		c.run(whole)
	})
	if !ok {
		_ = nc.Close()
	}
}

// shakeHands puts TLS and WebSocket over a connection, as its transport asks.
func (c *conn) shakeHands(nc net.Conn) (net.Conn, error) {
	ctx, cancel := c.set.ua.limited(firstWait)
	defer cancel()
	if c.ep.tls != nil {
		safe := tls.Server(nc, c.ep.tls)
		if err := safe.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("TLS: %w", err)
		}
		nc = safe
	}
	if !overSocket(c.transport) {
		return nc, nil
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	defer stop()
	return nc, c.upgrade(nc)
}

// run starts the two goroutines of a connection.
func (c *conn) run(nc net.Conn) {
	if !c.set.spawn(func() { c.writeLoop(nc) }) {
		_ = nc.Close()
		return
	}
	c.set.spawn(func() {
		defer c.close()
		c.set.ua.guarded("stream", func() {
			switch {
			case c.borrowed != nil:
				c.readBorrowed(nc)
			case overSocket(c.transport):
				c.readFrames(nc)
			default:
				c.readLoop(nc)
			}
		})
	})
}

// close ends the connection. Requests that wait for an answer on it fail.
func (c *conn) close() {
	c.once.Do(func() {
		close(c.done)
		s := c.set
		s.mu.Lock()
		delete(s.conns, c.connKey)
		if s.source[c.remote.Addr()]--; s.source[c.remote.Addr()] <= 0 {
			delete(s.source, c.remote.Addr())
		}
		phones := s.leave(c) && !s.closed
		s.mu.Unlock()
		c.sendAway()
		go s.ua.table.lost(c) // it calls legs, and a leg may be calling us
		if phones {
			s.gone(c)
		}
	})
}

// reason is why the connection could not be made, or err. Who asks for it
// before its failure is known elsewhere gets the same answer as who waited.
func (c *conn) reason(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil {
		return c.why
	}
	return err
}

// write queues a message. It never blocks.
func (c *conn) write(b []byte) error {
	switch {
	case c.borrowed != nil:
		b = lent(b)
	case overSocket(c.transport):
		b = framed(b)
	}
	return c.queue(b)
}

// queue queues bytes as they are.
func (c *conn) queue(b []byte) error {
	select {
	case <-c.done:
		return errConn
	default:
	}
	c.mu.Lock()
	c.out = append(c.out, b)
	c.queued += len(b)
	slow := c.queued > backlog
	c.mu.Unlock()
	if slow {
		c.close()
		return fmt.Errorf("%s reads too slowly: %w", c.remote, errConn)
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return nil
}

func (c *conn) writeLoop(nc net.Conn) {
	defer func() { _ = nc.Close() }() // this ends the reader
	for {
		select {
		case <-c.wake:
			if err := c.flush(nc, writeWait); err != nil {
				c.close() // part of a message may be out: no way back
				return
			}
		case <-c.done:
			_ = c.flush(nc, flushWait) // what was answered before the connection had to go
			return
		}
	}
}

func (c *conn) flush(nc net.Conn, wait time.Duration) error {
	c.mu.Lock()
	out := c.out
	c.out, c.queued = nil, 0
	c.mu.Unlock()
	_ = nc.SetWriteDeadline(time.Now().Add(wait)) // fails only when closed
	if _, err := out.WriteTo(nc); err != nil {
		return fmt.Errorf("write to %s: %w", c.remote, err)
	}
	return nil
}

func (c *conn) readLoop(nc net.Conn) {
	u := c.set.ua
	stream := u.parser.NewSIPStream()
	defer stream.Close()
	buf := make([]byte, 8<<10)
	w := c.watch()
	for {
		now := time.Now()
		if err := nc.SetReadDeadline(w.deadline(now, now.Add(strangerWait))); err != nil {
			return
		}
		n, err := nc.Read(buf)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) || w.over(time.Now()) {
			return
		}
		b := buf[:n]
		if n == 0 {
			continue
		}
		if w.begun.IsZero() && string(b) == doubleCRLF {
			c.pong()
			w.pinged = true
			w.hear(true)
			continue
		}
		err = stream.ParseSIPStream(b, c.message)
		w.hear(err == nil)
		if err != nil && !errors.Is(err, sip.ErrParseSipPartial) {
			u.counters.drop(dropBroken)
			return // there is no finding the next message
		}
	}
}

// pong answers a ping.
func (c *conn) pong() { _ = c.write([]byte("\r\n")) } // a connection that is closed needs none

// message handles one message of the stream.
func (c *conn) message(m sip.Message) {
	u := c.set.ua
	if c.handOverParsed(m) {
		return
	}
	if res, ok := m.(*sip.Response); ok && !u.ours(res) {
		u.counters.drop(dropStray)
		return
	}
	c.proved.Store(true)
	u.guarded("message", func() { u.receive(m, origin{ep: c.ep, conn: c, from: c.remote}) })
}
