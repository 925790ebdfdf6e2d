package call

import (
	"context"
	"errors"
	"time"

	"tierline/acd"
	"tierline/ivr"
	"tierline/media"
	"tierline/media/dtmf"
)

var errMedia = errors.New("media failed")

// begin starts the call's flow.
func (c *Call) begin(ctx context.Context) {
	s, actions := ivr.Start(c.flow, c.profile, time.Now())
	c.session = s
	c.recordCall()
	c.do(ctx, actions)
}

// menu gives the session one input and carries out what it says.
func (c *Call) menu(ctx context.Context, in ivr.Input) {
	if c.session == nil || c.ending {
		return
	}
	c.do(ctx, c.session.Handle(in, time.Now()))
}

// language is the one the caller chose or is known to prefer.
func (c *Call) language() string {
	switch {
	case c.session != nil:
		return c.session.Language()
	case c.callback != nil:
		return c.callback.Language
	}
	if c.flow != nil {
		return c.flow.Languages()[0]
	}
	return c.customer.Language
}

// do carries out what the session says. Its state is that after all of it, so
// only the last step brings it: a flow that walks a thousand nodes at once
// would otherwise encode it a thousand times, while the caller hears nothing.
func (c *Call) do(ctx context.Context, actions []ivr.Action) {
	last := len(actions) - 1
	for last >= 0 && !isNote(actions[last]) {
		last--
	}
	session := c.session
	defer c.mask()
	for i, a := range actions {
		if c.ending || c.session != session {
			return
		}
		if note, ok := a.(ivr.Note); ok && i < last {
			c.step(note, nil)
			continue
		}
		c.act(ctx, a)
	}
}

func isNote(a ivr.Action) bool {
	_, ok := a.(ivr.Note)
	return ok
}

func (c *Call) setTimer(id uint64, after time.Duration) {
	if t := c.timers[id]; t != nil {
		t.Stop()
	}
	c.timers[id] = time.AfterFunc(after, func() { _ = c.Post(rang{timer: id}) })
}

func (c *Call) onMedia(ctx context.Context, p *party, ev media.Event) {
	switch ev := ev.(type) {
	case media.Digit:
		if c.session != nil && c.caller != nil && p.media == c.caller.media {
			c.mediaDigit(ctx, ev)
			return
		}
		c.agentPressed(ctx, p, dtmf.Stroke{
			Source: ev.Source, Key: ev.Code, At: time.Now(), Held: time.Duration(ev.DurationMS) * time.Millisecond,
		})
	case media.Played:
		switch {
		case c.callback != nil:
			c.played(ctx, p, ev)
		case p.media == c.caller.media:
			c.spoken(ctx, ev.ID)
		}
	case media.Recorded:
		if in, ok := c.recorded(ev); ok {
			c.menu(ctx, in)
		}
	case media.Measured:
		c.measured(p, ev.Quality)
	case media.Failed:
		c.mediaFailed(ctx, p, ev)
	case media.Stalled:
		c.stalled(p, ev)
	}
}

// mediaFailed ends what can't be heard any more: the call, or the agent's part.
func (c *Call) mediaFailed(ctx context.Context, p *party, ev media.Failed) {
	c.log.Error("media failed", "agent", p.agent, "reason", ev.Reason)
	switch {
	case c.caller != nil && p.media == c.caller.media, c.callback != nil, c.trial != nil:
		c.end(&EndError{Cause: CauseFault(), Err: errMedia})
		return
	case c.away != nil && c.away.far != nil && c.away.far.media == p.media:
		c.farBroken(ctx, c.away.far)
		return
	}
	for _, g := range c.invited() {
		if g.party != nil && g.media == p.media {
			c.guestLeft(ctx, g, acd.SideSwitch)
			return
		}
	}
	if c.agent != nil && c.agent.media == p.media { // an offer's phones share their media
		if !c.succession(ctx, acd.SideSwitch) {
			c.dropAgent(acd.SideSwitch)
			c.served(ctx)
		}
	}
}

// q850Of is the cause of our BYE for the cause that a flow gives (ITU-T Q.850).
func q850Of(cause string) int {
	switch cause {
	case "busy":
		return 17
	case "congestion":
		return 34
	case "fault":
		return 41
	default:
		return 16 // normal call clearing
	}
}
