package call

import (
	"context"
	"errors"
	"time"

	"tierline/ivr"
	"tierline/media/prompt"
	"tierline/media/tone"
)

// Why a caller can't be asked something aside.
var (
	ErrNotTalking = errors.New("the call has no agent who talks to the caller now")
	ErrNoFlow     = errors.New("there is no such flow")
)

// aside is a caller who answers a flow's questions in the middle of a
// conversation. Meanwhile he hears nobody and nobody hears him.
type aside struct {
	main *ivr.Session // waits
	flow string
}

// AskAside sends the caller of a conversation into a flow, which asks him for a
// secret as a rule, and brings him back to the agent when it ends.
func (s *Switch) AskAside(ctx context.Context, call, flow, by string) error {
	return s.command(ctx, call, func(ctx context.Context, c *Call) error { return c.askAside(ctx, flow, by) })
}

func (c *Call) askAside(ctx context.Context, name, by string) error {
	flow := c.gen.Flows[name]
	m := c.member(c.caller)
	switch {
	case flow == nil:
		return ErrNoFlow
	case c.agent == nil || m == nil || c.session == nil || c.aside != nil || m.held:
		return ErrNotTalking
	}
	c.log.Info("the caller is asked aside", "flow", name, "by", by)
	m.aside = true
	c.arrange()
	c.agent.media.PlayMusic(c.tone(c.sw.cfg.Services.waiting))
	session, actions := c.session.StartAside(flow, time.Now())
	c.aside = &aside{main: c.session, flow: name}
	c.session = session
	c.do(ctx, actions)
	return nil
}

// endAside brings the caller back.
func (c *Call) endAside() {
	ok := c.leaveAside()
	if c.agent == nil {
		return
	}
	c.hush()
	c.agent.media.Stop()
	c.member(c.caller).aside = false
	c.arrange()
	c.agent.media.Play(0, []*prompt.Clip{verdict(ok)})
}

// leaveAside goes on with the call's own menu.
func (c *Call) leaveAside() (ok bool) {
	a := c.aside
	ok = a.main.EndAside(c.session)
	c.session, c.aside = a.main, nil
	c.mask()
	c.log.Info("the caller was asked aside", "flow", a.flow, "ok", ok)
	return ok
}

// quitAside ends what is asked aside without its answer: a leg has gone.
func (c *Call) quitAside() {
	if c.aside != nil {
		c.lastAnswers()
		c.leaveAside()
	}
}

// verdict is what the agent hears when the caller comes back: two beeps that
// rise, or two that fall.
func verdict(ok bool) *prompt.Clip {
	const level = -16 // dBm0
	low, high := tone.Make(120*time.Millisecond, level, 500), tone.Make(120*time.Millisecond, level, 800)
	if !ok {
		low, high = high, low
	}
	return prompt.NewClip(append(low, high...))
}

// actAside deals with what a flow that is asked aside can't do as others can:
// end the call, or take the caller away from the agent.
func (c *Call) actAside(a ivr.Action) (done bool) {
	switch a.(type) {
	case ivr.Disconnect:
	case ivr.Enqueue, ivr.Transfer, ivr.RequestCallback, ivr.Record:
		c.log.Warn("a flow asked aside wants to take the caller away", "flow", c.aside.flow)
	default:
		return false
	}
	c.endAside()
	return true
}
