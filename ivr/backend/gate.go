package backend

import (
	"context"
	"sync"
)

// gate lets a number of questions through at once; the others wait in the
// order they came.
type gate struct {
	mu      sync.Mutex // guards all below
	inside  int
	waiting []*ticket
}

// ticket is one who waits. The limit is his own: generations may differ.
type ticket struct {
	limit int
	turn  chan struct{}
}

// enter tells whether the caller is inside before the context ends; then he
// must leave.
func (g *gate) enter(ctx context.Context, limit int) bool {
	g.mu.Lock()
	if g.inside < limit && len(g.waiting) == 0 {
		g.inside++
		g.mu.Unlock()
		return true
	}
	t := &ticket{limit: limit, turn: make(chan struct{})}
	g.waiting = append(g.waiting, t)
	g.mu.Unlock()
	select {
	case <-t.turn:
		return true
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, other := range g.waiting {
		if other == t {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			g.next()
			return false
		}
	}
	return true // it was his turn at the same moment
}

// leave makes room for the next.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	g.next()
}

// next lets in whoever may; g.mu is held.
func (g *gate) next() {
	for len(g.waiting) > 0 && g.inside < g.waiting[0].limit {
		g.inside++
		close(g.waiting[0].turn)
		g.waiting = g.waiting[1:]
	}
}

func (g *gate) stats() (inside, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inside, len(g.waiting)
}
