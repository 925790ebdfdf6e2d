package rank_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tierline/routing"
	"tierline/routing/rank"
)

func parse(t interface{ Fatal(args ...any) }, text string) *rank.Requirement {
	r, err := rank.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestImplies(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		want     bool
	}{
		{"", "", true},
		{"a>=1", "", true},
		{"", "a>=1", false},
		{"a>=3", "a>=2", true},
		{"a>=2", "a>=3", false},
		{"a>=3", "b>=1", false},
		{"a>=3 and b>=1", "a>=3", true},
		{"a>=3", "a>=3 or b>=1", true},
		{"a>=3 or b>=1", "a>=3", false},
		{"(a>=5 or b>=5) and c>=2", "a>=3 and c>=1 or b>=4 and c>=2", true},
		{"(a>=5 or b>=5) and c>=2", "a>=3 and c>=1 or b>=4 and c>=3", false},
		{"a>=2 and a>=7", "a>=7", true},
		{"a>=1 and b>=1 or a>=1 and c>=1", "a>=1 and (b>=1 or c>=1)", true},
		{"a>=1 and (b>=1 or c>=1)", "a>=1 and b>=1 or a>=1 and c>=1", true},
	} {
		if got, err := parse(t, tt.from).Implies(parse(t, tt.to)); got != tt.want || err != nil {
			t.Errorf("%q implies %q: %v, %v", tt.from, tt.to, got, err)
		}
	}
	wide := parse(t, "("+strings.Repeat("a>=1 or ", 15)+"b>=1)"+strings.Repeat(" and (c>=1 or d>=1)", 12))
	if _, err := wide.Implies(parse(t, "a>=1")); !errors.Is(err, rank.ErrTooComplex) {
		t.Errorf("65536 ways: %v", err)
	}
	if yes, err := wide.Implies(nil); !yes || err != nil {
		t.Errorf("nothing asked: %v, %v", yes, err)
	}
}

// TestImpliesIsExact tries everybody there can be.
func TestImpliesIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := requirements().Draw(t, "from"), requirements().Draw(t, "to")
		want := true
		for n := range 4 * 4 * 4 { // levels that matter: 0, 1, 3, 6
			levels := [4]routing.Level{0, 1, 3, 6}
			who := []routing.SkillLevel{
				{Skill: "a", Level: levels[n%4]}, {Skill: "b", Level: levels[n/4%4]}, {Skill: "c", Level: levels[n/16]},
			}
			_, before := from.Able(who)
			_, after := to.Able(who)
			want = want && (!before || after)
		}
		if got, err := from.Implies(to); got != want || err != nil {
			t.Fatalf("%q implies %q: %v, %v, want %v", from, to, got, err, want)
		}
	})
}

// weaker draws a requirement that everybody meets who meets r.
func weaker(t *rapid.T, r *rank.Requirement) *rank.Requirement {
	to := requirements().Draw(t, "to")
	yes, err := r.Implies(to)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case yes:
		return to
	case r.String() == "":
		return r
	}
	return parse(t, r.String()+" or "+to.String())
}

// TestRings: an agent stands in the ring of the first requirement he meets,
// whatever was asked before and after.
func TestRings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := requirements().Draw(t, "first")
		chain := []*rank.Requirement{r}
		for range rapid.IntRange(0, 3).Draw(t, "steps") {
			to := weaker(t, r)
			chain = append(chain, to)
			r = r.Relaxed(to)
			if r.String() != to.String() {
				t.Fatalf("relaxed to %q, is %q", to, r)
			}
		}
		who := skillSets().Draw(t, "skills")
		ring, score, able := r.Rank(who)
		for i, each := range chain {
			n, ok := each.Able(who)
			if !ok {
				continue
			}
			if !able || ring != i || score != n {
				t.Fatalf("%v: ring %d, score %d, %v; want %d, %d", chain, ring, score, able, i, n)
			}
			return
		}
		if able {
			t.Fatalf("%v: ring %d, but meets none", chain, ring)
		}
	})
}
