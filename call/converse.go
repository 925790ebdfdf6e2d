package call

import (
	"errors"
	"time"

	"tierline/acd"
	"tierline/media"
)

// conversationKind is what a recording of caller and agent is called in the log.
const conversationKind = "conversation"

var errTapeLost = errors.New("the disk took too long at the end of the call")

// conversation is a recording of caller and agent.
type conversation struct {
	ref   string
	agent string
	tape  Tape
}

// converse records what the two say, if the queue says so.
func (c *Call) converse(queue string) {
	tapes := c.sw.cfg.Tapes
	if tapes == nil || c.agent == nil || !c.gen.Recorded(queue) {
		return
	}
	c.endConversation()
	c.recordings++
	t := &conversation{ref: tapes.Ref(c.id, c.recordings, time.Now()), agent: c.agent.agent}
	c.talked = t
	c.tapes[t] = struct{}{}
	t.tape = c.sw.cfg.Media.Tape(tapes.Path(t.ref), c.caller.media, c.agent.media, func(ev media.Taped) {
		_ = c.Post(taped{of: t, ev: ev})
	})
}

// endConversation ends the recording; what becomes of the file is told later.
func (c *Call) endConversation() {
	if t := c.talked; t != nil {
		c.talked = nil
		t.tape.End()
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
	told := acd.CallRecorded{
		Call: c.id, Ref: t.ref, LengthMS: ev.Length.Milliseconds(), Kind: conversationKind,
		Agent: t.agent, SHA256: ev.SHA256,
	}
	outcome := "made"
	switch {
	case ev.Err != nil:
		outcome, told.Failed = "failed", failureOf(ev.Err)
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
