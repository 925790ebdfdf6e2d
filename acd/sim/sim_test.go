package sim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/acd/sim/theory"
	"tierline/routing"
	"tierline/routing/rank"
)

// surely makes half a 95 % interval one that a right result practically never
// leaves: 3.5 standard errors.
const surely = 3.5 / 2.0452

func simulate(t *testing.T, c *Centre, calls int, seed uint64) *Result {
	t.Helper()
	r, err := Run(t.Context(), c, Options{Calls: calls, WarmUp: calls / 20, Seed: seed, Within: 20})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// within compares with a number that is exact.
func within(t *testing.T, what string, got, half, want float64) {
	t.Helper()
	if d := math.Abs(got - want); !(d <= half*surely) {
		t.Errorf("%s: %.5f ± %.5f, want %.5f", what, got, half*surely, want)
	}
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

// TestGolden: the table of design/acd.md.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, load := range []float64{.80, .92} {
		for _, p := range rank.Policies() {
			t.Run(fmt.Sprintf("%s/%v", p, load), func(t *testing.T) {
				t.Parallel()
				calls := many
				if p == rank.PolicyDeadline {
					calls *= 3 // what it is compared with has its own error
				}
				c := usual(load, p)
				want, err := Expect(c, 20)
				if err != nil {
					t.Fatal(err)
				}
				r := simulate(t, c, calls, 7)
				within(t, "mean wait", r.Overall.MeanWait, r.Overall.Interval.MeanWait, want.Overall.MeanWait)
				within(t, "P(W>0)", r.Overall.PWait, r.Overall.Interval.PWait, want.Overall.PWait)
				if math.Abs(r.Overall.Occupancy-load) > .01 {
					t.Errorf("occupancy %v at load %v", r.Overall.Occupancy, load)
				}
				if known := p != rank.PolicyDeadline; known != (len(want.Tiers) == 4) || known != (want.Note == "") {
					t.Errorf("expected of %s: %+v", p, want)
				}
				for i, tier := range r.Tiers {
					if p == rank.PolicyDeadline {
						near(t, tier, load, i)
					} else {
						within(t, tier.Tier.String(), tier.MeanWait, tier.Interval.MeanWait, want.Tiers[i].MeanWait)
					}
				}
				overtakes(t, p, r.Overall.MaxOvertake)
			})
		}
	}
}

// near compares the waits of deadline with those of another simulator, which
// weren't exact either: it knew the mean of all to 2 %.
func near(t *testing.T, tier TierResult, load float64, i int) {
	t.Helper()
	want := map[float64][]float64{.80: {3.4, 6.5, 9.9, 14.5}, .92: {33.9, 53.3, 67.0, 82.5}}[load][i]
	if math.Abs(tier.MeanWait-want) > tier.Interval.MeanWait*surely+.03*want {
		t.Errorf("%s waits %.2f ± %.2f s, want %.1f", tier.Tier, tier.MeanWait, tier.Interval.MeanWait*surely, want)
	}
}

func overtakes(t *testing.T, p rank.Policy, longest float64) {
	t.Helper()
	switch p {
	case rank.PolicyFIFO:
		if longest != 0 {
			t.Errorf("first come, first served, but somebody overtook one who came %v s earlier", longest)
		}
	case rank.PolicyDeadline:
		if longest > 120 || longest < 119 {
			t.Errorf("longest overtake %v s, want 120", longest)
		}
	case rank.PolicyStrict, rank.PolicyRatio:
		if longest < 130 {
			t.Errorf("longest overtake %v s: %s knows no bound", longest, p)
		}
	}
}

func TestErlangA(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		agents   int
		rate     float64
		patience time.Duration
	}{{20, .102222, 120 * time.Second}, {20, .122222, 120 * time.Second}, {100, .555556, 180 * time.Second}} {
		for _, p := range rank.Policies() {
			t.Run(fmt.Sprintf("%s/%d/%v", p, tt.agents, tt.rate), func(t *testing.T) {
				t.Parallel()
				c := usual(1, p)
				c.Groups[0].Count, c.Classes[0].Rate, c.Patience = tt.agents, tt.rate, tt.patience
				e, err := Expect(c, 20)
				if err != nil {
					t.Fatal(err)
				}
				r := simulate(t, c, many*2/3, 11)
				o, want := r.Overall, e.Overall
				within(t, "P(W>0)", o.PWait, o.Interval.PWait, want.PWait)
				within(t, "P(ab)", o.PAbandon, o.Interval.PAbandon, want.PAbandon)
				within(t, "E[W]", o.MeanWait, o.Interval.MeanWait, want.MeanWait)
				if math.Abs(o.Occupancy-want.Occupancy) > .01 {
					t.Errorf("occupancy %v, want %v", o.Occupancy, want.Occupancy)
				}
				if p == rank.PolicyFIFO {
					within(t, "level", o.SL, o.Interval.SL, *want.SL)
				}
				for i, tier := range r.Tiers {
					if tier.Offered != tier.Answered+tier.Abandoned {
						t.Errorf("%s: %+v does not add up", tier.Tier, tier)
					}
					if p == rank.PolicyFIFO || p == rank.PolicyStrict {
						within(t, tier.Tier.String(), tier.PAbandon, tier.Interval.PAbandon, e.Tiers[i].PAbandon)
					}
				}
			})
		}
	}
}

// skilled is a centre of one agent for each list of the classes he can take.
func skilled(rates []float64, able ...[]int) *Centre {
	c := &Centre{AHT: time.Second, Policy: rank.PolicyFIFO}
	name := func(class int) string { return string(rune('a' + class)) }
	for i, r := range rates {
		c.Classes = append(c.Classes, Class{Name: name(i), Rate: r, Requirement: name(i) + ">=1", Mix: Mix{1}})
	}
	for _, classes := range able {
		g := Group{Count: 1}
		for _, class := range classes {
			g.Skills = append(g.Skills, routing.SkillLevel{Skill: routing.Skill(name(class)), Level: 5})
		}
		c.Groups = append(c.Groups, g)
	}
	return c
}

// TestProductForm: first come first served and longest idle, with skills, as
// Adan and Weiss have it. Another rule for choosing agents would be 2 to 3
// points away.
func TestProductForm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*Centre{
		"N":    skilled([]float64{.9, .5}, []int{0}, []int{0, 1}),
		"W":    skilled([]float64{1.2, 1}, []int{0}, []int{0, 1}, []int{1}),
		"ring": skilled([]float64{.2, .5, .9, 1.4}, []int{0, 1}, []int{1, 2}, []int{2, 3}, []int{0, 3}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := Expect(c, 20)
			if err != nil {
				t.Fatal(err)
			}
			r := simulate(t, c, many, 5)
			for i, g := range r.Groups {
				if math.Abs(g.Occupancy-want.Groups[i].Occupancy) > 2.5/math.Sqrt(many) {
					t.Errorf("agent %d is busy %.4f, want %.4f", i, g.Occupancy, want.Groups[i].Occupancy)
				}
			}
			for i, class := range r.Classes {
				within(t, class.Class, class.MeanWait, class.Interval.MeanWait, want.Classes[i].MeanWait)
				within(t, class.Class, class.PWait, class.Interval.PWait, want.Classes[i].PWait)
			}
		})
	}
}

// TestNoFormula: where theory says nothing, nothing is said.
func TestNoFormula(t *testing.T) {
	t.Parallel()
	c := skilled([]float64{.9, .5}, []int{0}, []int{0, 1})
	c.Policy = rank.PolicyStrict
	e, err := Expect(c, 20)
	if err != nil || e.Note == "" || e.Overall != nil || e.Groups != nil {
		t.Errorf("strict with skills: %+v, %v", e, err)
	}
	ratio := usual(1.1, rank.PolicyRatio)
	ratio.Patience = time.Minute
	if e, err = Expect(ratio, 20); err != nil || e.Note == "" || e.Overall == nil || e.Tiers != nil {
		t.Errorf("ratio with patience: %+v, %v", e, err)
	}
	if _, err := Expect(usual(1, rank.PolicyFIFO), 20); !errors.Is(err, theory.ErrOverload) {
		t.Errorf("overload: %v", err)
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
