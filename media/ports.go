package media

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// ports hands out pairs of ports. It starts at a random place and goes
// round, so that a port is used again as late as possible.
type ports struct {
	first      int // even
	quarantine time.Duration

	mu    sync.Mutex // guards what follows
	next  int
	taken []bool
	free  []time.Duration // when the pair may be used again
	busy  int
}

func newPorts(low, high int, quarantine time.Duration) (*ports, error) {
	low += low % 2
	n := (high - low + 1) / 2
	if low < 2 || high > 65535 || n < 1 {
		return nil, fmt.Errorf("no pair of ports between %d and %d", low, high)
	}
	return &ports{
		first: low, quarantine: quarantine, next: rand.IntN(n),
		taken: make([]bool, n), free: make([]time.Duration, n),
	}, nil
}

func (p *ports) count() int { return len(p.taken) }

// take reserves a pair and returns its even port. When every free pair rests,
// the one that has rested longest must do: a call is worth more than a rest.
func (p *ports) take(now time.Duration) (int, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	oldest := -1
	for range p.taken {
		i := p.next
		p.next = (i + 1) % len(p.taken)
		switch {
		case p.taken[i]:
		case p.free[i] <= now:
			return p.use(i), true
		case oldest < 0 || p.free[i] < p.free[oldest]:
			oldest = i
		}
	}
	if oldest < 0 {
		return 0, false
	}
	return p.use(oldest), true
}

func (p *ports) use(i int) int {
	p.taken[i] = true
	p.busy++
	return p.first + 2*i
}

// claim reserves a certain pair, which a process before this one had. It
// returns false if the pair isn't among those that are handed out.
func (p *ports) claim(port int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := (port - p.first) / 2
	if port < p.first || port%2 != 0 || i >= len(p.taken) || p.taken[i] {
		return false
	}
	p.use(i)
	return true
}

// release gives a pair back; it rests for the quarantine.
func (p *ports) release(port int, now time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := (port - p.first) / 2
	p.taken[i], p.free[i] = false, now+p.quarantine
	p.busy--
}

// ours tells whether a port is one of a pair in use.
func (p *ports) ours(port uint16) bool {
	i := (int(port) - p.first) / 2
	if int(port) < p.first || i >= len(p.taken) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken[i]
}

func (p *ports) used(now time.Duration) (busy, resting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, taken := range p.taken {
		if !taken && p.free[i] > now {
			resting++
		}
	}
	return p.busy, resting
}
