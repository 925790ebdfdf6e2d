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
	Turn                  // from the time a goroutine wants to run to its turn
	Commit                // of an entry of the log
	Sound                 // of a packet that we pace
	SignalCount
)

func (s Signal) String() string {
	names := [...]string{Arrival: "arrival", Turn: "turn", Commit: "commit", Sound: "sound"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("signal(%d)", s)
}

// bound is when a measurement is above, and how many in a thousand may be.
type bound struct {
	above time.Duration
	share uint64
}

func (s Signal) bound() bound {
	const ms = time.Millisecond
	return [...]bound{
		Arrival: {100 * ms, 50}, Turn: {50 * ms, 100}, Commit: {200 * ms, 50}, Sound: {20 * ms, 20},
	}[s]
}

// How the limit moves.
const (
	turn     = 500 * time.Millisecond // between two looks
	probe    = 20 * time.Millisecond  // between two measurements of Turn
	cut      = 0.8
	raise    = 1.1
	creep    = 1.02 // near where something was late
	near     = 0.95
	settle   = time.Second     // for what waits to get less after a cut, before the next one
	lowest   = 5.0             // calls a second, whatever happens
	openFor  = 5 * time.Second // without a refusal or anything late opens the gate
	burst    = 0.1             // seconds of the limit that may come at once
	fewest   = 5               // measurements that say something
	thousand = 1000
)

// tally are the measurements of a turn.
type tally struct{ all, above atomic.Uint64 }

// Gate is the controller. The zero value is not usable.
type Gate struct {
	log     *slog.Logger
	tallies [SignalCount]tally
	refused atomic.Uint64
	late    [SignalCount]atomic.Uint64 // turns

	mu      sync.Mutex // guards what follows
	limit   float64    // new calls a second; 0 = open
	tokens  float64
	filled  time.Time
	begun   int       // calls let in since turned
	rate    float64   // of calls let in, smoothed
	turned  time.Time // the last look
	trouble time.Time // when something was late or somebody refused
	knee    float64   // of calls let in when something was late
	lowered time.Time // the last cut
}

// New returns an open gate. It stays open unless Run runs.
func New(log *slog.Logger) *Gate {
	now := time.Now()
	return &Gate{log: log, filled: now, turned: now}
}

// Told takes a measurement.
func (g *Gate) Told(s Signal, d time.Duration) {
	above := uint64(0)
	if d > s.bound().above {
		above = 1
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

// Bound is above which a measurement counts as late.
func (s Signal) Bound() time.Duration { return s.bound().above }

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

// Run measures turns and moves the limit until ctx ends. sample, if not nil, is
// called before each look, to tell what is counted elsewhere.
func (g *Gate) Run(ctx context.Context, sample func()) error {
	tick := time.NewTimer(probe)
	defer tick.Stop()
	for due, look := time.Now().Add(probe), time.Now().Add(turn); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := time.Now()
		g.Told(Turn, now.Sub(due))
		if !now.Before(look) {
			if sample != nil {
				sample()
			}
			g.move(now)
			look = now.Add(turn)
		}
		due = now.Add(probe)
		tick.Reset(probe)
	}
}

// move looks at the last turn and moves the limit.
func (g *Gate) move(now time.Time) {
	late := g.judge()
	was := g.Limited()
	g.adapt(late, now)
	switch s := g.Stats(); {
	case s.Limit > 0 && !was:
		g.log.Warn("the node can't keep up: new calls are limited", "limit", int(s.Limit), "late", s.Late)
	case s.Limit == 0 && was:
		g.log.Info("new calls are no longer limited", "refused", s.Refused)
	}
}

// adapt moves the limit.
func (g *Gate) adapt(late bool, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if d := now.Sub(g.turned).Seconds(); d > 0 {
		g.rate += (float64(g.begun)/d - g.rate) / 2
	}
	g.begun, g.turned = 0, now
	switch {
	case late:
		g.trouble = now
		if g.limit == 0 || now.Sub(g.lowered) >= settle {
			g.lower(now)
		}
	case g.limit > 0 && now.Sub(g.trouble) >= openFor:
		g.limit = 0
	case g.limit > 0 && g.limit > near*g.knee:
		g.limit *= creep
	case g.limit > 0:
		g.limit *= raise
	}
}

// lower cuts the limit, or sets one. mu is held.
func (g *Gate) lower(now time.Time) {
	g.knee = g.rate
	if g.limit == 0 {
		g.filled = now
	} else {
		g.knee = min(g.limit, max(g.rate, lowest))
	}
	g.limit, g.lowered = max(g.knee*cut, lowest), now
}

// judge tells whether something was late, and begins the next turn.
func (g *Gate) judge() (late bool) {
	for s := range SignalCount {
		all, above := g.tallies[s].all.Swap(0), g.tallies[s].above.Swap(0)
		if all >= fewest && above*thousand > all*s.bound().share {
			g.late[s].Add(1)
			late = true
		}
	}
	return late
}

// Stats is what the gate does.
type Stats struct {
	Limit   float64           // new calls a second; 0 = open
	Rate    float64           // of calls let in
	Refused uint64            // since the start
	Late    map[string]uint64 // turns of half a second in which something was late, by signal
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
