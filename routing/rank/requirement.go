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
