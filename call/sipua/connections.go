package sipua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Limits of connections.
const (
	connsPerSource = 64
	connsTotal     = 4096
)

// connections are the connections of a UA, TLS ones and WebSockets included.
type connections struct {
	ua        *UA
	perSource int
	total     int

	mu     sync.Mutex
	conns  map[connKey]*conn
	source map[netip.Addr]int
	homes  map[home]*conn
	made   uint64 // connections so far
	closed bool
}

// connKey tells connections apart. A connection that we made over TLS serves
// those only who asked for the name that its peer has proved (RFC 5922 §4.4).
type connKey struct {
	transport string
	remote    netip.AddrPort
	name      string // empty: the peer made the connection, or TCP
}

func newConnections(u *UA, perSource, total int) *connections {
	if perSource <= 0 {
		perSource = connsPerSource
	}
	if total <= 0 {
		total = connsTotal
	}
	return &connections{
		ua: u, perSource: perSource, total: total,
		conns: map[connKey]*conn{}, source: map[netip.Addr]int{}, homes: map[home]*conn{},
	}
}

// sizes counts connections by transport.
func (s *connections) sizes() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for k := range s.conns {
		out[k.transport]++
	}
	return out
}

// accept takes connections until the listener is closed.
func (s *connections) accept(ep *endpoint) {
	for {
		nc, err := ep.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors, or reset before we came
			s.ua.log.Warn("accept SIP connection", "err", err)
			time.Sleep(pause)
			continue
		}
		remote, err := netip.ParseAddrPort(nc.RemoteAddr().String())
		if err != nil {
			_ = nc.Close()
			continue
		}
		c, ok := s.enter(ep, connKey{ep.network, netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port()), ""})
		if !ok {
			s.ua.counters.drop(dropOverload)
			_ = nc.Close()
			continue
		}
		c.greet(nc)
	}
}

// enter makes room for a connection, if the limits allow.
func (s *connections) enter(ep *endpoint, k connKey) (*conn, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := k.remote.Addr()
	if s.closed || len(s.conns) >= s.total || s.source[from] >= s.perSource || s.conns[k] != nil {
		return nil, false
	}
	c := &conn{
		set: s, ep: ep, connKey: k, wake: make(chan struct{}, 1), done: make(chan struct{}), homes: map[home]bool{},
	}
	s.made++
	c.number = s.made
	s.conns[k] = c
	s.source[from]++
	return c, true
}

// existing returns an open connection, or nil.
func (s *connections) existing(k connKey) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[k]
}

// to returns a connection and dials if there is none. It doesn't wait:
// messages queue until the dial succeeds.
func (s *connections) to(ep *endpoint, k connKey) (*conn, error) {
	if c := s.existing(k); c != nil {
		return c, nil
	}
	borrowed := s.borrow(k)
	if borrowed == nil && (overSocket(k.transport) || k.transport == TLS && k.name == "") {
		return nil, fmt.Errorf("%s %s: %w", k.transport, k.remote, errConn) // the peer has to come back
	}
	c, ok := s.enter(ep, k)
	if !ok {
		if other := s.existing(k); other != nil {
			return other, nil
		}
		return nil, fmt.Errorf("connect to %s: too many connections", k.remote)
	}
	c.ours, c.borrowed = true, borrowed // we chose to talk to it
	c.proved.Store(true)
	s.spawn(func() {
		nc, err := c.dial()
		if err != nil {
			s.ua.log.Info("connect to SIP peer", "transport", k.transport, "err", err)
			c.mu.Lock()
			c.why = err
			c.mu.Unlock()
			c.close()
			return
		}
		c.run(nc)
	})
	return c, nil
}

// borrow says how to reach the node that has a phone's connection, or returns
// nil.
func (s *connections) borrow(k connKey) func(context.Context) (net.Conn, error) {
	if s.ua.borrow == nil || k.name != "" {
		return nil
	}
	return s.ua.borrow(k.transport, k.remote)
}

func (s *connections) close() {
	s.mu.Lock()
	s.closed = true
	var all []*conn
	for _, c := range s.conns {
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		c.close()
	}
}

// spawn starts a goroutine that Close waits for, unless Close has begun.
func (s *connections) spawn(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.ua.wg.Go(f)
	}
	return !s.closed
}
