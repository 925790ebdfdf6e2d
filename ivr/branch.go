package ivr

import (
	"reflect"
	"strconv"

	"tierline/routing/document"
)

// branch goes on where the first condition that holds says.
type branch struct {
	when      []choice
	otherwise document.Value[string]
}

type choice struct {
	cond *expression
	to   document.Value[string]
}

type branchDoc struct {
	*common
	When []whenDoc              `doc:"when,required,nonempty"`
	Else document.Value[string] `doc:"else,required"`
}

type whenDoc struct {
	If   document.Value[string] `doc:"if,required"`
	Goto document.Value[string] `doc:"goto,required"`
}

func readBranch(b *builder, c *common, n *document.Node) node {
	d := branchDoc{common: c}
	document.Decode(n, &d, "a branch node", b.p)
	out := &branch{otherwise: d.Else}
	for _, w := range d.When {
		out.when = append(out.when, choice{b.compile(w.If, reflect.Bool), w.Goto})
	}
	return out
}

func (n *branch) enter(s *Session) {
	for i, w := range n.when {
		yes, err := w.cond.truth(s.environment())
		if err != nil {
			s.exceed(err.Error())
			return
		}
		if yes {
			s.goTo("when_"+strconv.Itoa(i+1), w.to.V)
			return
		}
	}
	s.goTo("else", n.otherwise.V)
}

func (n *branch) handle(*Session, Input) {} // never waits

func (n *branch) edges() []edge {
	var out []edge
	for i, w := range n.when {
		out = append(out, edge{
			to: w.to, label: "when_" + strconv.Itoa(i+1), text: w.cond.text(), silent: true,
		})
	}
	return append(out, edge{to: n.otherwise, label: "else", silent: true})
}
