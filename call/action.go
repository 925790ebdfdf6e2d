package call

import (
	"context"
	"time"

	"tierline/acd"
	"tierline/ivr"
)

// act carries out one action of the menu.
func (c *Call) act(ctx context.Context, a ivr.Action) {
	if c.aside != nil && c.actAside(a) {
		return
	}
	switch a := a.(type) {
	case ivr.Speak, ivr.StopSpeaking, ivr.PlayMusic:
		c.sound(ctx, a)
	case ivr.SetTimer:
		c.setTimer(a.ID, a.After)
	case ivr.CancelTimer:
		if t := c.timers[a.ID]; t != nil {
			t.Stop()
			delete(c.timers, a.ID)
		}
	case ivr.Note:
		c.step(a, c.menuState())
	case ivr.Enqueue, ivr.Unqueue, ivr.AskPlace, ivr.RequestCallback:
		c.queueing(ctx, a)
	case ivr.Lookup, ivr.CancelLookup, ivr.Notify, ivr.TryAuth, ivr.AuthResult:
		c.ask(ctx, a)
	case ivr.Record, ivr.StopRecording, ivr.KeepRecording, ivr.DropRecording:
		c.tape(ctx, a)
	case ivr.Answer:
		c.surveyed(a)
	case ivr.Transfer:
		c.transfer(ctx, a)
	case ivr.Trouble:
		c.log.Warn("trouble in the flow", "flow", c.flowName, "step", a.Step, "trouble", a.Text)
		c.sw.stats.troubles.Add(1)
	case ivr.Disconnect:
		c.end(endBy(acd.SideSwitch, q850Of(a.Cause), a.Cause))
	}
}

// step is a checkpoint; state is what another node needs to go on with the
// menu, nil if a later step brings it.
func (c *Call) step(a ivr.Note, state []byte) {
	c.sw.cfg.Queue.Post(acd.CallStepped{
		Call: c.id, Step: a.Step, Milestone: a.Milestone, Language: a.Language, Key: a.Key, Menu: state,
		Outcome: a.Outcome, TookMS: a.Took.Milliseconds(),
	})
}

// menuState is what another node needs to go on. It brings the caller back to
// his own menu, whatever he is asked aside.
func (c *Call) menuState() []byte {
	if c.aside != nil {
		return nil
	}
	return c.session.Encode()
}

// lastWords lets the menu say what must still be done although the caller is
// gone; what is for the caller isn't done any more.
func (c *Call) lastWords() {
	if c.session == nil {
		return
	}
	c.quitAside()
	c.lastAnswers()
}

func (c *Call) lastAnswers() {
	for _, a := range c.session.Handle(ivr.HungUp{}, time.Now()) {
		switch a := a.(type) {
		case ivr.AuthResult:
			c.authResult(a)
		case ivr.KeepRecording:
			c.keep(a.Ref)
		case ivr.DropRecording:
			c.drop(a.Ref)
		case ivr.Answer:
			c.surveyed(a)
		default:
		}
	}
}

func (c *Call) surveyed(a ivr.Answer) {
	c.sw.cfg.Queue.Post(acd.CallSurveyed{Call: c.id, Question: a.Question, Value: a.Value})
}
