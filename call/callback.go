package call

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/media"
	"tierline/media/prompt"
	"tierline/routing"
)

const (
	// lingering is how long a call-back without any leg stays: the offers of a
	// ring group come one by one.
	lingering = time.Second
	// whisperLimit is the longest a whisper may keep us from calling.
	whisperLimit = 8 * time.Second
	// reachGrace is what is left of the log's patience when we give up, to report.
	reachGrace = 5 * time.Second
)

// Plays of a call-back's legs.
const (
	whisperPlay = iota + 1
	announcePlay
)

// attempt is one try to call a customer back: the agent first.
type attempt struct {
	acd.CallbackCall
	offer    uint64
	whisper  *time.Timer // while the agent hears what it is about
	deadline time.Time   // when the log gives up
	customer *far
	said     bool // the customer has heard why we call
	reached  bool // it stands in the log: he and the agent may talk
	unsure   bool // the log didn't answer
	talking  bool
}

// attemptKey names an attempt among the calls of a node: the next one may begin
// before this one is gone.
func attemptKey(call string, offer uint64) string { return fmt.Sprintf("%s/%d", call, offer) }

// callBack begins an attempt. There is no caller's leg.
func (s *Switch) callBack(e acd.RingAgent) {
	c := &Call{
		id: e.Call, sw: s, gen: s.cfg.Services.Current(), from: e.Callback.Number, to: e.Callback.Number,
		customer: e.Callback.Customer, codecs: sdp.DefaultCodecs(), release: func() {},
		callback: &attempt{CallbackCall: *e.Callback, offer: e.Offer},
	}
	c.customer.Tier = e.Callback.Tier
	c.prime(attemptKey(e.Call, e.Offer))
	err := errNoService
	if c.gen != nil {
		err = s.enter(c)
	}
	if err != nil {
		s.cfg.Log.Warn("cannot call back", "call", e.Call, "err", err)
		s.cfg.Queue.Post(acd.OfferFailed{Offer: e.Offer, Agent: e.Agent, Outcome: acd.SwitchFailed})
		return
	}
	_ = c.Post(asked{effect: e}) // the first in its mailbox
	c.run()
}

// idle ends a call-back that nobody rings for any more.
func (c *Call) idle() {
	if c.callback == nil || c.ending {
		return
	}
	c.after(lingering, func() {
		if len(c.offers) == 0 && c.agent == nil {
			c.end(nil)
		}
	})
}

// prepare tells the agent, who has just picked up, what it is about; then the
// customer is called.
func (c *Call) prepare(ctx context.Context) {
	b := c.callback
	b.deadline = time.Now().Add(time.Duration(b.For) * time.Millisecond)
	if c.agent.dead {
		c.agentHungUp(ctx, c.agent.party)
		return
	}
	clips := c.gen.Clips(c.gen.Callbacks.Agent)
	if len(clips) == 0 {
		c.callCustomer(ctx)
		return
	}
	b.whisper = c.after(min(total(clips)+time.Second, whisperLimit), func() { c.callCustomer(ctx) })
	c.agent.media.Play(whisperPlay, clips)
}

// played is the end of what we say to one of the two.
func (c *Call) played(ctx context.Context, p *party, ev media.Played) {
	b := c.callback
	switch {
	case ev.ID == whisperPlay && c.agent != nil && p.media == c.agent.media && b.customer == nil:
		c.forgetTimer(b.whisper)
		c.callCustomer(ctx)
	case ev.ID == announcePlay && b.customer != nil && p.media == b.customer.media:
		b.said, c.vigil.sound = true, false
		c.joinCustomer()
		if !b.talking { // the log doesn't know yet
			c.music(c.gen.Hold(c.language()))
		}
	}
}

// callCustomer dials. The agent hears it ring.
func (c *Call) callCustomer(ctx context.Context) {
	b := c.callback
	b.customer = &far{
		limit:    b.deadline.Add(-reachGrace),
		answered: c.customerAnswered,
		failed: func(_ context.Context, status int) {
			c.sw.cfg.Queue.Post(acd.CallbackMissed{Offer: b.offer, Outcome: farOutcome(status), SIP: status})
			c.end(endBy(acd.SideSwitch, 16, "callback_missed"))
		},
	}
	c.agent.media.PlayMusic(c.tone(c.sw.cfg.Services.ringing))
	err := c.callOut(ctx, "", b.Number, "", b.customer)
	if err == nil {
		return
	}
	b.customer = nil
	outcome := acd.Rejected // not permitted any more: later it won't be either
	if errors.Is(err, errTrunksFull) || errors.Is(err, media.ErrNoPorts) {
		outcome = acd.SwitchFailed
	}
	c.sw.cfg.Queue.Post(acd.CallbackMissed{Offer: b.offer, Outcome: outcome})
	c.end(endBy(acd.SideSwitch, 16, "callback_missed"))
}

// customerAnswered says why we call, and writes into the log that he is there.
func (c *Call) customerAnswered(ctx context.Context) {
	b := c.callback
	c.caller, c.answered = b.customer.party, true
	c.caller.name = "" // with the answer the log knows him as the customer
	clips := c.clipsIn(c.gen.Callbacks.Customer, c.language())
	b.said = len(clips) == 0
	if b.said {
		c.music(c.gen.Hold(c.language())) // until the log knows
	} else {
		c.playNow(announcePlay, clips)
	}
	c.reach(ctx)
}

func (c *Call) clipsIn(id, language string) []*prompt.Clip {
	if clip, ok := c.gen.Clip(id, language); ok {
		return []*prompt.Clip{clip}
	}
	return c.gen.Clips(id)
}

// reach writes the answer into the log. Without it the two aren't joined; if it
// is refused, the attempt is over.
func (c *Call) reach(ctx context.Context) {
	b := c.callback
	leg, err := b.customer.storedLeg(b.customer.sip.Dialog())
	if err != nil {
		c.log.Warn("customer's dialog can't be stored", "err", err)
	}
	ev := acd.CallbackReached{
		Offer: b.offer, Trunk: b.customer.trunk, SIPCallID: b.customer.sip.Dialog().CallID, Leg: leg,
	}
	c.beside(func() func() {
		_, _, err := c.sw.cfg.Queue.Propose(ctx, ev)
		return func() { c.reachCommitted(ctx, err) }
	})
}

func (c *Call) reachCommitted(ctx context.Context, err error) {
	b := c.callback
	_, refused := errors.AsType[*acd.RefusedError](err)
	if refused && b.unsure && c.isTalking() {
		err = nil // it had got there
	}
	switch {
	case err == nil:
		b.reached = true
		c.joinCustomer()
	case refused:
		c.log.Info("customer answered too late", "err", err)
		c.end(endBy(acd.SideSwitch, 16, "callback_missed"))
	default:
		c.log.Warn("cannot commit that the customer answered", "err", err)
		b.unsure = true
		c.after(retryQueue, func() { c.reach(ctx) })
	}
}

func (c *Call) isTalking() (yes bool) {
	c.sw.cfg.Queue.Read(func(s *acd.State) {
		v, ok := s.Call(c.id)
		yes = ok && v.Phase == acd.PhaseTalking && v.Offer == c.callback.offer
	})
	return yes
}

// joinCustomer lets the two talk as soon as both may.
func (c *Call) joinCustomer() {
	b := c.callback
	if !b.said || !b.reached || b.talking || c.agent == nil {
		return
	}
	b.talking = true
	c.agent.media.Stop()
	c.log.Info("customer called back", "agent", c.agent.agent, "attempt", b.Attempt)
	c.queue = b.Queue
	c.talk(b.Queue)
}

// released is the log taking the agent out.
func (c *Call) released(ctx context.Context, e acd.ReleaseAgent) {
	if g := c.guestWho(e.Offer); g != nil && g.party != nil {
		c.guestLeft(ctx, g, acd.SideSwitch)
		return
	}
	if c.agent == nil || c.agent.offer != e.Offer {
		return
	}
	if c.callback != nil {
		c.end(endBy(acd.SideSwitch, 16, "released"))
		return
	}
	c.dropAgent(acd.SideSwitch)
}

// endCallback ends all legs. What the log doesn't know yet it is told: that the
// conversation is over, or that this attempt will come to nothing. The call-back
// itself lives on there.
func (c *Call) endCallback(cause Cause) {
	b := c.callback
	for _, o := range c.offers {
		c.sw.cfg.Queue.Post(acd.OfferFailed{Offer: o.id, Agent: o.agent, Outcome: acd.SwitchFailed})
	}
	c.dismissGuests(cause.Side, cause)
	c.dropOffers(cause)
	dialling := c.agent != nil && !b.reached
	agentQuality := c.leaveAgent()
	quality := c.closeFar(b.customer, cause)
	c.endTapes()
	switch {
	case b.reached:
		c.sw.cfg.Queue.Post(acd.CallEnded{
			Call: c.id, Cause: cause.Reason, By: cause.Side, Quality: quality, AgentQuality: agentQuality,
		})
	case dialling && c.answered: // whatever of this comes too late is refused
		c.sw.cfg.Queue.Post(acd.CallbackMissed{Offer: b.offer, Outcome: acd.Rejected})
		c.sw.cfg.Queue.Post(acd.CallEnded{Call: c.id, Cause: cause.Reason, By: cause.Side})
	case dialling:
		c.sw.cfg.Queue.Post(acd.CallbackMissed{Offer: b.offer, Outcome: acd.SwitchFailed})
	}
	c.log.Info("call-back attempt ended", "to", routing.Mask(b.Number), "attempt", b.Attempt, "reached", b.reached)
}
