package ivr

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tierline/routing/document"
)

// holdGap keeps a queue whose hold prompts have no music, or whose audio is
// missing, from speaking without a breath.
const holdGap = 500 * time.Millisecond

// queue hands the call to the ACD and entertains the caller until an agent is
// there, and takes him back afterwards.
type queue struct {
	name     string
	attach   []attachment
	hold     []item
	music    *promptText
	announce time.Duration
	keys     keyTable
	maxWait  time.Duration
	then     map[string]string // by outcome
	after    string
	out      []edge
}

type attachment struct {
	name  string
	value *expression
}

type queueDoc struct {
	*common
	Queue    document.Value[string]                   `doc:"queue,required"`
	Attach   document.Entries[document.Value[string]] `doc:"attach"`
	Hold     items                                    `doc:"hold,required,nonempty"`
	Announce document.Value[time.Duration]            `doc:"announce_every,min=5s,max=10m"`
	Keys     document.Entries[document.Value[string]] `doc:"keys"`
	MaxWait  document.Value[time.Duration]            `doc:"max_wait,min=1s,max=24h"`
	Then     document.Entries[document.Value[string]] `doc:"then,required"`
	After    document.Value[string]                   `doc:"after,nonempty"`
}

const leftAbandoned = "abandoned" // the outcome of a caller who hung up

func readQueue(b *builder, c *common, n *document.Node) node {
	d := queueDoc{common: c}
	document.Decode(n, &d, "a queue node", b.p)
	q := &queue{
		name: d.Queue.V, maxWait: d.MaxWait.V, announce: d.Announce.V, then: map[string]string{}, after: d.After.V,
	}
	b.checkQueue(d.Queue)
	q.attach = b.readAttach(d.Attach)
	q.hold, q.music = b.readHold(d.Hold)
	for _, k := range d.Keys {
		if isKeys(k.Key.V) && len(k.Key.V) > 1 {
			b.p.Errorf(k.Key.Pos, "keys while waiting are single keys")
		}
	}
	q.keys = newKeyTable(b.keyMap(d.Keys))
	q.out = keyEdges(d.Keys)
	b.readOutcomes(q, d, n)
	if d.After.Given {
		q.out = append(q.out, edge{to: d.After, label: "after"})
	}
	return q
}

func (b *builder) checkQueue(name document.Value[string]) {
	if name.Given && b.env.Queues != nil && !slices.Contains(b.env.Queues, name.V) {
		b.p.Errorf(name.Pos, "queue %q does not exist%s", name.V, document.DidYouMean(name.V, b.env.Queues))
	}
}

func (b *builder) readAttach(docs document.Entries[document.Value[string]]) []attachment {
	var out []attachment
	for _, d := range docs {
		e, reads := b.compileReads(d.Value, anyKind)
		b.noSecret(d.Value, reads, "attached to a call")
		out = append(out, attachment{d.Key.V, e})
	}
	slices.SortFunc(out, func(a, b attachment) int { return cmp.Compare(a.name, b.name) })
	return out
}

// readHold splits the hold prompts from the music, which comes last.
func (b *builder) readHold(docs items) ([]item, *promptText) {
	var music *promptText
	var spoken items
	for i, d := range docs {
		p := b.flow.prompts[d.id.V]
		if !d.id.Given || p == nil || !p.music {
			spoken = append(spoken, d)
			continue
		}
		b.used[d.id.V] = true
		music = p
		if i != len(docs)-1 {
			b.p.Errorf(d.id.Pos, "music has no end: it comes last")
		}
	}
	return b.readItems(spoken), music
}

func (b *builder) readOutcomes(q *queue, d queueDoc, n *document.Node) {
	outcomes := []string{LeftTimeout, LeftFull, leftAbandoned}
	for _, o := range d.Then {
		q.then[o.Key.V] = o.Value.V
		q.out = append(q.out, edge{to: o.Value, label: o.Key.V})
		switch {
		case !slices.Contains(outcomes, o.Key.V):
			b.p.Errorf(o.Key.Pos, "a queue has no outcome %q%s", o.Key.V, document.DidYouMean(o.Key.V, outcomes))
		case o.Key.V == leftAbandoned && o.Value.Given && o.Value.V != targetHangup:
			b.p.Errorf(o.Value.Pos, "the caller is gone: %q can only be %q", leftAbandoned, targetHangup)
		}
	}
	then := n.Get("then")
	if then == nil || then.Kind != document.Map {
		return
	}
	for _, o := range outcomes {
		if then.Get(o) == nil {
			b.p.Errorf(then.Owner, "outcome %q is not handled", o)
		}
	}
}

// Phases of a queue.
const (
	phaseHolding = iota // hold prompts are spoken
	phaseMusic          // music, or the gap before the next prompts
	phaseTalking        // with an agent
)

func (q *queue) enter(s *Session) {
	s.st.Typed = "" // typed for a menu that didn't come
	attach := make([]Attribute, 0, len(q.attach))
	env := s.environment()
	for _, a := range q.attach {
		v, err := a.value.eval(env)
		if err != nil {
			s.exceed()
			return
		}
		attach = append(attach, Attribute{a.name, text(v)})
	}
	s.pauseGuard()
	s.st.Place.Queued = true
	s.act(Enqueue{Queue: q.name, Attach: attach, MaxWait: q.maxWait})
	q.again(s)
}

// text spells an attribute's value.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	}
	return fmt.Sprint(v)
}

// again speaks the hold prompts.
func (q *queue) again(s *Session) {
	s.cancelTimer(&s.st.Place.Timer)
	s.st.Place.Phase = phaseHolding
	s.speak(q.hold, len(q.keys.entries) > 0, func() { q.play(s) })
}

// play begins the music.
func (q *queue) play(s *Session) {
	p := &s.st.Place
	p.Phase = phaseMusic
	switch {
	case q.music == nil:
		s.restartTimer(holdGap)
	case q.announce > 0 && len(q.hold) > 0:
		s.restartTimer(q.announce)
		fallthrough
	default:
		p.Music = true
		s.act(PlayMusic{Prompt: q.music.segments[0]})
	}
}

func (q *queue) handle(s *Session, in Input) {
	p := &s.st.Place
	switch in := in.(type) {
	case Key:
		if p.Phase != phaseTalking && !s.swallows(in.Digit) {
			q.key(s, string(in.Digit))
		}
	case PromptDone:
		if s.spoken(in) && p.Phase == phaseHolding {
			q.play(s)
		}
	case TimerFired:
		if in.ID == p.Timer {
			p.Timer = 0
			q.again(s)
		}
	case QueueLeft:
		q.left(s, in.Cause)
	case AgentConnected:
		s.stopSpeaking()
		s.cancelTimer(&p.Timer)
		p.Phase, p.Queued = phaseTalking, false
	case AgentDone:
		q.done(s)
	case HungUp:
	}
}

func (q *queue) key(s *Session, keys string) {
	to, ok := q.keys.entries[keys]
	if !ok || (to == targetBack && len(s.st.History) == 0) {
		return
	}
	if to != targetRepeat {
		s.st.Place.Queued = false
		s.act(Unqueue{Cause: LeftKey})
	}
	s.key = keys
	s.goTo(outcomeKey, to)
}

// left is the end of a wait without an agent. What isn't known is treated like
// a full queue: the call couldn't wait there.
func (q *queue) left(s *Session, cause string) {
	p := &s.st.Place
	if p.Phase == phaseTalking || cause == LeftKey {
		return
	}
	p.Queued = false
	if cause != LeftTimeout {
		cause = LeftFull
	}
	s.goTo(cause, q.then[cause])
}

func (q *queue) done(s *Session) {
	s.st.Place.Queued = false
	if q.after == "" {
		s.disconnect(CauseNormal)
		return
	}
	s.goTo("after", q.after)
}

func (q *queue) edges() []edge { return q.out }
