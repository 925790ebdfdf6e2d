package ivr

import (
	"slices"

	"tierline/routing/document"
)

// kind is what loader, checker and session know of a node type.
type kind struct {
	name string
	read func(b *builder, c *common, n *document.Node) node
}

// kinds is the one table of node types of format 1. A new type is one line
// here and one file beside it.
func kinds() []kind {
	return []kind{
		{"play", readPlay},
		{"menu", readMenu},
		{"branch", readBranch},
		{"schedule", readSchedule},
		{"set", readSet},
		{"queue", readQueue},
		{"hangup", readHangup},
		{"collect", readCollect},
		{"lookup", readLookup},
		{"authenticate", readAuthenticate},
		{"notify", readNotify},
		{"callback", readCallback},
		{"record", readRecord},
		{"survey", readSurvey},
		{"transfer", readTransfer},
		{"call", readSubflow},
		{"return", readReturn},
	}
}

// node is one compiled node. Its methods run on behalf of one session; the
// node itself is shared and never changes.
type node interface {
	// enter begins the node: it speaks, waits, or goes on at once.
	enter(s *Session)
	// handle takes one input while the session is here. What doesn't belong
	// here (a key pressed too late) is ignored.
	handle(s *Session, in Input)
	// edges lists where the node can lead, for the checker.
	edges() []edge
}

// edge is one way out of a node.
type edge struct {
	to    document.Value[string]
	label string
	text  string // the condition of the way
	// silent edges are taken without the caller doing anything and without
	// waiting in a queue: a circle of them is an endless loop.
	silent bool
	// keyed edges may also lead to @repeat and @back.
	keyed bool
	// inherited edges come from the flow's defaults.
	inherited bool
}

// common are the fields that every node has.
type common struct {
	Type      document.Value[string]                   `doc:"type,required"`
	Milestone document.Value[string]                   `doc:"milestone,nonempty"`
	Set       document.Entries[document.Value[string]] `doc:"set"`
	MaxVisits document.Value[int]                      `doc:"max_visits,min=1,max=1000"`
	id        document.Value[string]
}

// step is a node with what all nodes have.
type step struct {
	node      node
	id        string
	kind      string
	pos       document.Pos
	milestone string
	set       []assignment
	maxVisits int
}

// broken stands for a node that couldn't be read: it leads wherever one of its
// words is a node's name, so that its mistake has no followers.
type broken struct{ out []edge }

func (broken) enter(*Session)         {}
func (broken) handle(*Session, Input) {}
func (n broken) edges() []edge        { return n.out }

// maimed is a node with a mistake: beside its own ways it leads wherever one
// of its words is a node's name.
type maimed struct {
	node
	more []edge
}

func (n maimed) edges() []edge { return append(slices.Clone(n.node.edges()), n.more...) }

func (b *builder) readBroken(n *document.Node) node {
	var out broken
	b.words(n, func(v document.Value[string]) {
		if _, ok := b.ids[v.V]; ok {
			out.out = append(out.out, edge{to: v})
		}
		b.usePrompt(v.V)
		b.useWords(v.V)
	})
	return out
}

// words calls f for every text in a value.
func (b *builder) words(n *document.Node, f func(document.Value[string])) {
	switch n.Kind {
	case document.String:
		f(document.Value[string]{Pos: n.Pos, V: n.Text, Given: true})
	case document.List:
		for _, i := range n.Items {
			b.words(i, f)
		}
	case document.Map:
		for _, p := range n.Pairs {
			b.words(p.Value, f)
		}
	case document.Null, document.Bool, document.Int, document.Float:
	}
}
