package sim

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/routing"
	"tierline/routing/rank"
)

func simulate(t *testing.T, c *Centre, calls int, seed uint64) *Result {
	t.Helper()
	r, err := Run(t.Context(), c, Options{Calls: calls, WarmUp: calls / 20, Seed: seed, Within: 20})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestWorkConserving: without patience and skills a policy only passes waits
// from one tier to another. Not about as long: the same microseconds.
func TestWorkConserving(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		for _, load := range []float64{.8, .92} {
			var first *Result
			for _, p := range rank.Policies() {
				r := simulate(t, usual(load, p), 20_000, seed)
				sum := 0.0
				for _, tier := range r.Tiers {
					sum += tier.MeanWait * float64(tier.Offered)
				}
				if math.Abs(sum/20_000-r.Overall.MeanWait) > 1e-6 {
					t.Errorf("%s: the tiers wait %v in the mean, all %v", p, sum/20_000, r.Overall.MeanWait)
				}
				if first == nil {
					first = r
					continue
				}
				got, want := r.Overall, first.Overall
				got.MaxOvertake, got.SL, got.Interval = want.MaxOvertake, want.SL, want.Interval
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("load %v, seed %d: %s differs from %s:\n%s", load, seed, p, rank.Policies()[0], diff)
				}
				if r.Tiers[0].MeanWait == first.Tiers[0].MeanWait {
					t.Errorf("%s is no policy of its own", p)
				}
			}
		}
	}
}

// TestDegenerate: equal head starts are first come, first served, huge ones are
// strict, equal objectives are first come, first served again: the same result
// in every field.
func TestDegenerate(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	equal, huge, even := usual(.92, rank.PolicyDeadline), usual(.92, rank.PolicyDeadline), usual(.92, rank.PolicyRatio)
	equal.HeadStart = [routing.TierCount]time.Duration{}
	huge.HeadStart = [routing.TierCount]time.Duration{0, day, 2 * day, 3 * day}
	even.Objective = [routing.TierCount]time.Duration{day, day, day, day}
	fifo, strict := usual(.92, rank.PolicyFIFO), usual(.92, rank.PolicyStrict)
	for _, pair := range [][2]*Centre{{equal, fifo}, {huge, strict}, {even, fifo}} {
		if diff := cmp.Diff(simulate(t, pair[1], 10_000, 1), simulate(t, pair[0], 10_000, 1)); diff != "" {
			t.Errorf("%s is not %s:\n%s", pair[0].Policy, pair[1].Policy, diff)
		}
	}
}

// TestCountsAreTheCores: what is counted here is what the core's facts say.
func TestCountsAreTheCores(t *testing.T) {
	t.Parallel()
	c := usual(1.1, rank.PolicyDeadline)
	c.Patience = 60 * time.Second
	w, err := newWorld(c, Options{Calls: 5000, Seed: 3, Within: 20})
	if err != nil {
		t.Fatal(err)
	}
	var waits, answered, abandoned int64
	w.listen = func(r acd.Result) {
		for _, f := range r.Facts {
			switch {
			case f.Kind == acd.FactCallConnected:
				answered++
				waits += f.WaitMS
			case f.Kind == acd.FactCallEnded && f.Abandoned:
				abandoned++
				waits += f.WaitMS
			}
		}
	}
	if err := w.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := w.tally.all
	if int64(all.answered) != answered || int64(all.abandoned) != abandoned || all.total != waits || abandoned == 0 {
		t.Errorf("counted %d answered, %d abandoned, %d µs; the core says %d, %d, %d",
			all.answered, all.abandoned, all.total, answered, abandoned, waits)
	}
	if err := w.core.Check(); err != nil {
		t.Error(err)
	}
	if calls := w.core.Calls(); len(calls) != 0 {
		t.Errorf("%d calls are left", len(calls))
	}
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	a, b := simulate(t, usual(.9, rank.PolicyDeadline), 3000, 1), simulate(t, usual(.9, rank.PolicyDeadline), 3000, 1)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("one seed, two results:\n%s", diff)
	}
	if c := simulate(t, usual(.9, rank.PolicyDeadline), 3000, 2); cmp.Equal(a, c) {
		t.Error("two seeds, one result")
	}
}

// TestOverload: without patience the wait grows with the run, but it ends.
func TestOverload(t *testing.T) {
	t.Parallel()
	r := simulate(t, usual(1.2, rank.PolicyDeadline), 5000, 1)
	if r.Overall.MeanWait < 1000 || r.Overall.Occupancy < .99 {
		t.Errorf("%+v", r.Overall)
	}
}

// TestUnusedTier: the last tier that has a share takes what rounding leaves.
func TestUnusedTier(t *testing.T) {
	t.Parallel()
	c := usual(.9, rank.PolicyDeadline)
	c.Classes[0].Mix = Mix{0, .7, .2, .1}
	for _, tier := range simulate(t, c, 20_000, 1).Tiers {
		if tier.Tier == routing.Standard {
			t.Error("nobody is standard, but some were")
		}
		if share := float64(tier.Offered) / 20_000; math.Abs(share-c.Classes[0].Mix[tier.Tier]) > .01 {
			t.Errorf("%s has a share of %v", tier.Tier, share)
		}
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	shown := 0
	_, err := Run(ctx, usual(.9, rank.PolicyFIFO), Options{Calls: MaxCalls, Progress: func(_, of int) {
		if shown++; shown == 3 {
			cancel()
		}
		if of != MaxCalls {
			t.Errorf("progress of %d calls", of)
		}
	}})
	if !errors.Is(err, context.Canceled) || shown != 3 {
		t.Errorf("shown %d times: %v", shown, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Centre, *Options){
		"no agents":        func(c *Centre, _ *Options) { c.Groups = nil },
		"negative group":   func(c *Centre, _ *Options) { c.Groups[0].Count = -1 },
		"too many agents":  func(c *Centre, _ *Options) { c.Groups = append(c.Groups, Group{Count: MaxAgents}) },
		"no classes":       func(c *Centre, _ *Options) { c.Classes = nil },
		"no conversations": func(c *Centre, _ *Options) { c.AHT = 0 },
		"patience":         func(c *Centre, _ *Options) { c.Patience = -1 },
		"rate":             func(c *Centre, _ *Options) { c.Classes[0].Rate = math.NaN() },
		"share":            func(c *Centre, _ *Options) { c.Classes[0].Mix = Mix{2, -1} },
		"sum of shares":    func(c *Centre, _ *Options) { c.Classes[0].Mix = Mix{.5} },
		"grammar":          func(c *Centre, _ *Options) { c.Classes[0].Requirement = "a>=" },
		"nobody is able":   func(c *Centre, _ *Options) { c.Classes[0].Requirement = "a>=1" },
		"head start":       func(c *Centre, _ *Options) { c.HeadStart[1] = -1 },
		"objective": func(c *Centre, _ *Options) {
			c.Policy, c.Objective[2] = rank.PolicyRatio, 0
		},
		"no calls":  func(_ *Centre, o *Options) { o.Calls = 0 },
		"warm-up":   func(_ *Centre, o *Options) { o.WarmUp = -1 },
		"threshold": func(_ *Centre, o *Options) { o.Within = math.NaN() },
	} {
		c, o := usual(.9, rank.PolicyDeadline), Options{Calls: 10}
		change(c, &o)
		if _, err := Run(t.Context(), c, o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestSpread: every wait is in the cell whose middle is within 0.2 % of it.
func TestSpread(t *testing.T) {
	t.Parallel()
	last := -1
	for v := int64(0); v < 1<<40; v += 1 + v/97 {
		i := cell(v)
		if i < last {
			t.Fatalf("cell %d of %d is below that of smaller waits", i, v)
		}
		last = i
		if d := middle(i) - v; d*500 > v || -d*500 > v {
			t.Fatalf("%d is taken for %d", v, middle(i))
		}
	}
	var s spread
	for v := range int64(100) {
		s.add(v)
	}
	for share, want := range map[float64]int64{.5: 49, .95: 94, 1: 99} {
		if got := s.quantile(share); got != want {
			t.Errorf("quantile %v: %d, want %d", share, got, want)
		}
	}
}

// With few calls a quantile and the longest wait are in one cell of the spread.
func TestNoQuantileExceedsTheLongestWait(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := simulate(t, usual(.99, rank.PolicyDeadline), 100, seed)
		for _, p := range r.Tiers {
			if p.P50 > p.P95 || p.P95 > p.Max {
				t.Errorf("seed %d, %v: p50 %v, p95 %v, longest %v", seed, p.Tier, p.P50, p.P95, p.Max)
			}
		}
	}
}
