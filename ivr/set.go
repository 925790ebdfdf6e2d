package ivr

import (
	"slices"
	"strings"

	"tierline/routing/document"
)

// set changes variables or the language and goes on.
type set struct {
	vars     []assignment
	language string
	next     document.Value[string]
}

type setDoc struct {
	*common
	Vars     document.Entries[document.Value[string]] `doc:"vars"`
	Language document.Value[string]                   `doc:"language,nonempty"`
	Next     document.Value[string]                   `doc:"next,required"`
}

func readSet(b *builder, c *common, n *document.Node) node {
	d := setDoc{common: c}
	document.Decode(n, &d, "a set node", b.p)
	if d.Language.Given && !slices.Contains(b.flow.languages, d.Language.V) {
		b.p.Errorf(d.Language.Pos, "%q is not a language of this flow (%s)", d.Language.V,
			strings.Join(b.flow.languages, ", "))
	}
	return &set{vars: b.readSets(d.Vars), language: d.Language.V, next: d.Next}
}

func (n *set) enter(s *Session) {
	if !s.assign(n.vars) {
		return
	}
	if n.language != "" {
		s.st.Language = n.language
	}
	s.goTo(outcomeNext, n.next.V)
}

func (n *set) handle(*Session, Input) {} // never waits

func (n *set) edges() []edge { return []edge{{to: n.next, label: "next", silent: true}} }
