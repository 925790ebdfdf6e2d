package ivr

import (
	"slices"

	"tierline/routing/document"
)

// hangup says goodbye and ends the call.
type hangup struct {
	prompt []item
	cause  string
}

type hangupDoc struct {
	*common
	Prompt items                  `doc:"prompt,nonempty"`
	Cause  document.Value[string] `doc:"cause"`
}

func readHangup(b *builder, c *common, n *document.Node) node {
	d := hangupDoc{common: c}
	document.Decode(n, &d, "a hangup node", b.p)
	causes := []string{CauseNormal, CauseBusy, CauseCongestion, CauseFault}
	if d.Cause.Given && !slices.Contains(causes, d.Cause.V) {
		b.p.Errorf(d.Cause.Pos, "unknown cause %q%s", d.Cause.V, document.DidYouMean(d.Cause.V, causes))
	}
	return &hangup{prompt: b.readItems(d.Prompt), cause: d.Cause.Or(CauseNormal)}
}

func (n *hangup) enter(s *Session) {
	s.speak(n.prompt, false, func() { s.disconnect(n.cause) })
}

func (n *hangup) resume(s *Session) { n.enter(s) }

func (n *hangup) handle(s *Session, in Input) {
	if done, ok := in.(PromptDone); ok && s.spoken(done) {
		s.disconnect(n.cause)
	}
}

func (n *hangup) edges() []edge { return nil }
