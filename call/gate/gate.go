package gate

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
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
	return [...]time.Duration{Arrival: 150 * ms, Setup: 600 * ms, Sound: 40 * ms}[s]
}

// How the limit moves.
const (
	slice     = 100 * time.Millisecond // between two looks
	standing  = 5                      // of which most was late, one after another, are a standing queue
	turn      = 5                      // slices between two raises, half of those between two cuts
	cut       = 0.8
	raise     = 1.1
	leap      = 1.25 // far below the best of the last minutes: what was in the way is gone
	creep     = 1.03 // near where something was late
	stride    = 1.06 // the same while nothing is nearly late
	near      = 0.95
	falling   = 0.9             // of the lateness half a second ago: it helps, wait
	lowest    = 5.0             // calls a second, whatever happens
	openFor   = 5 * time.Second // without a refusal or anything late opens the gate
	burst     = 0.1             // seconds of the limit that may come at once
	fewest    = 5               // measurements that say something
	mostLooks = 3               // slices that few measurements may stand for
	most      = 0.8             // of the best
	forget    = 0.9988          // of it in a slice: half in a minute
	half      = 2
	slack     = 4           // the part of its bound, or of its measurements, that a signal far from late has
	ease      = time.Second // without which the node can do more than it once could
	smoothed  = 5           // slices over which rates are taken
	recent    = 20          // slices of which the best tells what the node can do
)

// tally are the measurements of a slice.
type tally struct{ all, above, sum atomic.Uint64 }

// queue is what a signal has told of what waits.
type queue struct {
	streak int     // slices of which most was late, one after another
	asked  int     // when it was asked whether it gets less
	judged int     // the last look at it
	mean   float64 // of the slice that was looked at last, in nanoseconds; 0: it was counted elsewhere
}

// Gate is the controller. The zero value is not usable.
type Gate struct {
	log     *slog.Logger
	running atomic.Bool
	tallies [SignalCount]tally
	setups  atomic.Uint64 // told
	refused atomic.Uint64
	late    [SignalCount]atomic.Uint64 // slices

	mu      sync.Mutex // guards what follows
	limit   float64    // new calls a second; 0 = open
	tokens  float64
	filled  time.Time
	begun   int             // calls let in since looked
	ready   uint64          // setups when looked
	rate    float64         // of calls let in, smoothed
	done    float64         // of calls set up, smoothed
	steady  float64         // the same, over longer
	best    float64         // of that, slowly forgotten
	rates   [recent]float64 // rate of the last looks
	looked  time.Time
	looks   int
	trouble time.Time // when something was late or somebody refused
	busy    time.Time // when something was not far from being late
	lowered int       // the look of the last cut
	knee    float64   // what was too much, or what was done at the first cut
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

// Running tells whether anybody may be refused at all.
func (g *Gate) Running() bool { return g.running.Load() }

// Run moves the limit until ctx ends. sample, if not nil, is called before each
// look, to tell what is counted elsewhere.
func (g *Gate) Run(ctx context.Context, sample func()) error {
	g.running.Store(true)
	defer g.running.Store(false)
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
	stands, growing := g.judge(now)
	if stands {
		g.trouble = now
	}
	switch {
	case growing && (g.limit == 0 || g.looks-g.lowered >= 2*turn): // what was let in before takes its time
		g.lower(now)
	case stands || g.limit == 0:
	case now.Sub(g.trouble) >= openFor:
		g.limit = 0
	case g.looks%turn == 0:
		g.limit *= g.growth(now.Sub(g.busy))
	}
}

// growth is by how much the limit rises when nothing was nearly late for a
// time. mu is held.
func (g *Gate) growth(calm time.Duration) float64 {
	switch {
	case calm >= ease && g.limit < most*g.best:
		return leap
	case g.limit <= near*g.knee:
		return raise
	case calm >= ease:
		return stride
	default:
		return creep
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
	g.steady += (g.done - g.steady) / recent
	g.best = max(g.best*forget, g.steady)
	g.begun, g.ready, g.looked = 0, ready, now
	g.rates[g.looks%recent] = g.rate
}

// lower cuts the limit, or sets one, below what the node did lately. mu is held.
func (g *Gate) lower(now time.Time) {
	if g.limit == 0 {
		g.filled, g.tokens = now, 0
		g.knee = min(g.rate, g.done)
	} else {
		g.knee = min(g.limit, slices.Max(g.rates[:]))
	}
	g.limit, g.lowered = max(g.knee*cut, lowest), g.looks
}

// judge tells whether most of what was told for half a second, slice after
// slice, was late, and whether it doesn't get better by itself. A process that
// stood still finds everything late, but only once.
func (g *Gate) judge(now time.Time) (stands, growing bool) {
	for s := range SignalCount {
		t, q := &g.tallies[s], &g.queues[s]
		if t.all.Load() < fewest {
			continue // the next slice adds to it
		}
		all, above, sum := t.all.Swap(0), t.above.Swap(0), t.sum.Swap(0)
		if sum*slack > uint64(s.Bound())*all || above*slack > all {
			g.busy = now
		}
		looks := min(g.looks-q.judged, mostLooks)
		if above*half <= all {
			*q = queue{judged: g.looks}
			continue
		}
		q.judged = g.looks
		g.late[s].Add(1)
		if q.streak += looks; q.streak < standing {
			continue
		}
		stands = true
		if q.streak-q.asked >= standing {
			q.asked = q.streak
			mean := float64(sum) / float64(all)
			growing = growing || mean >= falling*q.mean
			q.mean = mean
		}
	}
	return stands, growing
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
