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
// needs is a fifth of it and less.
func (s Signal) Bound() time.Duration {
	const ms = time.Millisecond
	return [...]time.Duration{Arrival: 75 * ms, Setup: 600 * ms, Sound: 40 * ms}[s]
}

// When the node is full, and what follows from it.
const (
	slice    = 100 * time.Millisecond // between two looks
	standing = 500 * time.Millisecond // for so long without a break, and it is a queue that stands
	openFor  = 5 * time.Second        // without a refusal: the queue is over
	patience = 300 * time.Millisecond // of a caller for his setup: as many wait as are set up in it
	atLeast  = 50                     // callers may wait, however slow the node was so far
	lowest   = 5.0                    // calls a second, whatever happens
	fewest   = 5                      // measurements that say something
	mostMute = 3                      // slices without sound, after which none is late
	half     = 2
	smoothed = 20 // slices over which the rates are taken
)

// tally are the measurements of a slice.
type tally struct{ all, above atomic.Uint64 }

// Gate is the controller. The zero value is not usable.
type Gate struct {
	log     *slog.Logger
	running atomic.Bool
	tallies [SignalCount]tally
	late    [SignalCount]atomic.Uint64 // slices
	arrival atomic.Int64               // the last one, in nanoseconds
	heard   atomic.Bool                // there was one since the last look
	hoarse  atomic.Bool                // most sound was late when that was last known
	mute    int                        // slices without sound; of the goroutine that looks
	few     uint64                     // packets that wait for more; of the same
	setups  atomic.Uint64              // told
	refused atomic.Uint64

	mu      sync.Mutex // guards what follows
	waiting waiting
	begun   int       // calls let in since looked
	ready   uint64    // setups when looked
	rate    float64   // of calls let in, smoothed
	done    float64   // of calls set up, smoothed
	looked  time.Time // when the rates were taken
	full    time.Time // since when the node is full; zero: it isn't
	strict  time.Time // when somebody was last refused
	spare   float64   // calls that are let in whatever happens
	filled  time.Time // when some were last added
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
	if s == Arrival {
		g.arrival.Store(int64(d))
		g.heard.Store(true)
	}
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
	if g.running.Load() && !g.room(time.Now()) {
		g.refused.Add(1)
		return false
	}
	g.begun++
	return true
}

// room tells whether a call may begin now. A machine that stands still for a
// moment has everybody waiting, and refuses nobody for it; one on which a queue
// stood takes no more than it can do at each moment. mu is held.
func (g *Gate) room(now time.Time) bool {
	if !g.notice(now) || !g.stands(now) && !g.isStrict(now) {
		return true
	}
	g.spare = min(lowest, g.spare+now.Sub(g.filled).Seconds()*lowest)
	g.filled = now
	if g.spare >= 1 {
		g.spare--
		return true
	}
	g.strict = now
	return false
}

// notice notes since when the node is full, and tells whether it is. mu is held.
func (g *Gate) notice(now time.Time) bool {
	switch is := g.isFull(now); {
	case !is:
		g.full = time.Time{}
	case g.full.IsZero():
		g.full = now
	}
	return !g.full.IsZero()
}

// stands tells whether the node is full for so long that there is a queue. mu
// is held.
func (g *Gate) stands(now time.Time) bool { return !g.full.IsZero() && now.Sub(g.full) >= standing }

// isFull tells whether one more would have to wait too long. mu is held.
func (g *Gate) isFull(now time.Time) bool {
	return g.hoarse.Load() || g.arrival.Load() > int64(Arrival.Bound()) ||
		float64(g.waiting.count(now)) >= max(atLeast, g.done*patience.Seconds())
}

// isStrict tells whether somebody was refused lately. mu is held.
func (g *Gate) isStrict(now time.Time) bool { return !g.strict.IsZero() && now.Sub(g.strict) < openFor }

// Limited tells whether calls are refused these seconds, or would be.
func (g *Gate) Limited() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limited(time.Now())
}

// limited is Limited. mu is held.
func (g *Gate) limited(now time.Time) bool {
	return g.running.Load() && (g.stands(now) || g.isStrict(now))
}

// Running tells whether anybody may be refused at all.
func (g *Gate) Running() bool { return g.running.Load() }

// Run looks at what was measured until ctx ends. sample, if not nil, is called
// before each look, to tell what is counted elsewhere.
func (g *Gate) Run(ctx context.Context, sample func()) error {
	g.running.Store(true)
	defer g.running.Store(false)
	tick := time.NewTicker(slice)
	defer tick.Stop()
	was := false
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
		is := g.Limited()
		switch s := g.Stats(); {
		case is && !was:
			g.log.Warn("the node can't keep up: new calls are limited", "rate", int(s.Rate), "late", s.Late)
		case was && !is:
			g.log.Info("new calls are no longer limited", "refused", s.Refused)
		}
		was = is
	}
}

// look takes in the last slice.
func (g *Gate) look(now time.Time) {
	for s := range SignalCount {
		t := &g.tallies[s]
		n := t.all.Load()
		if n < fewest { // the next slice adds to it
			if s == Sound {
				g.quiet(n)
			}
			continue
		}
		all, above := t.all.Swap(0), t.above.Swap(0)
		late := above*half > all
		if late {
			g.late[s].Add(1)
		}
		if s == Sound {
			g.hoarse.Store(late)
			g.mute, g.few = 0, 0
		}
	}
	if !g.heard.Swap(false) {
		g.arrival.Store(0) // nothing is there that waits
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.notice(now)
	d := now.Sub(g.looked).Seconds()
	if d <= 0 {
		return
	}
	ready := g.setups.Load()
	g.rate += (float64(g.begun)/d - g.rate) / smoothed
	g.done += (float64(ready-g.ready)/d - g.done) / smoothed
	g.begun, g.ready, g.looked = 0, ready, now
}

// quiet takes a slice after which there is little sound: of none nothing is late.
func (g *Gate) quiet(n uint64) {
	if n != g.few {
		g.mute = 0
	}
	g.mute, g.few = g.mute+1, n
	if g.mute > mostMute {
		g.hoarse.Store(false)
	}
}

// Stats is what the gate does.
type Stats struct {
	Limited bool              // calls are refused these seconds, or would be
	Rate    float64           // of calls let in, a second
	Waiting int               // callers for their setup
	Refused uint64            // since the start
	Late    map[string]uint64 // tenths of a second in which most was late, by signal
}

// Stats returns the figures so far.
func (g *Gate) Stats() Stats {
	s := Stats{Refused: g.refused.Load(), Late: map[string]uint64{}}
	for i := range SignalCount {
		s.Late[i.String()] = g.late[i].Load()
	}
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	s.Limited, s.Rate, s.Waiting = g.limited(now), g.rate, g.waiting.count(now)
	return s
}
