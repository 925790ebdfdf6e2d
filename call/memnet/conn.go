package memnet

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

const buffered = 4096 // packets a socket holds until somebody reads them

type packet struct {
	from netip.AddrPort
	data []byte
}

type conn struct {
	net  *Net
	at   netip.AddrPort
	in   chan packet
	done chan struct{}
	once sync.Once

	before *conn // has the address once this one is closed; guarded by the net

	mu    sync.Mutex
	dead  chan struct{} // closed when the read deadline passes or is changed
	timer *time.Timer
}

func newConn(n *Net, at netip.AddrPort) *conn {
	return &conn{
		net: n, at: at,
		in: make(chan packet, buffered), done: make(chan struct{}), dead: make(chan struct{}),
	}
}

// ReadFrom implements net.PacketConn. What doesn't fit into b is lost.
func (c *conn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		c.mu.Lock()
		dead := c.dead
		c.mu.Unlock()
		select {
		case <-c.done:
			return 0, nil, c.fail("read", net.ErrClosed)
		default:
		}
		select {
		case p := <-c.in:
			return copy(b, p.data), net.UDPAddrFromAddrPort(p.from), nil
		case <-c.done:
			return 0, nil, c.fail("read", net.ErrClosed)
		case <-dead:
			c.mu.Lock()
			passed := c.dead == dead
			c.mu.Unlock()
			if passed {
				return 0, nil, c.fail("read", os.ErrDeadlineExceeded)
			}
		}
	}
}

// WriteTo implements net.PacketConn. It never blocks.
func (c *conn) WriteTo(b []byte, to net.Addr) (int, error) {
	select {
	case <-c.done:
		return 0, c.fail("write", net.ErrClosed)
	default:
	}
	u, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, c.fail("write", fmt.Errorf("address %v is not a *net.UDPAddr", to))
	}
	ap := u.AddrPort()
	c.net.send(c.at, netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), b)
	return len(b), nil
}

// Close implements net.PacketConn.
func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.done)
		c.net.forget(c)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.timer != nil {
			c.timer.Stop()
		}
	})
	return nil
}

// LocalAddr implements net.PacketConn.
func (c *conn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.at) }

// SetDeadline implements net.PacketConn.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline implements net.PacketConn; writes never wait.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.PacketConn. It wakes readers, who then look
// at the new deadline.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	old, dead := c.dead, make(chan struct{})
	c.dead = dead
	if !t.IsZero() {
		if left := time.Until(t); left <= 0 {
			close(dead)
		} else {
			c.timer = time.AfterFunc(left, func() {
				c.mu.Lock()
				defer c.mu.Unlock()
				if c.dead == dead { // else it was changed, and that closed it
					close(dead)
				}
			})
		}
	}
	select {
	case <-old:
	default:
		close(old)
	}
	return nil
}

func (c *conn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "mem", Addr: c.LocalAddr(), Err: err}
}
