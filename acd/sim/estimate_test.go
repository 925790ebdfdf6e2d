package sim

import (
	"fmt"
	"math"
	"testing"
	"time"

	"tierline/routing/rank"
)

// guess is a series of estimates and what became of them, in seconds.
type guess struct{ n, sum, square float64 }

func (g *guess) add(off float64) {
	g.n++
	g.sum += off
	g.square += off * off
}

func (g *guess) bias() float64 { return g.sum / g.n }
func (g *guess) rmse() float64 { return math.Sqrt(g.square / g.n) }

// guesses compares estimates for callers who waited and were served with their
// waits: the core's, and the moving average of all waits that app_queue
// announces (a quarter of the last one).
func guesses(t *testing.T, c *Centre, calls int) (core, average guess, known float64) {
	t.Helper()
	w, err := newWorld(c, Options{Calls: calls, WarmUp: calls / 20, Seed: 5, Within: 20})
	if err != nil {
		t.Fatal(err)
	}
	type told struct{ core, average float64 }
	estimates, hold, all := map[string]told{}, 0.0, 0.0
	w.waits = func(c caller) {
		p, ok := w.core.Place(c.id)
		if !ok {
			t.Fatalf("%s waits nowhere", c.id)
		}
		delete(estimates, c.id)
		if all++; p.Known {
			estimates[c.id] = told{seconds(p.EstimateMS), hold}
		}
	}
	w.served = func(c caller) {
		wait := seconds(w.now - c.arrived)
		hold += (wait - hold) / 4
		if e, ok := estimates[c.id]; ok && c.batch != none {
			core.add(e.core - wait)
			average.add(e.average - wait)
			known++
		}
		delete(estimates, c.id)
	}
	if err := w.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return core, average, known / all
}

// TestEstimates: what callers are told is closer to what they get than what the
// peers tell them, under every policy, although rates and times are measured as
// the calls come. The bounds are about 20 % above what a million calls give,
// see docs/explain/ranking.md.
func TestEstimates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		policy    rank.Policy
		load      float64
		patience  time.Duration
		bias, off float64 // at most, s
	}{
		{rank.PolicyDeadline, .92, 0, 8, 44},
		{rank.PolicyDeadline, 1.1, 120 * time.Second, 7, 24},
		{rank.PolicyStrict, .92, 120 * time.Second, 9, 26},
		{rank.PolicyRatio, .92, 120 * time.Second, 5, 20},
		{rank.PolicyFIFO, .92, 120 * time.Second, 5, 17},
	} {
		t.Run(fmt.Sprintf("%s/%v", tt.policy, tt.load), func(t *testing.T) {
			t.Parallel()
			c := usual(tt.load, tt.policy)
			c.Patience = tt.patience
			core, average, known := guesses(t, c, many/2)
			t.Logf("bias %.1f s, off by %.1f s; a moving average %.1f, %.1f s", core.bias(), core.rmse(), average.bias(), average.rmse())
			if math.Abs(core.bias()) > tt.bias || core.rmse() > tt.off || core.rmse() > .9*average.rmse() {
				t.Errorf("bias %.1f s, off by %.1f s; a moving average %.1f s", core.bias(), core.rmse(), average.rmse())
			}
			if known < .6 {
				t.Errorf("only %.2f of those who wait are told and served", known)
			}
		})
	}
}
