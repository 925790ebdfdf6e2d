package ivr

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// matcher tells whether a text is of a certain form.
type matcher interface{ MatchString(s string) bool }

// newMatcher compiles a regular expression. Those of Go have no
// back-references, but "the same digit all along" is ^(.)\1*$ to everybody.
func newMatcher(text string) (matcher, error) {
	re, err := regexp.Compile(text)
	if err == nil {
		return re, nil
	}
	if !hasBackReference(text) {
		return nil, fmt.Errorf("compile a pattern: %w", err)
	}
	return newBackMatcher(text)
}

// hasBackReference finds \1 to \9.
func hasBackReference(text string) bool {
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		if c := text[i+1]; c >= '1' && c <= '9' {
			return true
		}
		i++
	}
	return false
}

// backMatcher matches by trying. It knows characters, ., [classes], \d \w \s,
// (groups), |, * + ? {m,n}, ^ $ and back-references.
type backMatcher struct{ root alternatives }

// alternatives are sequences of which one must match.
type alternatives [][]atom

// atom is one thing to match, so and so many times.
type atom struct {
	class    *regexp.Regexp // one character
	group    alternatives
	number   int // of the group, from 1
	back     int // to the group with this number
	anchor   byte
	min, max int
}

var errPattern = errors.New("not understood beside a back-reference")

// Bounds of one match: what callers enter is short.
const (
	maxMatchSteps = 20_000
	maxRepeat     = 100
)

func newBackMatcher(text string) (*backMatcher, error) {
	if len(text) > maxExpression || !utf8.ValidString(text) {
		return nil, errPattern
	}
	p := patternParser{rest: text}
	root, err := p.alternatives(0)
	if err != nil || p.rest != "" {
		return nil, fmt.Errorf("%w: %q", errPattern, text)
	}
	return &backMatcher{root}, nil
}

type patternParser struct {
	rest   string
	groups int
}

const maxGroups = 20 // and as deep

func (p *patternParser) alternatives(depth int) (alternatives, error) {
	if depth > maxGroups {
		return nil, errPattern
	}
	out := alternatives{nil}
	for p.rest != "" && p.rest[0] != ')' {
		if p.rest[0] == '|' {
			p.rest = p.rest[1:]
			out = append(out, nil)
			continue
		}
		a, err := p.atom(depth)
		if err != nil {
			return nil, err
		}
		out[len(out)-1] = append(out[len(out)-1], a)
	}
	return out, nil
}

func (p *patternParser) atom(depth int) (atom, error) {
	a := atom{min: 1, max: 1}
	var err error
	switch c := p.rest[0]; {
	case c == '^' || c == '$':
		a.anchor, p.rest = c, p.rest[1:]
		return a, nil
	case c == '(':
		if err = p.group(&a, depth); err != nil {
			return a, err
		}
	case c == '\\' && len(p.rest) > 1 && p.rest[1] >= '1' && p.rest[1] <= '9':
		a.back, p.rest = int(p.rest[1]-'0'), p.rest[2:]
		if a.back > p.groups {
			return a, errPattern
		}
	case strings.IndexByte("*+?{}", c) >= 0:
		return a, errPattern
	default:
		if a.class, err = p.class(); err != nil {
			return a, err
		}
	}
	return a, p.times(&a)
}

func (p *patternParser) group(a *atom, depth int) (err error) {
	p.rest = p.rest[1:]
	if rest, ok := strings.CutPrefix(p.rest, "?:"); ok {
		p.rest = rest
	} else {
		p.groups++
		a.number = p.groups
		if p.groups > maxGroups {
			return errPattern
		}
	}
	if a.group, err = p.alternatives(depth + 1); err != nil {
		return err
	}
	rest, ok := strings.CutPrefix(p.rest, ")")
	if !ok {
		return errPattern
	}
	p.rest = rest
	return nil
}

// class reads what matches one character, and leaves it to Go.
func (p *patternParser) class() (*regexp.Regexp, error) {
	var end int
	switch p.rest[0] {
	case '[':
		end = bracket(p.rest)
	case '\\':
		end = 2
	default:
		_, end = utf8.DecodeRuneInString(p.rest)
	}
	if end > len(p.rest) {
		return nil, errPattern
	}
	re, err := regexp.Compile("^(?:" + p.rest[:end] + ")$")
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errPattern, p.rest[:end])
	}
	p.rest = p.rest[end:]
	return re, nil
}

// bracket is how long a class in brackets is. Its first character may be ].
func bracket(s string) int {
	i := 1
	if strings.HasPrefix(s[i:], "^") {
		i++
	}
	for first := i; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == ']' && i > first:
			return i + 1
		}
	}
	return len(s) + 1
}

// times reads how often an atom may come.
func (p *patternParser) times(a *atom) error {
	if p.rest == "" {
		return nil
	}
	switch p.rest[0] {
	case '*':
		a.min, a.max = 0, maxRepeat
	case '+':
		a.max = maxRepeat
	case '?':
		a.min = 0
	case '{':
		end := strings.IndexByte(p.rest, '}')
		if end < 0 {
			return errPattern
		}
		if err := a.count(p.rest[1:end]); err != nil {
			return err
		}
		p.rest = p.rest[end:]
	default:
		return nil
	}
	p.rest = p.rest[1:]
	return nil
}

// count reads m, m, or m,n.
func (a *atom) count(text string) error {
	least, most, ranged := strings.Cut(text, ",")
	a.max = maxRepeat
	if _, err := fmt.Sscanf(least, "%d", &a.min); err != nil {
		return errPattern
	}
	switch {
	case !ranged:
		a.max = a.min
	case most != "":
		if _, err := fmt.Sscanf(most, "%d", &a.max); err != nil {
			return errPattern
		}
	}
	if a.min < 0 || a.max < a.min || a.max > maxRepeat {
		return errPattern
	}
	return nil
}

// MatchString implements matcher. What takes too long to try doesn't match.
func (m *backMatcher) MatchString(s string) bool {
	ok, _ := m.match(s, maxMatchSteps)
	return ok
}

// match tries all beginnings within a number of steps, and tells what is left
// of them.
func (m *backMatcher) match(s string, steps int) (ok bool, left int) {
	for from := 0; from <= len(s) && steps > 0; from++ {
		t := matching{text: s, steps: steps}
		if t.alternatives(m.root, from, func(int) bool { return true }) {
			return true, t.steps
		}
		steps = t.steps
	}
	return false, steps
}

// matching is one try.
type matching struct {
	text   string
	groups [maxGroups + 1][2]int
	steps  int
}

// alternatives matches one of the sequences at a place, and what comes after.
func (t *matching) alternatives(list alternatives, at int, then func(int) bool) bool {
	for _, seq := range list {
		if t.sequence(seq, at, then) {
			return true
		}
	}
	return false
}

func (t *matching) sequence(seq []atom, at int, then func(int) bool) bool {
	if len(seq) == 0 {
		return then(at)
	}
	return t.repeat(seq[0], 0, at, func(next int) bool { return t.sequence(seq[1:], next, then) })
}

// repeat matches an atom as often as it can.
func (t *matching) repeat(a atom, n, at int, then func(int) bool) bool {
	if t.steps--; t.steps < 0 {
		return false
	}
	if n < a.max && t.once(a, at, func(next int) bool {
		if next == at && n >= a.min {
			return false // nothing more to gain
		}
		return t.repeat(a, n+1, next, then)
	}) {
		return true
	}
	return n >= a.min && then(at)
}

func (t *matching) once(a atom, at int, then func(int) bool) bool {
	switch {
	case a.anchor == '^':
		return at == 0 && then(at)
	case a.anchor == '$':
		return at == len(t.text) && then(at)
	case a.back > 0:
		g := t.groups[a.back]
		word := t.text[g[0]:g[1]]
		return strings.HasPrefix(t.text[at:], word) && then(at+len(word))
	case a.group != nil:
		return t.alternatives(a.group, at, func(next int) bool {
			old := t.groups[a.number]
			t.groups[a.number] = [2]int{at, next}
			if then(next) {
				return true
			}
			t.groups[a.number] = old
			return false
		})
	}
	_, size := utf8.DecodeRuneInString(t.text[at:])
	return size > 0 && a.class.MatchString(t.text[at:at+size]) && then(at+size)
}
