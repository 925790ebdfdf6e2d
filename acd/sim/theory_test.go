package sim

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"tierline/acd/sim/theory"
	"tierline/routing"
	"tierline/routing/rank"
)

// surely makes half a 95 % interval one that a right result practically never
// leaves: 5 standard errors. Some 150 figures are compared, and every change in
// what is drawn rolls the dice for all of them anew: with 29 degrees of freedom
// one of them would leave 3.5 in every fifth such change, and leaves 5 in one
// of 250. What is lost in sharpness the million calls of -tags soak make up for.
const surely = 5 / 2.0452

// within compares with a number that is exact.
func within(t *testing.T, what string, got, half, want float64) {
	t.Helper()
	if d := math.Abs(got - want); !(d <= half*surely) {
		t.Errorf("%s: %.5f ± %.5f, want %.5f", what, got, half*surely, want)
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
