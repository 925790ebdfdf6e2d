package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"
)

// testNetwork carries streams between nodes of one process, in virtual time.
type testNetwork struct {
	mu        sync.Mutex
	listeners map[string]*testListener
	streams   map[*stream]string // by where they were made for
	away      map[string]bool
}

func newTestNetwork() *testNetwork {
	return &testNetwork{listeners: map[string]*testListener{}, streams: map[*stream]string{}, away: map[string]bool{}}
}

// at is the network as one node sees it.
func (n *testNetwork) at(node string) network { return &place{n, node} }

// cut takes a node off the network, or puts it back. Its streams end.
func (n *testNetwork) cut(node string, away bool) {
	n.mu.Lock()
	n.away[node] = away
	var gone []*stream
	for s, ends := range n.streams {
		if away && (ends == node || s.dialler == node) {
			gone = append(gone, s)
		}
	}
	n.mu.Unlock()
	for _, s := range gone {
		s.abort()
	}
}

type place struct {
	of   *testNetwork
	node string
}

func (p *place) listen(_ context.Context, addr string) (net.Listener, error) {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	l := &testListener{of: p.of, addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
	if p.of.listeners[addr] != nil {
		return nil, fmt.Errorf("%s: address in use", addr)
	}
	p.of.listeners[addr] = l
	return l, nil
}

func (p *place) dial(ctx context.Context, addr string) (net.Conn, error) {
	p.of.mu.Lock()
	l := p.of.listeners[addr]
	away := p.of.away[p.node] || p.of.away[addr]
	p.of.mu.Unlock()
	if away {
		<-ctx.Done() // nothing answers
		return nil, ctx.Err()
	}
	if l == nil {
		return nil, fmt.Errorf("%s: connection refused", addr)
	}
	near, far := newStream()
	near.dialler, far.dialler = p.node, p.node
	p.of.mu.Lock()
	p.of.streams[near], p.of.streams[far] = addr, addr
	p.of.mu.Unlock()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.done:
		return nil, fmt.Errorf("%s: connection refused", addr)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type testListener struct {
	of    *testNetwork
	addr  string
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *testListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *testListener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.of.mu.Lock()
		delete(l.of.listeners, l.addr)
		l.of.mu.Unlock()
	})
	return nil
}

func (l *testListener) Addr() net.Addr { return nodeAddr(l.addr) }

// pipe is one direction of a stream.
type pipe struct {
	mu       sync.Mutex
	cond     *sync.Cond
	b        []byte
	closed   bool
	deadline time.Time
	timer    *time.Timer
}

// stream is one end of a connection; it buffers without a limit.
type stream struct {
	dialler string
	in, out *pipe
}

func newStream() (a, b *stream) {
	x, y := &pipe{}, &pipe{}
	x.cond, y.cond = sync.NewCond(&x.mu), sync.NewCond(&y.mu)
	return &stream{in: x, out: y}, &stream{in: y, out: x}
}

func (s *stream) Read(b []byte) (int, error) {
	p := s.in
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.b) == 0 {
		if p.closed {
			return 0, net.ErrClosed
		}
		if !p.deadline.IsZero() && !time.Now().Before(p.deadline) {
			return 0, os.ErrDeadlineExceeded
		}
		p.cond.Wait()
	}
	n := copy(b, p.b)
	p.b = p.b[n:]
	return n, nil
}

func (s *stream) Write(b []byte) (int, error) {
	p := s.out
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, net.ErrClosed
	}
	p.b = append(p.b, b...)
	p.cond.Broadcast()
	return len(b), nil
}

func (s *stream) abort() {
	for _, p := range []*pipe{s.in, s.out} {
		p.mu.Lock()
		p.closed = true
		if p.timer != nil {
			p.timer.Stop()
		}
		p.cond.Broadcast()
		p.mu.Unlock()
	}
}

func (s *stream) Close() error { s.abort(); return nil }

func (s *stream) SetReadDeadline(t time.Time) error {
	p := s.in
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	if p.timer != nil {
		p.timer.Stop()
	}
	if !t.IsZero() && !p.closed {
		p.timer = time.AfterFunc(time.Until(t), p.cond.Broadcast)
	}
	return nil
}

func (s *stream) SetDeadline(t time.Time) error    { return s.SetReadDeadline(t) }
func (s *stream) SetWriteDeadline(time.Time) error { return nil }
func (s *stream) LocalAddr() net.Addr              { return nodeAddr("near") }
func (s *stream) RemoteAddr() net.Addr             { return nodeAddr("far") }

// authority signs certificates of members.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t, next: 1}
	a.key = newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	a.cert = a.sign(template, template, &a.key.PublicKey)
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (a *authority) sign(c, parent *x509.Certificate, key *ecdsa.PublicKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return out
}

// member makes what a node needs to be one of a cluster.
func (a *authority) member(cluster, node string, nodes ...string) *Members {
	a.next++
	key := newKey(a.t)
	uri, err := url.Parse(Identity(cluster, node))
	if err != nil {
		a.t.Fatal(err)
	}
	c := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(a.next), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
		URIs: []*url.URL{uri},
	}, a.cert, &key.PublicKey)
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	m := &Members{
		Cluster: cluster, Nodes: map[string]string{}, Roots: roots,
		Certificate: tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key},
	}
	for _, n := range nodes {
		m.Nodes[n] = n
	}
	return m
}
