package rank

import (
	"strconv"
	"strings"

	"tierline/routing"
)

// Requirement is what a call asks of an agent. It is immutable. The zero value
// and nil ask for nothing.
type Requirement struct {
	root *term // nil: nothing is asked
	text string

	inner *Requirement // what was asked before, see Relaxed
	ring  int          // how often it was relaxed
	key   string       // text of the whole chain, if it was
}

type operator uint8

const (
	opLevel operator = iota // a skill at a level or above
	opAnd
	opOr
)

type term struct {
	op    operator
	skill routing.Skill
	level routing.Level
	args  []*term // of and, or: two or more
}

// String returns the canonical spelling: equal texts are equal requirements,
// and Parse accepts it.
func (r *Requirement) String() string {
	if r == nil {
		return ""
	}
	return r.text
}

// Key returns a text that is equal for requirements that mean the same and
// were relaxed in the same way.
func (r *Requirement) Key() string {
	if r == nil || r.inner == nil {
		return r.String()
	}
	return r.key
}

// Relaxed returns what is asked after a step from r to a weaker requirement.
// Whoever meets r still comes before those who don't: rings of a bull's eye.
func (r *Requirement) Relaxed(to *Requirement) *Requirement {
	n := &Requirement{inner: r, ring: 1, root: to.term(), text: to.String()}
	if r != nil {
		n.ring = r.ring + 1
	}
	n.key = r.Key() + "; " + n.text
	return n
}

// Rank is Able with the ring the agent stands in: how often the requirement
// had to be relaxed for him. The score is that of his ring.
func (r *Requirement) Rank(skills []routing.SkillLevel) (ring, score int, ok bool) {
	if score, ok = r.Able(skills); !ok || r == nil {
		return 0, score, ok
	}
	for r.inner != nil {
		n, able := r.inner.Able(skills)
		if !able {
			break
		}
		r, score = r.inner, n
	}
	return r.ring, score, true
}

// And returns the requirement that asks for both.
func (r *Requirement) And(o *Requirement) *Requirement {
	switch {
	case r == nil || r.root == nil:
		return newRequirement(o.term())
	case o == nil || o.root == nil:
		return newRequirement(r.root)
	}
	return newRequirement(join(opAnd, r.root, o.root))
}

// Able reports whether an agent with these skills (sorted by name) may take
// the call, and the sum of his levels in the skills that make him able. Among
// alternatives the one with the greater sum counts.
func (r *Requirement) Able(skills []routing.SkillLevel) (score int, ok bool) {
	if r == nil || r.root == nil {
		return 0, true
	}
	return r.root.able(skills)
}

func (r *Requirement) term() *term {
	if r == nil {
		return nil
	}
	return r.root
}

func newRequirement(root *term) *Requirement {
	r := &Requirement{root: root}
	if root != nil {
		var b strings.Builder
		root.write(&b)
		r.text = b.String()
	}
	return r
}

// join flattens nested terms of the same operator: a and (b and c) is a and b
// and c.
func join(op operator, ts ...*term) *term {
	if len(ts) == 1 {
		return ts[0]
	}
	t := &term{op: op}
	for _, arg := range ts {
		if arg.op == op {
			t.args = append(t.args, arg.args...)
		} else {
			t.args = append(t.args, arg)
		}
	}
	return t
}

func (t *term) able(skills []routing.SkillLevel) (score int, ok bool) {
	switch t.op {
	case opLevel:
		l := routing.LevelOf(skills, t.skill)
		return int(l), l >= t.level
	case opAnd:
		for _, arg := range t.args {
			n, able := arg.able(skills)
			if !able {
				return 0, false
			}
			score += n
		}
		return score, true
	case opOr:
		for _, arg := range t.args {
			if n, able := arg.able(skills); able {
				score, ok = max(score, n), true
			}
		}
	}
	return score, ok
}

func (t *term) write(b *strings.Builder) {
	if t.op == opLevel {
		b.WriteString(string(t.skill))
		b.WriteString(">=")
		b.WriteString(strconv.Itoa(int(t.level)))
		return
	}
	word := " and "
	if t.op == opOr {
		word = " or "
	}
	for i, arg := range t.args {
		if i > 0 {
			b.WriteString(word)
		}
		// "and" binds tighter, so only an "or" below an "and" needs brackets.
		if t.op == opAnd && arg.op == opOr {
			b.WriteByte('(')
			arg.write(b)
			b.WriteByte(')')
		} else {
			arg.write(b)
		}
	}
}
