package gate

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Signal is something that can be late.
type Signal uint8

// Signals.
const (
	Arrival Signal = iota // from the socket to its reader
	Setup                 // from an INVITE to what its caller hears of us
	Sound                 // of a packet that we pace
	SignalCount
)

func (s Signal) String() string {
	names := [...]string{Arrival: "arrival", Setup: "setup", Sound: "sound"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("signal(%d)", s)
}

// Bound is above which a measurement counts as late. What a node that keeps up
// needs is a tenth of it and less.
func (s Signal) Bound() time.Duration {
	const ms = time.Millisecond
	return [...]time.Duration{Arrival: 50 * ms, Setup: 400 * ms, Sound: 20 * ms}[s]
}

// How the limit moves.
const (
	slice    = 100 * time.Millisecond // between two looks
	slices   = 5                      // of which most was late, one after another, are a standing queue
	turn     = 5                      // slices between two raises
	cut      = 0.8
	raise    = 1.1
	creep    = 1.02 // near where something was late
	near     = 0.95
	falling  = 0.9             // of the lateness half a second ago: it helps, wait
	lowest   = 5.0             // calls a second, whatever happens
	openFor  = 5 * time.Second // without a refusal or anything late opens the gate
	burst    = 0.1             // seconds of the limit that may come at once
	fewest   = 5               // measurements that say something
	half     = 2
	smoothed = 5 // slices over which rates are taken
)

// tally are the measurements of a slice.
type tally struct{ all, above, sum atomic.Uint64 }

// queue is what a signal has told of what waits.
type queue struct {
	streak int     // slices of which most was late, one after another
	mean   float64 // of the slice that was looked at last, in nanoseconds; 0: it was counted elsewhere
}

// Gate is the controller. The zero value is not usable.
type Gate struct {
	log     *slog.Logger
	tallies [SignalCount]tally
	setups  atomic.Uint64 // told
	refused atomic.Uint64
	late    [SignalCount]atomic.Uint64 // slices

	mu      sync.Mutex // guards what follows
	limit   float64    // new calls a second; 0 = open
	tokens  float64
	filled  time.Time
	begun   int     // calls let in since looked
	ready   uint64  // setups when looked
	rate    float64 // of calls let in, smoothed
	done    float64 // of calls set up, smoothed
	looked  time.Time
	looks   int
	trouble time.Time // when something was late or somebody refused
	knee    float64   // of calls set up when something was late
	queues  [SignalCount]queue
}

// New returns an open gate. It stays open unless Run runs.
func New(log *slog.Logger) *Gate {
	now := time.Now()
	return &Gate{log: log, filled: now, looked: now}
}

// Told takes a measurement.
func (g *Gate) Told(s Signal, d time.Duration) {
	above := uint64(0)
	if d > s.Bound() {
		above = 1
	}
	if s == Setup {
		g.setups.Add(1)
	}
	g.tallies[s].sum.Add(uint64(max(0, d)))
	g.Counted(s, 1, above)
}

// Counted takes measurements that were counted elsewhere, by Bound.
func (g *Gate) Counted(s Signal, all, above uint64) {
	g.tallies[s].all.Add(all)
	if above > 0 {
		g.tallies[s].above.Add(above)
	}
}

// Admit asks whether a call may begin now.
func (g *Gate) Admit() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.limit > 0 {
		g.tokens = min(g.tokens+now.Sub(g.filled).Seconds()*g.limit, max(1, g.limit*burst))
		g.filled = now
		if g.tokens < 1 {
			g.refused.Add(1)
			g.trouble = now
			return false
		}
		g.tokens--
	}
	g.begun++
	return true
}

// Limited tells whether there is a limit now.
func (g *Gate) Limited() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limit > 0
}

// Run moves the limit until ctx ends. sample, if not nil, is called before each
// look, to tell what is counted elsewhere.
func (g *Gate) Run(ctx context.Context, sample func()) error {
	tick := time.NewTicker(slice)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if sample != nil {
			sample()
		}
		g.look(time.Now())
	}
}

// look takes in the last slice and moves the limit.
func (g *Gate) look(now time.Time) {
	was := g.Limited()
	g.adapt(now)
	switch s := g.Stats(); {
	case s.Limit > 0 && !was:
		g.log.Warn("the node can't keep up: new calls are limited", "limit", int(s.Limit), "late", s.Late)
	case s.Limit == 0 && was:
		g.log.Info("new calls are no longer limited", "refused", s.Refused)
	}
}

// adapt moves the limit.
func (g *Gate) adapt(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.measure(now)
	g.looks++
	standing, growing := g.judge()
	if standing {
		g.trouble = now
	}
	switch {
	case growing:
		g.lower(now)
	case standing || g.limit == 0:
	case now.Sub(g.trouble) >= openFor:
		g.limit = 0
	case g.looks%turn != 0:
	case g.limit > near*g.knee:
		g.limit *= creep
	default:
		g.limit *= raise
	}
}

// measure takes the rates. mu is held.
func (g *Gate) measure(now time.Time) {
	d := now.Sub(g.looked).Seconds()
	if d <= 0 {
		return
	}
	g.rate += (float64(g.begun)/d - g.rate) / smoothed
	ready := g.setups.Load()
	g.done += (float64(ready-g.ready)/d - g.done) / smoothed
	g.begun, g.ready, g.looked = 0, ready, now
}

// lower cuts the limit, or sets one, below what the node has done while it was
// late. mu is held.
func (g *Gate) lower(now time.Time) {
	least := lowest
	if g.limit == 0 {
		g.filled, g.tokens = now, 0
	} else {
		least = max(least, g.limit*cut) // who was let in before is what is late now
	}
	g.knee = max(min(g.rate, g.done), least)
	g.limit = max(g.knee*cut, lowest)
}

// judge tells whether most of what was told for half a second, slice after
// slice, was late, and whether it doesn't get better by itself. A process that
// stood still finds everything late, but only once.
func (g *Gate) judge() (standing, growing bool) {
	for s := range SignalCount {
		t, q := &g.tallies[s], &g.queues[s]
		if t.all.Load() < fewest {
			continue // the next slice adds to it
		}
		all, above, sum := t.all.Swap(0), t.above.Swap(0), t.sum.Swap(0)
		if above*half <= all {
			*q = queue{}
			continue
		}
		g.late[s].Add(1)
		if q.streak++; q.streak < slices {
			continue
		}
		standing = true
		if q.streak%slices == 0 {
			mean := float64(sum) / float64(all)
			growing = growing || mean >= falling*q.mean
			q.mean = mean
		}
	}
	return standing, growing
}

// Stats is what the gate does.
type Stats struct {
	Limit   float64           // new calls a second; 0 = open
	Rate    float64           // of calls let in
	Refused uint64            // since the start
	Late    map[string]uint64 // tenths of a second in which most was late, by signal
}

// Stats returns the figures so far.
func (g *Gate) Stats() Stats {
	s := Stats{Refused: g.refused.Load(), Late: map[string]uint64{}}
	for i := range SignalCount {
		s.Late[i.String()] = g.late[i].Load()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s.Limit, s.Rate = g.limit, g.rate
	return s
}
