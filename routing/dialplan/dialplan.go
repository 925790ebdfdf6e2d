package dialplan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNoRoute means that no rule matches.
var ErrNoRoute = errors.New("no route")

// Rule sends a number, or numbers that begin alike, to a flow.
type Rule struct {
	Number string   // the exact number; or
	Prefix string   // the beginning
	Trunks []string // only calls from these; empty means all
	Flow   string
	Early  bool // its flow is heard before the call is answered
}

// Name describes what the rule matches, for people.
func (r Rule) Name() string {
	what := "number " + r.Number
	if r.Number == "" {
		what = "prefix " + r.Prefix
	}
	if len(r.Trunks) > 0 {
		what += " from " + strings.Join(r.Trunks, ", ")
	}
	return what
}

// Route is where a call goes and by which rule.
type Route struct {
	Flow string
	Rule Rule
	Rest string // what was dialled behind the prefix
}

// Plan is the rules of a generation. The zero value has none.
type Plan struct {
	rules []Rule // the winner of any two that match stands first
}

// ConflictError means that two rules could both win for the same call.
type ConflictError struct {
	First, Second Rule
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s: flow %s or flow %s?", e.Second.Name(), e.First.Flow, e.Second.Flow)
}

// New builds a plan. The error joins all conflicts, each a [*ConflictError].
func New(rules []Rule) (*Plan, error) {
	var conflicts []error
	for i, a := range rules {
		for _, b := range rules[:i] {
			if a.Number == b.Number && a.Prefix == b.Prefix && sameScope(a, b) {
				conflicts = append(conflicts, &ConflictError{First: b, Second: a})
			}
		}
	}
	if len(conflicts) > 0 {
		return nil, errors.Join(conflicts...)
	}
	p := &Plan{rules: slices.Clone(rules)}
	slices.SortStableFunc(p.rules, func(a, b Rule) int {
		return cmp.Or(
			-cmp.Compare(len(a.Number), len(b.Number)),
			-cmp.Compare(len(a.Prefix), len(b.Prefix)),
			-cmp.Compare(min(len(a.Trunks), 1), min(len(b.Trunks), 1)),
		)
	})
	return p, nil
}

// sameScope tells whether a call could come from a trunk of both rules without
// one of them being the narrower.
func sameScope(a, b Rule) bool {
	if len(a.Trunks) == 0 || len(b.Trunks) == 0 {
		return len(a.Trunks) == len(b.Trunks)
	}
	return slices.ContainsFunc(a.Trunks, func(t string) bool { return slices.Contains(b.Trunks, t) })
}

// Lookup returns the route of a number that came in on a trunk. Without one
// the error is [ErrNoRoute].
func (p *Plan) Lookup(trunk, number string) (Route, error) {
	for _, r := range p.rules {
		if r.miss(trunk, number) == "" {
			return r.route(number), nil
		}
	}
	return Route{}, fmt.Errorf("number %q from trunk %s: %w", number, trunk, ErrNoRoute)
}

// Verdict is what a rule had to say about a call.
type Verdict struct {
	Rule Rule
	Won  bool
	Why  string
}

// Explain goes through all rules in the order of precedence and says of each
// why it won or didn't.
func (p *Plan) Explain(trunk, number string) []Verdict {
	out := make([]Verdict, 0, len(p.rules))
	winner := ""
	for _, r := range p.rules {
		v := Verdict{Rule: r, Why: r.miss(trunk, number)}
		switch {
		case v.Why != "":
		case winner != "":
			v.Why = "matches, but " + winner + " is more specific"
		default:
			v.Won, v.Why = true, r.reason()
			winner = r.Name()
		}
		out = append(out, v)
	}
	return out
}

// Rules lists all rules in the order of precedence.
func (p *Plan) Rules() []Rule { return slices.Clone(p.rules) }

// miss says why a rule doesn't match; "" if it does.
func (r Rule) miss(trunk, number string) string {
	switch {
	case number == "" || r.Number == "" && r.Prefix == "":
		return "no number"
	case r.Number != "" && r.Number != number:
		return "another number"
	case !strings.HasPrefix(number, r.Prefix):
		return "another prefix"
	case len(r.Trunks) > 0 && !slices.Contains(r.Trunks, trunk):
		return "not from trunk " + trunk
	}
	return ""
}

func (r Rule) reason() string {
	switch {
	case r.Number != "" && len(r.Trunks) > 0:
		return "the exact number, from this trunk"
	case r.Number != "":
		return "the exact number"
	case len(r.Trunks) > 0:
		return "the longest prefix, from this trunk"
	}
	return "the longest prefix"
}

func (r Rule) route(number string) Route {
	rest := ""
	if r.Number == "" {
		rest = number[len(r.Prefix):]
	}
	return Route{Flow: r.Flow, Rule: r, Rest: rest}
}
