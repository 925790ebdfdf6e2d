package ivr

import "tierline/routing/document"

// play speaks and goes on. With barge-in a key ends it and counts for the next
// menu.
type play struct {
	prompt  []item
	next    document.Value[string]
	bargeIn bool
}

type playDoc struct {
	*common
	Prompt  items                  `doc:"prompt,required,nonempty"`
	Next    document.Value[string] `doc:"next,required"`
	BargeIn document.Value[bool]   `doc:"barge_in"`
}

func readPlay(b *builder, c *common, n *document.Node) node {
	d := playDoc{common: c}
	document.Decode(n, &d, "a play node", b.p)
	return &play{prompt: b.readItems(d.Prompt), next: d.Next, bargeIn: d.BargeIn.Or(b.input.bargeIn)}
}

func (n *play) enter(s *Session) {
	if n.bargeIn && s.st.Typed != "" {
		s.goTo(outcomeNext, n.next.V)
		return
	}
	s.speak(n.prompt, n.bargeIn, func() { s.goTo(outcomeNext, n.next.V) })
}

func (n *play) resume(s *Session) { n.enter(s) }

func (n *play) handle(s *Session, in Input) {
	switch in := in.(type) {
	case PromptDone:
		if s.spoken(in) {
			s.goTo(outcomeNext, n.next.V)
		}
	case Key:
		if s.press(in) && n.bargeIn {
			s.goTo(outcomeNext, n.next.V)
		}
	default: // belongs to something that is over
	}
}

func (n *play) edges() []edge { return []edge{{to: n.next, label: "next", silent: true}} }
