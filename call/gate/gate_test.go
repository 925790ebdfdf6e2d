package gate

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// world is a node in virtual time that can begin some calls a second; what is
// beyond waits, and shows as lateness.
type world struct {
	*Gate
	capacity float64
	waiting  float64
	let, not int
}

// offer has calls arrive for a time.
func (w *world) offer(rate float64, d time.Duration) {
	const step = 10 * time.Millisecond
	due := 0.0
	for range int(d / step) {
		time.Sleep(step)
		for due += rate * step.Seconds(); due >= 1; due-- {
			if w.Admit() {
				w.let++
				w.waiting++
			} else {
				w.not++
			}
		}
		w.waiting = max(0, w.waiting-w.capacity*step.Seconds())
		w.Told(Commit, time.Duration(w.waiting/w.capacity*float64(time.Second)))
	}
}

func inWorld(t *testing.T, capacity float64, f func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{Gate: New(slog.New(slog.DiscardHandler)), capacity: capacity}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = w.Run(ctx, nil)
		}()
		f(t, w)
		cancel()
		<-done
	})
}

func TestAnOpenGateRefusesNobody(t *testing.T) {
	inWorld(t, 100, func(t *testing.T, w *world) {
		w.offer(95, time.Minute)
		if w.not > 0 || w.Limited() {
			t.Errorf("%d refused, %+v", w.not, w.Stats())
		}
	})
}

// At twice the capacity nearly all of the capacity is used, and what waits
// stays little.
func TestTwiceTheCapacity(t *testing.T) {
	for _, capacity := range []float64{20, 100, 700} {
		inWorld(t, capacity, func(t *testing.T, w *world) {
			w.offer(2*capacity, 10*time.Second) // finds the limit
			w.let = 0
			worst := 0.0
			for range 60 {
				w.offer(2*capacity, time.Second)
				worst = max(worst, w.waiting/capacity)
			}
			if share := float64(w.let) / 60 / capacity; share < 0.9 || share > 1.02 {
				t.Errorf("capacity %v: %.2f of it was used", capacity, share)
			}
			if worst > 1 {
				t.Errorf("capacity %v: %.1f s of it were waiting", capacity, worst)
			}
		})
	}
}

func TestAfterTheFloodTheGateOpens(t *testing.T) {
	inWorld(t, 100, func(t *testing.T, w *world) {
		w.offer(500, 30*time.Second)
		if !w.Limited() || w.not == 0 {
			t.Fatalf("%+v", w.Stats())
		}
		w.offer(50, 12*time.Second)
		w.let, w.not = 0, 0
		w.offer(80, 30*time.Second)
		if w.Limited() || w.not > 0 {
			t.Errorf("%d refused after the flood, %+v", w.not, w.Stats())
		}
	})
}

// However late everything is, some calls are let in: they measure.
func TestSomeAreAlwaysLetIn(t *testing.T) {
	inWorld(t, 100, func(t *testing.T, w *world) {
		for range 100 {
			for range 50 {
				w.Told(Sound, time.Second)
			}
			w.offer(50, time.Second)
		}
		if got := float64(w.let) / 100; got < lowest*0.9 || got > 2*lowest {
			t.Errorf("%v calls a second", got)
		}
	})
}

func TestFewMeasurementsSayNothing(t *testing.T) {
	g := New(slog.New(slog.DiscardHandler))
	for range fewest - 1 {
		g.Told(Commit, time.Hour)
	}
	if g.judge() {
		t.Error("late")
	}
	g.Counted(Commit, 1000, 50)
	if g.judge() {
		t.Error("a share below the bound is late")
	}
	g.Counted(Commit, 1000, 51)
	if !g.judge() || g.Stats().Late["commit"] != 1 {
		t.Errorf("%+v", g.Stats())
	}
}

// The gate's own clock: a process that doesn't get its turn is late.
func TestTurnsAreMeasured(t *testing.T) {
	for s := range SignalCount {
		if s.String() == "" || s.Bound() <= 0 {
			t.Errorf("signal %d: %q, %s", s, s, s.Bound())
		}
	}
	synctest.Test(t, func(t *testing.T) {
		g := New(slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithTimeout(t.Context(), 850*time.Millisecond)
		defer cancel()
		looks := 0
		if err := g.Run(ctx, func() { looks++ }); err != nil || looks != 1 {
			t.Errorf("%v, %d looks", err, looks)
		}
		if n := g.tallies[Turn].all.Load(); n == 0 || g.tallies[Turn].above.Load() != 0 {
			t.Errorf("%d measurements since the look", n)
		}
	})
}
