package acd

import "slices"

// Reasons of callback.missed beside the outcomes of CallbackMissed.
const (
	missedAgentLeft  = "agent_left"
	missedUnreported = "unreported"
	missedNodeLost   = "node_lost"
)

// lastReached is how the last attempt of a call-back that is done went.
const lastReached = "reached"

// dial begins an attempt: the agent is there, now for the customer.
func (s *State) dial(c *call, o *offer, r *Result) {
	b := c.callback
	b.attempt++
	c.phase = PhaseDialling
	b.at = s.now + DialFor + dialGrace
	s.setTimer(timerCallback, c.id, 0, c.nextCallback())
	r.Facts = append(r.Facts, s.attemptFact(FactCallbackDialled, o))
}

// dialling returns the call-back whose customer is being called for an offer.
func (s *State) dialling(ev Event, id uint64) (*call, error) {
	o := s.offers[id]
	if o == nil {
		return nil, refuse(ev, "offer %d is over", id)
	}
	c := s.calls[o.call]
	if c.phase != PhaseDialling {
		return nil, refuse(ev, "call is %s", c.phase)
	}
	return c, nil
}

func (s *State) callbackReached(ev CallbackReached, r *Result) error {
	c, err := s.dialling(ev, ev.Offer)
	if err != nil {
		return err
	}
	o := s.offers[ev.Offer]
	s.setTimer(timerCallback, c.id, c.nextCallback(), 0)
	c.phase, c.callback.last, c.others = PhaseTalking, lastReached, nil
	c.trunk, c.sipCallID, c.leg = ev.Trunk, ev.SIPCallID, ev.Leg
	o.answeredAt = s.now
	f := s.attemptFact(FactCallbackReached, o)
	f.Trunk, f.SIPCallID = c.trunk, c.sipCallID
	r.Facts = append(r.Facts, f)
	return nil
}

func (s *State) callbackMissed(ev CallbackMissed, r *Result) error {
	c, err := s.dialling(ev, ev.Offer)
	if err != nil {
		return err
	}
	if ev.Outcome != SwitchFailed && (ev.Outcome < NoAnswer || ev.Outcome > Unreachable) {
		return refuse(ev, "%s is no outcome of a customer's leg", ev.Outcome)
	}
	s.missed(c, ev.Outcome.String(), ev.SIP, r)
	return nil
}

// missed ends an attempt: the agent is free at once, the call-back tries again
// later or has tried often enough. One attempt more is made if the last one
// didn't fail for the customer.
func (s *State) missed(c *call, why string, sip int, r *Result) {
	b := c.callback
	o := s.offers[c.offer]
	s.setTimer(timerCallback, c.id, c.nextCallback(), 0)
	b.last, c.others = why, nil
	most, again := c.queue.Callback.attempts(), s.now
	switch why {
	case missedAgentLeft:
		most++
		c.passOver(o.agent, s.now, c.queue.ReofferAfter)
	case missedNodeLost, missedUnreported, SwitchFailed.String():
		most++
		again += c.queue.Callback.spacing()
	default:
		again += c.queue.Callback.spacing()
	}
	over := b.attempt >= most || again >= b.expires
	f := s.attemptFact(FactCallbackMissed, o)
	f.Cause, f.SIP = why, sip
	if !over {
		f.Until = again
	}
	r.Facts = append(r.Facts, f)
	s.part(o, why, r)
	if over {
		s.finish(c, ending{cause: CallbackFailed}, r)
		return
	}
	s.doze(c, again, r)
}

// part takes an agent out of an attempt without any work after it. Nobody but
// an agent who hung up is to blame.
func (s *State) part(o *offer, why string, r *Result) {
	c, a := s.calls[o.call], s.agents[o.agent]
	delete(s.offers, o.id)
	c.offer, a.offer = 0, 0
	if why != missedAgentLeft {
		r.Effects = append(r.Effects, ReleaseAgent{Node: c.node, Call: c.id, Agent: a.id, Offer: o.id})
	}
	if a.gone {
		s.remove(a, r)
		return
	}
	s.wrapUpOver(a, change{cause: "callback_missed"}, r)
	if why == missedAgentLeft && a.state == AgentReady {
		s.setBackOff(a, s.now+max(a.config.BackOff, minBackOff))
		s.place(a)
	}
}

// endCallback is what the end of the legs means: the customer has been served,
// or this attempt has failed.
func (s *State) endCallback(c *call, ev CallEnded, r *Result) error {
	s.dropSides(c, ev.By, r)
	switch c.phase {
	case PhaseTalking:
		if ev.bySwitch() {
			s.remember(c)
		}
		o := s.offers[c.offer]
		r.Effects = append(r.Effects, ReleaseAgent{Node: c.node, Call: c.id, Agent: o.agent, Offer: o.id})
		s.release(o, ev.By, ev.AgentQuality, r)
		fallthrough
	case PhaseAfter, PhaseDirected:
		s.finish(c, ending{cause: CallbackDone, reason: ev.Cause, by: ev.By.String(), sip: ev.SIP, quality: ev.Quality}, r)
	case PhaseDialling:
		why := SwitchFailed.String()
		if ev.Cause == missedNodeLost {
			why = missedNodeLost
		}
		s.missed(c, why, ev.SIP, r)
	case PhaseOffered:
		if ev.Cause == missedNodeLost {
			s.recall(c, r)
			break
		}
		o := s.offers[c.offer]
		for len(o.rings) > 0 {
			s.stopRinging(o, o.rings[0].agent, SwitchFailed, r)
			s.fail(o, 0, SwitchFailed, ev.SIP, r)
		}
	case PhaseMenu, PhaseWaiting, PhaseDormant, PhaseTest:
		return refuse(ev, "call-back is %s: it has no legs", c.phase)
	}
	return nil
}

// attemptFact also says which agent takes part.
func (s *State) attemptFact(kind FactKind, o *offer) Fact {
	f := s.callbackFact(kind, s.calls[o.call])
	f.Agent, f.Offer, f.WaitMS = o.agent, o.id, s.now-s.calls[o.call].queuedAt
	return f
}

// ringing returns what the phones and the screen of an agent need to know of a
// call-back, nil for other calls.
func (c *call) ringing() *CallbackCall {
	if c.callback == nil {
		return nil
	}
	return &CallbackCall{
		Number: c.to, Queue: c.queue.Name, Tier: c.tier, Customer: c.customer, Language: c.language,
		Attach: slices.Clone(c.attach), Attempt: c.callback.attempt + 1, For: DialFor,
	}
}
