package rank

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"tierline/routing"
)

// Limits of one requirement. A text within them parses in microseconds and
// can't exhaust the stack.
const (
	maxText  = 2048 // bytes
	maxTerms = 64   // skill conditions
	maxDepth = 16   // nested brackets
)

// SyntaxError says what is wrong with a requirement, and where.
type SyntaxError struct {
	Text   string
	Offset int // of the offending byte, from 0
	What   string
}

// Error implements error. Columns count from 1.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("requirement %q, column %d: %s", e.Text, e.Offset+1, e.What)
}

// Parse reads a requirement:
//
//	alternatives = conditions { "or" conditions }
//	conditions   = condition { "and" condition }
//	condition    = skill ">=" level | "(" alternatives ")"
//
// A skill is letters, digits, dots, hyphens and underscores, and begins with a
// letter; a level is 1 to 10. An empty text asks for nothing. Nothing else is
// understood: a mistake in a requirement sends callers to the wrong people.
func Parse(text string) (*Requirement, error) {
	if len(text) > maxText {
		return nil, &SyntaxError{Text: text[:32] + "…", Offset: maxText, What: "longer than 2048 bytes"}
	}
	p := &parser{text: text}
	p.next()
	if p.tok == "" && p.fault == nil {
		return newRequirement(nil), nil
	}
	root := p.alternatives(0)
	if p.tok != "" {
		p.fail("expected \"and\", \"or\" or the end, found %q", p.tok)
	}
	if p.fault != nil {
		return nil, p.fault
	}
	return newRequirement(root), nil
}

type parser struct {
	text  string
	at    int    // offset behind tok
	start int    // offset of tok
	tok   string // "" at the end
	terms int
	fault *SyntaxError // the first one counts
}

func (p *parser) fail(format string, args ...any) {
	if p.fault == nil {
		p.fault = &SyntaxError{Text: p.text, Offset: p.start, What: fmt.Sprintf(format, args...)}
	}
	p.tok, p.at = "", len(p.text)
}

func isName(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-", r)
}

// next moves to the next token: a name, a number, ">=", "(" or ")".
func (p *parser) next() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
	p.start = p.at
	if p.at == len(p.text) {
		p.tok = ""
		return
	}
	rest := p.text[p.at:]
	n := strings.IndexFunc(rest, func(r rune) bool { return !isName(r) })
	switch {
	case n < 0:
		n = len(rest)
	case n > 0:
	case strings.HasPrefix(rest, ">="):
		n = 2
	case rest[0] == '(' || rest[0] == ')':
		n = 1
	default:
		r, _ := utf8.DecodeRuneInString(rest)
		p.fail("unexpected %q", r)
		return
	}
	p.tok, p.at = rest[:n], p.at+n
}

func (p *parser) alternatives(depth int) *term {
	ts := []*term{p.conditions(depth)}
	for p.tok == "or" {
		p.next()
		ts = append(ts, p.conditions(depth))
	}
	if p.fault != nil {
		return nil
	}
	return join(opOr, ts...)
}

func (p *parser) conditions(depth int) *term {
	ts := []*term{p.condition(depth)}
	for p.tok == "and" {
		p.next()
		ts = append(ts, p.condition(depth))
	}
	if p.fault != nil {
		return nil
	}
	return join(opAnd, ts...)
}

func (p *parser) condition(depth int) *term {
	if p.tok != "(" {
		return p.level()
	}
	if depth == maxDepth {
		p.fail("more than %d nested brackets", maxDepth)
		return nil
	}
	p.next()
	t := p.alternatives(depth + 1)
	if p.tok != ")" {
		p.fail("expected \")\"")
		return nil
	}
	p.next()
	return t
}

func (p *parser) level() *term {
	first, _ := utf8.DecodeRuneInString(p.tok)
	switch {
	case p.tok == "":
		p.fail("expected a skill, found the end")
	case p.tok == "and" || p.tok == "or" || !unicode.IsLetter(first):
		p.fail("expected a skill, found %q", p.tok)
	case p.terms == maxTerms:
		p.fail("more than %d conditions", maxTerms)
	}
	skill := routing.Skill(p.tok)
	p.terms++
	p.next()
	if p.tok != ">=" {
		p.fail("expected \">=\" and a level behind the skill")
	}
	p.next()
	level := 0
	for _, c := range []byte(p.tok) {
		if c < '0' || c > '9' || level > int(routing.MaxLevel) {
			level = 0
			break
		}
		level = level*10 + int(c-'0')
	}
	if level < 1 || level > int(routing.MaxLevel) {
		p.fail("expected a level from 1 to %d", routing.MaxLevel)
		return nil
	}
	p.next()
	return &term{op: opLevel, skill: skill, level: routing.Level(level)}
}
