package rank

import (
	"cmp"
	"errors"
	"slices"

	"tierline/routing"
)

// maxWays bounds the ways to meet a requirement that [Requirement.Implies]
// goes through.
const maxWays = 4096

// ErrTooComplex says that a requirement can be met in too many ways to compare
// it with another.
var ErrTooComplex = errors.New("more than 4096 ways to meet it")

// Implies reports whether everybody who meets r meets o as well, as a step that
// relaxes r to o must have it.
//
// It is exact. A requirement asks for levels "or above" without negation, so
// whoever meets it has at least the levels of one of the conjunctions of its
// disjunctive form, and has lost nothing for o by having more. So it is enough
// to try o on those who have exactly these levels.
func (r *Requirement) Implies(o *Requirement) (bool, error) {
	if o.term() == nil {
		return true, nil
	}
	ways := [][]routing.SkillLevel{nil}
	if t := r.term(); t != nil {
		var ok bool
		if ways, ok = t.ways(); !ok {
			return false, ErrTooComplex
		}
	}
	for _, w := range ways {
		if _, able := o.Able(w); !able {
			return false, nil
		}
	}
	return true, nil
}

// ways returns the least skills that meet a term; false if there are too many.
func (t *term) ways() ([][]routing.SkillLevel, bool) {
	if t.op == opLevel {
		return [][]routing.SkillLevel{{{Skill: t.skill, Level: t.level}}}, true
	}
	var out [][]routing.SkillLevel
	for i, arg := range t.args {
		more, ok := arg.ways()
		if !ok {
			return nil, false
		}
		switch {
		case t.op == opOr:
			out = append(out, more...)
		case i == 0:
			out = more
		case len(out)*len(more) > maxWays:
			return nil, false
		default:
			out = both(out, more)
		}
	}
	return out, len(out) <= maxWays
}

// both pairs the ways to meet one term with those to meet another.
func both(xs, ys [][]routing.SkillLevel) [][]routing.SkillLevel {
	out := make([][]routing.SkillLevel, 0, len(xs)*len(ys))
	for _, x := range xs {
		for _, y := range ys {
			out = append(out, union(x, y))
		}
	}
	return out
}

// union has each skill of x and y at the greater level, sorted by name.
func union(x, y []routing.SkillLevel) []routing.SkillLevel {
	all := slices.Concat(x, y)
	slices.SortFunc(all, func(a, b routing.SkillLevel) int {
		return cmp.Or(cmp.Compare(a.Skill, b.Skill), cmp.Compare(b.Level, a.Level))
	})
	return slices.CompactFunc(all, func(a, b routing.SkillLevel) bool { return a.Skill == b.Skill })
}
