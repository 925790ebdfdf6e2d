package memnet

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Wires are a network of streams between named places. Nothing that is written
// is ever lost or out of order; a cut link only holds it back until it is
// healed, or until somebody gives up.
type Wires struct {
	mu        sync.Mutex // guards what follows
	listeners map[string]*listener
	ends      map[*end]struct{}
	dice      *rand.Rand
	delay     func(dice *rand.Rand) time.Duration
	cut       func(from, to string) bool
	watch     func(from, to string, sent bool)
}

// NewWires returns a network without delay.
func NewWires() *Wires {
	return &Wires{listeners: map[string]*listener{}, ends: map[*end]struct{}{}, dice: dice(0)}
}

// Delay says how long what is written from now on is under way.
func (w *Wires) Delay(seed uint64, f func(dice *rand.Rand) time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dice, w.delay = dice(seed), f
}

// Cut holds back what goes from one place to another for which f says so; nil
// heals the network. Connections aren't made in either direction.
func (w *Wires) Cut(f func(from, to string) bool) {
	w.mu.Lock()
	w.cut = f
	ends := make([]*end, 0, len(w.ends))
	for e := range w.ends {
		ends = append(ends, e)
	}
	w.mu.Unlock()
	for _, e := range ends {
		e.in.hold(f != nil && f(e.far, e.near))
	}
}

// Watch tells f of everything that is written, before it is under way and once
// it is.
func (w *Wires) Watch(f func(from, to string, sent bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watch = f
}

// Kill ends all that a place has, as the kernel does for a process that is gone.
// Whoever connects is refused.
func (w *Wires) Kill(name string) {
	w.mu.Lock()
	l := w.listeners[name]
	var gone []*end
	for e := range w.ends {
		if e.near == name {
			gone = append(gone, e)
		}
	}
	w.mu.Unlock()
	if l != nil {
		_ = l.Close() // never fails
	}
	for _, e := range gone {
		_ = e.Close() // never fails
	}
}

// At is the network as one place sees it.
func (w *Wires) At(name string) *Place { return &Place{w, name} }

// Place is a name on the network.
type Place struct {
	of   *Wires
	name string
}

// Listen takes connections to a name.
func (p *Place) Listen(_ context.Context, name string) (net.Listener, error) {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	if p.of.listeners[name] != nil {
		return nil, fmt.Errorf("listen at %s: %w", name, syscall.EADDRINUSE)
	}
	l := &listener{of: p.of, name: name, conns: make(chan net.Conn), done: make(chan struct{})}
	p.of.listeners[name] = l
	return l, nil
}

// Dial makes a connection to a name.
func (p *Place) Dial(ctx context.Context, name string) (net.Conn, error) {
	w := p.of
	w.mu.Lock()
	l := w.listeners[name]
	cut := w.cut != nil && (w.cut(p.name, name) || w.cut(name, p.name))
	w.mu.Unlock()
	if cut {
		<-ctx.Done() // nothing answers
		return nil, ctx.Err()
	}
	if l == nil {
		return nil, fmt.Errorf("connect to %s: %w", name, syscall.ECONNREFUSED)
	}
	near, far := w.pair(p.name, name)
	select {
	case l.conns <- far:
		return near, nil
	case <-l.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	_ = near.Close() // never fails
	return nil, fmt.Errorf("connect to %s: %w", name, syscall.ECONNREFUSED)
}

func (w *Wires) pair(a, b string) (near, far *end) {
	x, y := newPipe(), newPipe()
	near = &end{of: w, near: a, far: b, in: x, out: y}
	far = &end{of: w, near: b, far: a, in: y, out: x}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends[near], w.ends[far] = struct{}{}, struct{}{}
	return near, far
}

func (w *Wires) late() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.delay == nil {
		return 0
	}
	return w.delay(w.dice)
}

func (w *Wires) tell(from, to string, sent bool) {
	w.mu.Lock()
	f := w.watch
	w.mu.Unlock()
	if f != nil {
		f(from, to, sent)
	}
}

func (w *Wires) forget(e *end) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.ends, e)
}

type listener struct {
	of    *Wires
	name  string
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.of.mu.Lock()
		defer l.of.mu.Unlock()
		if l.of.listeners[l.name] == l {
			delete(l.of.listeners, l.name)
		}
	})
	return nil
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return name(l.name) }

type name string

// Network implements net.Addr.
func (name) Network() string { return "mem" }

// String implements net.Addr.
func (n name) String() string { return string(n) }

// pipe is one direction of a stream.
type pipe struct {
	mu       sync.Mutex // guards what follows
	cond     *sync.Cond
	chunks   []chunk
	held     bool
	closed   bool // nobody reads any more
	ended    bool // nothing more is written
	deadline time.Time
	timer    *time.Timer
}

// chunk is what was written at once.
type chunk struct {
	at time.Time
	b  []byte
}

func newPipe() *pipe {
	p := &pipe{}
	p.cond = sync.NewCond(&p.mu)
	return p
}

func (p *pipe) hold(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = yes
	p.cond.Broadcast()
}

func (p *pipe) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cond.Broadcast()
}

func (p *pipe) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.cond.Broadcast()
}

func (p *pipe) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.cond.Broadcast()
}

// end is one end of a stream. It buffers without a limit.
type end struct {
	of        *Wires
	near, far string
	in, out   *pipe
}

// Read implements net.Conn.
func (e *end) Read(b []byte) (int, error) {
	p := e.in
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := time.Now()
		switch {
		case p.closed:
			return 0, net.ErrClosed
		case !p.held && len(p.chunks) > 0 && !p.chunks[0].at.After(now):
			c := &p.chunks[0]
			n := copy(b, c.b)
			if c.b = c.b[n:]; len(c.b) == 0 {
				p.chunks = p.chunks[1:]
			}
			return n, nil
		case !p.held && len(p.chunks) == 0 && p.ended:
			return 0, io.EOF
		case !p.deadline.IsZero() && !now.Before(p.deadline):
			return 0, os.ErrDeadlineExceeded
		}
		p.cond.Wait()
	}
}

// Write implements net.Conn. It never blocks.
func (e *end) Write(b []byte) (int, error) {
	e.of.tell(e.near, e.far, false)
	late, p := e.of.late(), e.out
	p.mu.Lock()
	if p.closed || p.ended {
		p.mu.Unlock()
		return 0, net.ErrClosed
	}
	at := time.Now().Add(late)
	if k := len(p.chunks); k > 0 && p.chunks[k-1].at.After(at) {
		at = p.chunks[k-1].at // in order
	}
	p.chunks = append(p.chunks, chunk{at, append([]byte(nil), b...)})
	if late > 0 {
		time.AfterFunc(time.Until(at), p.wake)
	}
	p.cond.Broadcast()
	p.mu.Unlock()
	e.of.tell(e.near, e.far, true)
	return len(b), nil
}

// Close implements net.Conn. What is under way arrives.
func (e *end) Close() error {
	e.in.close()
	e.out.end()
	e.of.forget(e)
	return nil
}

// SetReadDeadline implements net.Conn.
func (e *end) SetReadDeadline(t time.Time) error {
	p := e.in
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	if p.timer != nil {
		p.timer.Stop()
	}
	if !t.IsZero() && !p.closed {
		p.timer = time.AfterFunc(time.Until(t), p.wake)
	}
	p.cond.Broadcast()
	return nil
}

// SetDeadline implements net.Conn.
func (e *end) SetDeadline(t time.Time) error { return e.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn; writes never wait.
func (e *end) SetWriteDeadline(time.Time) error { return nil }

// LocalAddr implements net.Conn.
func (e *end) LocalAddr() net.Addr { return name(e.near) }

// RemoteAddr implements net.Conn.
func (e *end) RemoteAddr() net.Addr { return name(e.far) }
