package ivr

import (
	"slices"

	"tierline/routing/document"
)

// maxChoices is how many choices callers can keep in mind.
const maxChoices = 8

// menu speaks and goes where the caller's keys say.
type menu struct {
	id string
	question
	table keyTable
	out   []edge
}

type menuDoc struct {
	*common
	inputDoc
	Prompt items                                    `doc:"prompt,required,nonempty"`
	Short  items                                    `doc:"short,nonempty"`
	Keys   document.Entries[document.Value[string]] `doc:"keys,required"`
}

func readMenu(b *builder, c *common, n *document.Node) node {
	d := menuDoc{common: c}
	document.Decode(n, &d, "a menu node", b.p)
	m := &menu{id: c.id.V, question: question{prompt: b.readItems(d.Prompt), input: b.mergeInput(d.inputDoc, b.input)}}
	if d.Short != nil {
		m.short = b.readItems(d.Short)
	}
	all := d.Keys
	for _, k := range b.doc.Defaults.Keys {
		if !slices.ContainsFunc(d.Keys, func(o document.Entry[document.Value[string]]) bool { return o.Key.V == k.Key.V }) {
			all = append(all, k)
		}
	}
	m.table = newKeyTable(b.keyMap(all))
	m.keys = m.table
	m.out = keyEdges(all)
	for i := len(d.Keys); i < len(all); i++ {
		m.out[i].inherited = true
	}
	m.out = append(m.out, b.exhaustedEdge(d.inputDoc, "menu", n))
	b.checkMenu(d, m)
	return m
}

// exhaustedEdge is the way of callers who have no attempts left.
func (b *builder) exhaustedEdge(d inputDoc, what string, n *document.Node) edge {
	to := d.Exhausted
	if !to.Given {
		to = b.exhausted
	}
	if !to.Given {
		b.gaps++
		b.p.Errorf(n.Owner, `outcome "exhausted" is not handled: give the %s or defaults.input an "exhausted"`, what)
	}
	return edge{to: to, label: outcomeExhausted, silent: true, inherited: !d.Exhausted.Given}
}

func (b *builder) checkMenu(d menuDoc, m *menu) {
	if len(d.Keys) > maxChoices {
		b.p.Warnf(d.id.Pos, "%d choices in one menu: callers keep %d in mind", len(d.Keys), maxChoices)
	}
	for _, k := range d.Keys {
		if longer := m.table.longerThan(k.Key.V); longer != "" {
			b.p.Warnf(k.Key.Pos, "keys %q and %q share a prefix: callers wait for the inter-digit timeout", k.Key.V, longer)
		}
	}
}

func (m *menu) enter(s *Session) {
	s.remember(m.id)
	s.ask(m)
}

// again is @repeat: who asks for it hears the whole prompt.
func (m *menu) again(s *Session) { s.greet(m, false) }

func (m *menu) handle(s *Session, in Input) { s.askHandle(m, in) }

func (m *menu) resume(s *Session) { s.askAgain(m) }

func (m *menu) asks(*Session) *question { return &m.question }

func (m *menu) answered(s *Session, keys string) {
	s.key = keys
	s.goTo(outcomeKey, m.table.entries[keys])
}

func (m *menu) exhausted(s *Session) { s.goTo(outcomeExhausted, m.out[len(m.out)-1].to.V) }

func (m *menu) edges() []edge { return m.out }
