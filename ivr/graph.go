package ivr

import "tierline/routing/document"

// Node describes a node to whoever draws, compares or counts flows.
type Node struct {
	ID        string
	Type      string
	Milestone string
	Pos       document.Pos
	Ways      []Way
}

// Way is one way out of a node.
type Way struct {
	Label     string // the outcome, or the keys
	Text      string // the condition, if it has one
	To        string // a node, @repeat, @back or @hangup
	Keyed     bool   // the caller presses the label
	Inherited bool   // from the flow's defaults
}

// Stays tells whether a way leads to where the caller was already: @repeat and
// @back.
func (w Way) Stays() bool { return w.To == targetRepeat || w.To == targetBack }

// Ends tells whether a way ends the call.
func (w Way) Ends() bool { return w.To == targetHangup }

// Nodes returns the flow's nodes in the order of the file.
func (f *Flow) Nodes() []Node {
	out := make([]Node, 0, len(f.order))
	for _, id := range f.order {
		st := f.nodes[id]
		n := Node{ID: id, Type: st.kind, Milestone: st.milestone, Pos: st.pos}
		for _, e := range st.node.edges() {
			n.Ways = append(n.Ways, Way{
				Label: e.label, Text: e.text, To: e.to.V, Keyed: e.keyed, Inherited: e.inherited,
			})
		}
		out = append(out, n)
	}
	return out
}

// Start is the node where calls begin.
func (f *Flow) Start() string { return f.start }

// OnExceeded is the target of calls that exceed a limit.
func (f *Flow) OnExceeded() string { return f.limits.onExceeded }
