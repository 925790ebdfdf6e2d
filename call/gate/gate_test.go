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
	queue    []time.Time
	able     float64
	still    func(at time.Time) bool // the machine stands still; nil: never
	let, not int
}

const step = 10 * time.Millisecond

// offer has calls arrive for a time.
func (w *world) offer(rate float64, d time.Duration) {
	due := 0.0
	for range int(d / step) {
		time.Sleep(step)
		due += rate * step.Seconds()
		if w.still != nil && w.still(time.Now()) {
			continue
		}
		for ; due >= 1; due-- {
			if w.Admit() {
				w.let++
				w.Begun(time.Now())
				w.queue = append(w.queue, time.Now())
			} else {
				w.not++
			}
		}
		w.work()
	}
}

func (w *world) work() {
	w.able = min(w.able+w.capacity*step.Seconds(), float64(len(w.queue))+1)
	for ; w.able >= 1 && len(w.queue) > 0; w.able-- {
		w.SetUp(w.queue[0])
		w.queue = w.queue[1:]
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
				worst = max(worst, float64(len(w.queue))/capacity)
			}
			if share := float64(w.let) / 60 / capacity; share < 0.9 || share > 1.05 {
				t.Errorf("capacity %v: %.2f of it was used", capacity, share)
			}
			if worst > 2+20/capacity { // of few calls a second little is known at once
				t.Errorf("capacity %v: %.1f s of it were waiting", capacity, worst)
			}
		})
	}
}

// A machine that others have used for a while gives its capacity back at once.
func TestAfterADroughtTheCapacityIsFoundAgain(t *testing.T) {
	inWorld(t, 500, func(t *testing.T, w *world) {
		w.offer(450, 20*time.Second)
		w.capacity = 20
		w.offer(450, 20*time.Second)
		w.capacity = 500
		low := w.Stats().Rate
		w.offer(450, 3*time.Second)
		w.let, w.not = 0, 0
		w.offer(450, 10*time.Second)
		if low > 30 || w.let < 9*450 {
			t.Errorf("%.0f a second in the drought, then %d let in, %d not", low, w.let, w.not)
		}
	})
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
			for range 10 {
				w.Counted(Sound, 50, 50)
				w.offer(50, slice)
			}
		}
		if got := float64(w.let) / 100; got < lowest*0.9 || got > 2*lowest {
			t.Errorf("%v calls a second", got)
		}
	})
}

// A machine that stops for a second now and then can still do what it could.
func TestAPauseIsNoOverload(t *testing.T) {
	inWorld(t, 200, func(t *testing.T, w *world) {
		began := time.Now()
		w.still = func(at time.Time) bool { return at.Sub(began)%(5*time.Second) < 700*time.Millisecond }
		w.offer(50, 2*time.Minute)
		if w.not > 0 || w.Limited() {
			t.Errorf("%d refused, %+v", w.not, w.Stats())
		}
	})
}

// Nor are single measurements that are late, however many.
func TestSomeLateIsNoOverload(t *testing.T) {
	inWorld(t, 200, func(t *testing.T, w *world) {
		for i := range 3000 {
			time.Sleep(10 * time.Millisecond)
			w.Told(Arrival, time.Second)
			w.Counted(Sound, 2, uint64(i%2))
			w.Told(Arrival, 0)
		}
		if w.Limited() {
			t.Errorf("%+v", w.Stats())
		}
	})
}

// Few packets wait for more of them: of a quiet node too something is known. When
// nothing sounds any more, nothing is late.
func TestLateSoundOfAQuietNode(t *testing.T) {
	inWorld(t, 100, func(t *testing.T, w *world) {
		for range 30 {
			w.Counted(Sound, 2, 2)
			w.offer(20, slice)
		}
		if !w.Limited() || w.Stats().Late["sound"] < 8 {
			t.Errorf("%+v", w.Stats())
		}
		time.Sleep(openFor)
		if w.offer(20, time.Second); w.Limited() {
			t.Errorf("%+v", w.Stats())
		}
	})
}

// Datagrams that waited too long and were the last ones say nothing about a call
// that comes by TCP later.
func TestAnArrivalIsForgotten(t *testing.T) {
	inWorld(t, 100, func(t *testing.T, w *world) {
		w.offer(1000, 3*time.Second)
		w.Told(Arrival, time.Second)
		if w.offer(20, slice); !w.Limited() {
			t.Errorf("%+v", w.Stats())
		}
		w.offer(0, 2*time.Second) // all are served
		w.let, w.not = 0, 0
		if w.offer(20, time.Second); w.not > 0 {
			t.Errorf("%d refused, %+v", w.not, w.Stats())
		}
	})
}

// Callers whose end nobody tells, and those who leave before, take no place for
// ever.
func TestCallersWhoAreForgotten(t *testing.T) {
	inWorld(t, 100, func(t *testing.T, w *world) {
		for range 10 * atLeast {
			w.Begun(time.Now())
		}
		gone := time.Now()
		time.Sleep(2 * standing)
		for range atLeast / 2 {
			w.Begun(gone.Add(standing))
			w.Gone(gone.Add(standing))
			w.Gone(gone.Add(-time.Hour)) // nobody knows him any more
		}
		if n := w.Stats().Waiting; n != 10*atLeast {
			t.Errorf("%d wait", n)
		}
		w.offer(50, 2*time.Second)
		if !w.Limited() {
			t.Errorf("%+v", w.Stats())
		}
		time.Sleep(memory * slice)
		if n := w.Stats().Waiting; n != 0 || w.Limited() {
			t.Errorf("%+v", w.Stats())
		}
	})
}

func TestSignalsHaveNamesAndBounds(t *testing.T) {
	for s := range SignalCount {
		if s.String() == "" || s.Bound() <= 0 {
			t.Errorf("signal %d: %q, %s", s, s, s.Bound())
		}
	}
}

func TestEachLookIsSampled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithTimeout(t.Context(), 850*time.Millisecond)
		defer cancel()
		looks := 0
		if err := g.Run(ctx, func() { looks++ }); err != nil || looks != 8 {
			t.Errorf("%v, %d looks", err, looks)
		}
	})
}
