package ivr

import (
	"cmp"
	"reflect"
	"slices"
	"time"

	"tierline/routing/document"
)

const leftAbandoned = "abandoned" // the outcome of a caller who hung up

// preferLast names the agent who talked to the caller before.
const preferLast = "last"

func readQueue(b *builder, c *common, n *document.Node) node {
	d := queueDoc{common: c}
	document.Decode(n, &d, "a queue node", b.p)
	q := &queue{
		id: c.id.V, name: d.Queue.V, maxWait: d.MaxWait.V, announce: d.Announce.V, after: d.After.V, keep: d.Keep.Or(true),
	}
	b.checkQueue(d.Queue)
	q.attach = b.readAttach(d.Attach)
	b.readWishes(q, d)
	say, music := b.readHold(d.Hold)
	q.hold, q.music = newAnnouncement(say), music
	for _, i := range b.readItems(d.Comfort) {
		q.comfort = append(q.comfort, newAnnouncement([]item{i}))
	}
	if d.Comfort != nil && !d.Announce.Given {
		b.p.Errorf(d.Comfort.pos(), "comfort needs announce_every: how often it interrupts the music")
	}
	for _, k := range d.Keys {
		if isKeys(k.Key.V) && len(k.Key.V) > 1 {
			b.p.Errorf(k.Key.Pos, "keys while waiting are single keys")
		}
	}
	q.keys = newKeyTable(b.keyMap(d.Keys))
	q.out = keyEdges(d.Keys)
	then := b.readThen(n, "a queue",
		[]string{LeftTimeout, LeftFull, leftAbandoned}, []string{LeftClosed, LeftNoStaff, LeftLong, LeftOffline})
	for _, o := range d.Then {
		if o.Key.V == leftAbandoned && o.Value.Given && o.Value.V != targetHangup {
			b.p.Errorf(o.Value.Pos, "the caller is gone: %q can only be %q", leftAbandoned, targetHangup)
		}
	}
	q.then = then.to
	for _, e := range then.edges(false) {
		// A queue that doesn't take the call says so at once.
		e.silent = slices.Contains([]string{LeftFull, LeftClosed, LeftNoStaff, LeftLong}, e.label)
		q.out = append(q.out, e)
	}
	if d.After.Given {
		q.out = append(q.out, edge{to: d.After, label: "after"})
	}
	return q
}

// readWishes reads what the call needs beside the queue's own requirement.
func (b *builder) readWishes(q *queue, d queueDoc) {
	q.requirement = b.readTemplate(d.Requirement, templatePlain)
	if d.Requirement.Given && q.requirement.constant() && b.env.Requirement != nil {
		if err := b.env.Requirement(d.Requirement.V); err != nil {
			b.p.Errorf(d.Requirement.Pos, "requirement: %v", err)
		}
	}
	if d.Preferred == nil {
		return
	}
	q.preferFor = d.Preferred.For.Or(20 * time.Second)
	if d.Preferred.Agent.V == preferLast {
		q.preferLast = true
		return
	}
	e, reads := b.compileReads(d.Preferred.Agent, reflect.String)
	b.noSecret(d.Preferred.Agent, reads, "part of a request to the ACD")
	q.preferred = e
}

func newAnnouncement(say []item) announcement {
	return announcement{say, slices.ContainsFunc(say, item.needsPlace)}
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
	sortAttachments(out)
	return out
}

// readHold splits prompts from the music, which comes last.
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

// outcomes are where the ends of a node lead.
type outcomes struct {
	to   map[string]string
	list document.Entries[document.Value[string]]
}

// readThen reads the targets of a node's outcomes: all of the first list must
// be there, those of the second may.
func (b *builder) readThen(n *document.Node, what string, required, optional []string) outcomes {
	out := outcomes{to: map[string]string{}}
	then := n.Get("then")
	if then == nil || then.Kind != document.Map {
		return out
	}
	quiet := document.NewProblems("") // the caller decodes the field too
	document.Decode(then, &out.list, "then", quiet)
	known := append(slices.Clone(required), optional...)
	for _, o := range out.list {
		out.to[o.Key.V] = o.Value.V
		if !slices.Contains(known, o.Key.V) {
			b.p.Errorf(o.Key.Pos, "%s has no outcome %q%s", what, o.Key.V, document.DidYouMean(o.Key.V, known))
		}
	}
	for _, o := range required {
		if then.Get(o) == nil {
			b.p.Errorf(then.Owner, "outcome %q is not handled", o)
			b.gaps++
		}
	}
	return out
}

func (o outcomes) edges(silent bool) []edge {
	out := make([]edge, 0, len(o.list))
	for _, e := range o.list {
		out = append(out, edge{to: e.Value, label: e.Key.V, silent: silent})
	}
	return out
}

// end goes where an outcome leads, or where its stand-in does.
func (o outcomes) end(s *Session, outcome, instead string) {
	if _, ok := o.to[outcome]; !ok {
		outcome = instead
	}
	s.goTo(outcome, o.to[outcome])
}

func sortAttachments(list []attachment) {
	slices.SortFunc(list, func(a, b attachment) int { return cmp.Compare(a.name, b.name) })
}

type preferredDoc struct {
	Agent document.Value[string]        `doc:"agent,required,nonempty"`
	For   document.Value[time.Duration] `doc:"for,min=1s,max=10m"`
}

type queueDoc struct {
	*common
	Queue       document.Value[string]                   `doc:"queue,required"`
	Attach      document.Entries[document.Value[string]] `doc:"attach"`
	Requirement document.Value[string]                   `doc:"requirement,nonempty"`
	Preferred   *preferredDoc                            `doc:"preferred"`
	Keep        document.Value[bool]                     `doc:"keep"`
	Hold        items                                    `doc:"hold,required,nonempty"`
	Comfort     items                                    `doc:"comfort,nonempty"`
	Announce    document.Value[time.Duration]            `doc:"announce_every,min=5s,max=10m"`
	Keys        document.Entries[document.Value[string]] `doc:"keys"`
	MaxWait     document.Value[time.Duration]            `doc:"max_wait,min=1s,max=24h"`
	Then        document.Entries[document.Value[string]] `doc:"then,required"`
	After       document.Value[string]                   `doc:"after,nonempty"`
}
