package theory_test

import (
	"errors"
	"math"
	"testing"

	"tierline/acd/sim/theory"
)

// near compares with a number that is known to so many decimals.
func near(t *testing.T, what string, got, want float64, decimals int) {
	t.Helper()
	if math.Abs(got-want) > 0.6*math.Pow10(-decimals) || math.IsNaN(got) {
		t.Errorf("%s: %.7f, want %.*f", what, got, decimals, want)
	}
}

func TestErlangB(t *testing.T) {
	near(t, "B(10, 8)", theory.Blocking(10, 8), .121661, 6)
	near(t, "B(1000, 1)", theory.Blocking(1000, 1), 0, 12)
}

func TestErlangC(t *testing.T) {
	for _, tt := range []struct {
		n       int
		load, c float64
	}{{10, 8, .409180}, {20, 18.4, .627869}, {100, 95, .506457}, {20, 16, .256078}} {
		f, err := theory.Queue{Agents: tt.n, Rate: tt.load / 180, AHT: 180}.Figures()
		if err != nil {
			t.Fatal(err)
		}
		near(t, "C", f.PWait, tt.c, 6)
		near(t, "occupancy", f.Occupancy, tt.load/float64(tt.n), 9)
	}
	busy := theory.Queue{Agents: 20, Rate: 18.4 / 180, AHT: 180}
	f, _ := busy.Figures()
	near(t, "mean wait at .92", f.MeanWait, 70.635, 3)
	sl, _ := busy.ServiceLevel(20)
	near(t, "level at .92", sl, .47439, 5)
	calm := theory.Queue{Agents: 20, Rate: 16. / 180, AHT: 180}
	f, _ = calm.Figures()
	near(t, "mean wait at .80", f.MeanWait, 11.5235, 4)
	for within, want := range map[float64]float64{20: .83581, 15: .81651} {
		sl, _ = calm.ServiceLevel(within)
		near(t, "level at .80", sl, want, 5)
	}
}

func TestErlangA(t *testing.T) {
	for _, tt := range []struct {
		q                         theory.Queue
		wait, abandon, line, mean float64
		level20, level15          float64
	}{
		{theory.Queue{20, .102222, 180, 120}, .351912, .064483, .79100, 7.7380, .80470, .77295},
		{theory.Queue{20, .122222, 180, 120}, .635083, .145413, 2.13273, 17.4496, .57156, .52311},
		{theory.Queue{100, .555556, 180, 180}, .513299, .039861, 3.98610, 7.1750, .83693, .77333},
		{theory.Queue{10, .1, 100, 50}, .465575, .146009, .73005, 7.3005, .75130, .71212},
	} {
		f, err := tt.q.Figures()
		if err != nil {
			t.Fatal(err)
		}
		near(t, "P(W>0)", f.PWait, tt.wait, 5) // rates are given to six decimals only
		near(t, "P(ab)", f.PAbandon, tt.abandon, 5)
		near(t, "E[Q]", f.Waiting, tt.line, 4)
		near(t, "E[W]", f.MeanWait, tt.mean, 3)
		for within, want := range map[float64]float64{20: tt.level20, 15: tt.level15} {
			level, _ := tt.q.ServiceLevel(within)
			near(t, "level", level, want, 4)
		}
		all, err := tt.q.ServiceLevel(1e6)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "served in the end", all, 1-f.PAbandon, 6)
	}
}

// TestErlangAExtremes: large centres and hopeless overload stay finite.
func TestErlangAExtremes(t *testing.T) {
	for _, q := range []theory.Queue{
		{1000, 3000. / 180, 180, 1800}, {5000, 10, 180, 60}, {1, 1e-6, 1, 1}, {3000, 3000. / 180, 180, 36000},
	} {
		f, err := q.Figures()
		if err != nil {
			t.Fatal(err)
		}
		level, err := q.ServiceLevel(20)
		for _, v := range []float64{f.PWait, f.PAbandon, f.Occupancy, level} {
			if err != nil || !(v >= 0 && v <= 1+1e-9) {
				t.Errorf("%+v: %+v, level %v, %v", q, f, level, err)
			}
		}
	}
	// Who overloads agents three times loses two of three callers.
	f, _ := theory.Queue{1000, 3000. / 180, 180, 1800}.Figures()
	near(t, "P(ab)", f.PAbandon, 2./3, 4)
}

// TestEndlessIsTheLimit: Erlang A tends to Erlang C as patience grows.
func TestEndlessIsTheLimit(t *testing.T) {
	c, _ := theory.Queue{20, 16. / 180, 180, 0}.Figures()
	a, _ := theory.Queue{20, 16. / 180, 180, 1e8}.Figures()
	near(t, "P(W>0)", a.PWait, c.PWait, 5)
	near(t, "E[W]", a.MeanWait, c.MeanWait, 3)
}

func mix() []float64 { return []float64{.05, .15, .30, .50} }

func TestTiers(t *testing.T) {
	waits := func(name string, got []theory.Tier, err error, decimals int, want ...float64) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			near(t, name, got[i].MeanWait, want[i], decimals)
		}
	}
	busy, calm := theory.Queue{20, 18.4 / 180, 180, 0}, theory.Queue{20, 16. / 180, 180, 0}
	got, err := busy.Strict(mix())
	waits("strict .92", got, err, 2, 5.92, 7.26, 12.82, 130.81)
	got, err = calm.Strict(mix())
	waits("strict .80", got, err, 4, 2.4007, 2.8580, 4.5728, 19.2058)
	got, err = busy.Ratio(mix(), []float64{8, 4, 2, 1})
	waits("ratio .92", got, err, 2, 17.89, 30.01, 53.56, 98.34)
	got, err = calm.Ratio(mix(), []float64{8, 4, 2, 1})
	waits("ratio .80", got, err, 4, 4.1491, 5.9465, 9.3087, 15.2629)
	got, err = calm.Ratio(mix(), []float64{1, 1, 1, 1})
	waits("ratio of equals", got, err, 4, 11.5235, 11.5235, 11.5235, 11.5235)
}

func TestStrictWithPatience(t *testing.T) {
	for rate, want := range map[float64][]float64{
		18.4 / 180: {.02550, .02982, .04362, .09130},
		22. / 180:  {.04636, .05600, .08917, .21589},
	} {
		q := theory.Queue{20, rate, 180, 120}
		got, err := q.Strict(mix())
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, w := range want {
			near(t, "P(ab)", got[i].PAbandon, w, 5)
			sum += mix()[i] * got[i].PAbandon
		}
		all, _ := q.Figures()
		near(t, "sum over tiers", sum, all.PAbandon, 9)
	}
}

func TestSkills(t *testing.T) {
	const a, b = true, false
	for name, tt := range map[string]struct {
		s       theory.Skills
		busy    []float64
		waiting float64
	}{
		"N": {theory.Skills{[]float64{.9, .5}, 1, [][]bool{{true, false}, {true, true}}}, []float64{.6184, .7816}, 1.8638},
		"W": {
			theory.Skills{[]float64{1.2, 1}, 1, [][]bool{{a, b}, {a, a}, {b, a}}},
			[]float64{.7224, .8178, .6598},
			2.1699,
		},
		"ring": {
			theory.Skills{[]float64{.2, .5, .9, 1.4}, 1, [][]bool{{a, a, b, b}, {b, a, a, b}, {b, b, a, a}, {a, b, b, a}}},
			[]float64{.5105, .7585, .8897, .8413},
			4.0607,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := tt.s.Figures()
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range tt.busy {
				near(t, "busy", f.Busy[i], want, 4)
			}
			sum := 0.0
			for _, w := range f.Waiting {
				sum += w
			}
			near(t, "E[Q]", sum, tt.waiting, 4)
		})
	}
}

// TestSkillsOfEquals: agents who can do everything are Erlang C.
func TestSkillsOfEquals(t *testing.T) {
	s := theory.Skills{Rates: []float64{3, 5}, AHT: 1}
	for range 10 {
		s.Able = append(s.Able, []bool{true, true})
	}
	f, err := s.Figures()
	if err != nil {
		t.Fatal(err)
	}
	near(t, "P(W>0)", f.PWait[0], .409180, 6)
	near(t, "P(W>0)", f.PWait[1], .409180, 6)
	near(t, "waiting by share", f.Waiting[0]/f.Waiting[1], 3./5, 9)
}

func TestRefusals(t *testing.T) {
	fine := theory.Queue{20, .1, 180, 0}
	for name, err := range map[string]error{
		"overload":        second(theory.Queue{20, .2, 180, 0}.Figures()),
		"exactly full":    second(theory.Queue{18, .1, 180, 0}.Figures()),
		"skills overload": second(theory.Skills{[]float64{2}, 1, [][]bool{{true}}}.Figures()),
	} {
		if !errors.Is(err, theory.ErrOverload) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"nobody":            second(theory.Queue{0, .1, 180, 0}.Figures()),
		"no rate":           second(theory.Queue{20, 0, 180, 0}.ServiceLevel(20)),
		"not a number":      second(theory.Queue{20, math.NaN(), 180, 120}.Figures()),
		"shares":            second(fine.Strict([]float64{.5})),
		"negative share":    second(fine.Strict([]float64{1.5, -.5})),
		"growing weights":   second(fine.Ratio([]float64{.5, .5}, []float64{1, 2})),
		"missing weight":    second(fine.Ratio([]float64{.5, .5}, []float64{1})),
		"ratio, patience":   second(theory.Queue{20, .1, 180, 9}.Ratio([]float64{1}, []float64{1})),
		"no agents":         second(theory.Skills{Rates: []float64{1}, AHT: 1}.Figures()),
		"useless agent":     second(theory.Skills{[]float64{.1}, 1, [][]bool{{true}, {false}}}.Figures()),
		"too many agents":   second(theory.Skills{[]float64{.1}, 1, make([][]bool, 21)}.Figures()),
		"classes missing":   second(theory.Skills{[]float64{.1}, 1, [][]bool{{}}}.Figures()),
		"class never rings": second(theory.Skills{[]float64{0}, 1, [][]bool{{true}}}.Figures()),
		"no conversation":   second(theory.Skills{[]float64{.1}, 0, [][]bool{{true}}}.Figures()),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }
