package acd

import "slices"

// lose stops the phones of all agents of an offer but one, and returns the
// agents, who need a new state.
func (s *State) lose(o *offer, winner string, r *Result) (losers []*agent) {
	for _, x := range o.rings {
		if x.agent == winner {
			continue
		}
		a := s.agents[x.agent]
		s.stopRinging(o, a.id, LostRace, r)
		s.failed(o, a, LostRace, 0, r)
		losers = append(losers, a)
	}
	return losers
}

func (s *State) offerFailed(ev OfferFailed, r *Result) error {
	o, i, err := s.open(ev, ev.Offer, ev.Agent)
	if err != nil {
		return err
	}
	if ev.Outcome < NoAnswer || ev.Outcome > SwitchFailed {
		return refuse(ev, "unknown outcome %d", ev.Outcome)
	}
	if o.role != 0 {
		s.sideFailed(o, ev.Outcome, ev.SIP, r)
		return nil
	}
	s.fail(o, i, ev.Outcome, ev.SIP, r)
	return nil
}

// offerExpired acts when nobody reported in time. A phone that never rang was
// not reached.
func (s *State) offerExpired(c *call, r *Result) {
	o := s.offers[c.offer]
	for len(o.rings) > 0 {
		x := o.rings[0]
		outcome := Unreachable
		if x.rang {
			outcome = NoAnswer
		}
		s.stopRinging(o, x.agent, outcome, r)
		s.fail(o, 0, outcome, 0, r)
	}
}

func (s *State) stopRinging(o *offer, agent string, outcome Outcome, r *Result) {
	r.Effects = append(r.Effects, StopRinging{
		Node: s.calls[o.call].node, Call: o.call, Agent: agent, Offer: o.id, Outcome: outcome,
	})
}

// fail ends an agent's part of an offer that didn't become a conversation: he
// takes the consequences. When nobody else rings, the call goes back to its
// place.
func (s *State) fail(o *offer, i int, outcome Outcome, sip int, r *Result) {
	c, a := s.calls[o.call], s.agents[o.rings[i].agent]
	over := s.cancel(o, i, outcome, sip, r)
	to, why := stance{state: AgentReady}, change{cause: outcome.String()}
	switch outcome {
	case NoAnswer:
		a.misses++
	case Unreachable:
		a.misses++
		s.setBackOff(a, s.now+max(a.config.BackOff, minBackOff))
	case Busy, Rejected, SwitchFailed: // the last so that we don't try again at once
		s.setBackOff(a, s.now+max(a.config.BackOff, minBackOff))
	case CallerLeft, AgentWithdrawn, LostRace:
	}
	if a.misses >= a.maxMisses() {
		to = stance{state: AgentNotReady, reason: ReasonMissed}
		if outcome == Unreachable {
			to.reason = ReasonUnreachable
		}
	}
	if outcome <= Unreachable {
		c.passOver(a.id, s.now, c.queue.ReofferAfter)
		c.keptUntil = 0 // if it was kept for him, he has had his turn
	}
	if over { // before he can turn out to be gone, so that nothing is kept for him
		s.back(c, r) // with a max wait that is over by now, it leaves when time passes next
	}
	s.enter(a, to, why, r)
}

// withdraw takes an agent out of an offer without blaming anybody; he has no
// call and needs a new state. When nobody else rings, the call goes back to its
// place.
func (s *State) withdraw(o *offer, a *agent, outcome Outcome, r *Result) {
	s.stopRinging(o, a.id, outcome, r)
	if o.role != 0 {
		s.cancelSide(o, outcome, 0, r)
		return
	}
	if s.cancel(o, o.find(a.id), outcome, 0, r) {
		s.back(s.calls[o.call], r)
	}
}

// withdrawAll is withdraw for everybody whom an offer rings.
func (s *State) withdrawAll(o *offer, outcome Outcome, r *Result) (out []*agent) {
	for len(o.rings) > 0 {
		a := s.agents[o.rings[0].agent]
		s.withdraw(o, a, outcome, r)
		out = append(out, a)
	}
	return out
}

// cancel closes an agent's part of an offer, and with the last one the offer
// itself.
func (s *State) cancel(o *offer, i int, outcome Outcome, sip int, r *Result) (over bool) {
	s.failed(o, s.agents[o.rings[i].agent], outcome, sip, r)
	o.rings = slices.Delete(o.rings, i, i+1)
	if len(o.rings) > 0 {
		return false
	}
	s.setTimer(timerOffer, o.call, o.expires, 0)
	delete(s.offers, o.id)
	s.calls[o.call].offer = 0
	return true
}

// failed notes that an agent won't have the call of an offer.
func (s *State) failed(o *offer, a *agent, outcome Outcome, sip int, r *Result) {
	f := s.offerFact(FactOfferFailed, o, a.id)
	f.Cause, f.SIP = outcome.String(), sip
	r.Facts = append(r.Facts, f)
	a.offer = 0
}
