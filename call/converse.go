package call

import (
	"errors"
	"sync"
	"time"

	"tierline/acd"
	"tierline/call/service"
	"tierline/media"
)

// conversationKind is what a recording of caller and agent is called in the log.
const conversationKind = "conversation"

var errTapeLost = errors.New("the disk took too long at the end of the call")

// Sides of a recording.
const (
	callerSide = iota // left
	otherSide         // everybody he talks to
)

// conversation is a recording of a caller and those he talks to.
type conversation struct {
	ref    string
	agent  string // the first
	tape   Tape
	whole  bool           // it began before anybody knew who would talk, and doesn't end with the agent
	on     map[*party]int // who is on which side
	paused bool           // somebody said so
	secret bool           // the menu asks for a secret
	muted  bool

	mu      sync.Mutex // guards what follows, which the end on the disk reads
	kept    bool       // a queue wants it
	about   About
	settled bool // it has ended on the disk
}

// recordCall records a call from the beginning, in case a queue wants that.
func (c *Call) recordCall() {
	if c.sw.cfg.Tapes != nil && c.gen.RecordsCalls() {
		c.startTape(true)
		c.followTape()
	}
}

// recordWait records a call that begins to wait in a queue, if the queue says so.
func (c *Call) recordWait(queue string) {
	from := c.gen.Recorded(queue)
	if c.sw.cfg.Tapes == nil || from == service.RecordNothing || from == service.RecordBridge {
		return
	}
	if t := c.talked; t != nil && (from == service.RecordAnswer || t.isKept()) {
		c.keepTape(queue)
		return
	}
	c.endTape()
	c.startTape(false)
	c.keepTape(queue)
	c.followTape()
}

// waitOver ends the recording of a wait that came to no conversation. A whole
// call's goes on.
func (c *Call) waitOver() {
	if t := c.talked; t != nil && t.agent == "" && !t.whole {
		c.endTape()
	}
}

// converse records what those in the conversation say, if the queue says so.
func (c *Call) converse(queue string) {
	if c.sw.cfg.Tapes == nil || c.agent == nil {
		return
	}
	from := c.gen.Recorded(queue)
	if t := c.talked; t != nil && (from == service.RecordNothing || !t.isKept()) {
		c.endTape()
	}
	if from == service.RecordNothing {
		return
	}
	if c.talked == nil {
		c.startTape(false)
		c.keepTape(queue)
	}
	if t := c.talked; t.agent == "" {
		t.agent = c.agent.agent
		t.mu.Lock()
		t.about.Agent = t.agent
		t.mu.Unlock()
	}
	c.followTape()
}

// startTape begins a recording that nobody is on yet.
func (c *Call) startTape(whole bool) {
	tapes := c.sw.cfg.Tapes
	now := time.Now()
	c.recordings++
	t := &conversation{ref: tapes.Ref(c.id, c.recordings, now), whole: whole, on: map[*party]int{}}
	t.about = About{Ref: t.ref, Call: c.id, Began: now.UTC(), Marks: []Mark{}}
	c.talked = t
	c.tapes[t] = struct{}{}
	path := tapes.Path(t.ref)
	if whole {
		path = tapes.spool(t.ref)
	}
	t.tape = c.sw.cfg.Media.Tape(path, func(ev media.Taped) {
		ev.Err = errors.Join(ev.Err, tapes.settle(t, ev))
		_ = c.Post(taped{of: t, ev: ev})
	})
	c.mask()
	c.settle()
}

// followTape puts those on the tape who can be heard, and takes the others off.
// A caller who talks to nobody is on it too.
func (c *Call) followTape() {
	t := c.talked
	if t == nil {
		return
	}
	heard := map[*party]int{}
	customer := c.member(c.caller)
	if c.caller != nil && customer == nil {
		heard[c.caller] = callerSide
	}
	for _, m := range c.room.members {
		switch {
		case !m.taped(customer):
		case m.role == roleCaller:
			heard[m.party] = callerSide
		default:
			heard[m.party] = otherSide
		}
	}
	for p := range t.on {
		if _, still := heard[p]; !still {
			t.tape.Leave(p.media)
			delete(t.on, p)
		}
	}
	for p, side := range heard {
		if _, already := t.on[p]; !already {
			t.on[p] = side
			t.tape.Join(p.media, side)
		}
	}
}

// keepTape says that a queue wants the recording. What is known of that of a
// whole call is on the disk from then on, so that a crash doesn't cost it.
func (c *Call) keepTape(queue string) {
	t := c.talked
	t.mu.Lock()
	about, first := t.about, !t.kept
	t.kept, t.about.Queue, about.Queue = true, queue, queue
	t.mu.Unlock()
	if !t.whole || !first {
		return
	}
	for _, m := range about.Marks {
		c.tellMark(m)
	}
	c.beside(func() func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.settled {
			return nil
		}
		if err := c.sw.cfg.Tapes.describe(about); err != nil {
			c.log.Warn("recording can't be described", "recording", t.ref, "err", err)
		}
		return nil
	})
}

func (t *conversation) isKept() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept
}

// endConversation ends the recording of a conversation; what becomes of the
// file is told later. That of a whole call goes on.
func (c *Call) endConversation() {
	if t := c.talked; t != nil && !t.whole {
		c.endTape()
	}
}

func (c *Call) endTape() {
	if t := c.talked; t != nil {
		c.talked = nil
		t.tape.End()
		c.settle()
	}
}

// onTaped tells the log what became of a recorded conversation.
func (c *Call) onTaped(t *conversation, ev media.Taped) {
	if _, waiting := c.tapes[t]; !waiting {
		return
	}
	delete(c.tapes, t)
	if c.talked == t { // it ended by itself
		c.talked = nil
	}
	if !t.isKept() {
		return
	}
	told := acd.CallRecorded{
		Call: c.id, Ref: t.ref, LengthMS: ev.Length.Milliseconds(), Kind: conversationKind,
		Agent: t.agent, SHA256: ev.SHA256,
	}
	outcome := "made"
	switch {
	case ev.Err != nil:
		outcome, told.Failed, told.SHA256, told.LengthMS = "failed", failureOf(ev.Err), "", 0
		c.log.Error("recording failed", "recording", t.ref, "err", ev.Err)
	case ev.Length == 0:
		outcome = "empty"
	}
	c.sw.stats.count(&c.sw.stats.recordings, outcome)
	if outcome != "empty" {
		c.sw.cfg.Queue.Post(told)
	}
}

// failureOf is the stable word for why a recording failed.
func failureOf(err error) string {
	switch {
	case errors.Is(err, media.ErrSlowDisk):
		return "slow"
	case errors.Is(err, errTapeLost):
		return "lost"
	}
	return "disk"
}
