package acd

import (
	"cmp"

	"tierline/routing/rank"
)

const (
	// defaultRing is how long a phone rings if the queue doesn't say.
	defaultRing = 15_000 // ms
	// ringGrace is what the node that rings gets on top to report the result.
	// Then the core withdraws the offer itself.
	ringGrace = 1000 // ms
)

// offer is one call to one agent: ringing, or the conversation that came of it.
type offer struct {
	id          uint64 // log index of CallOffered: never used twice
	call, agent string
	rang        bool
	expires     int64 // 0 once answered
	answeredAt  int64
	leg         []byte // of the agent, opaque
}

// ringing and answered tell the two lives of an offer apart; no offer has
// neither.
func (o *offer) ringing() bool  { return o != nil && o.expires != 0 }
func (o *offer) answered() bool { return o != nil && o.expires == 0 }

func (s *State) callOffered(ev CallOffered, index uint64, r *Result) error {
	c, a := s.calls[ev.Call], s.agents[ev.Agent]
	switch {
	case c == nil:
		return refuse(ev, "no such call")
	case c.phase != PhaseWaiting:
		return refuse(ev, "call is %s", c.phase)
	case a == nil:
		return refuse(ev, "no such agent")
	case a.state != AgentReady:
		return refuse(ev, "agent is %s", a.state)
	case a.backOff != 0:
		return refuse(ev, "agent's phone was busy or refused a moment ago")
	case !s.board.Able(&a.seat, &c.place):
		return refuse(ev, "agent lacks %s", c.place.Requirement)
	case c.keptUntil != 0 && c.preferred != a.id:
		return refuse(ev, "call is kept for %s", c.preferred)
	case index == 0 || s.offers[index] != nil:
		return refuse(ev, "offer %d exists", index)
	}
	r.expectTwo()
	ring := cmp.Or(c.queue.RingTime, defaultRing)
	o := &offer{id: index, call: c.id, agent: a.id, expires: s.now + ring + ringGrace}
	s.offers[o.id] = o
	s.unwait(c)
	c.phase, c.offer = PhaseOffered, o.id
	a.offer, a.call = o.id, c.id
	s.setTimer(timerOffer, c.id, 0, o.expires)
	r.Effects = append(r.Effects, RingAgent{
		Node: c.node, Call: c.id, Agent: a.id, Offer: o.id, Contacts: a.contacts(), For: ring,
	})
	f := s.offerFact(FactCallOffered, o)
	f.Reason, f.Until = ev.Why, o.expires
	r.Facts = append(r.Facts, f)
	s.become(a, stance{state: AgentReserved, until: o.expires}, change{cause: "offer"}, r)
	return nil
}

// offerFact returns a fact with everything that says which offer is meant.
func (s *State) offerFact(kind FactKind, o *offer) Fact {
	c := s.calls[o.call]
	return Fact{
		Kind: kind, Call: o.call, Agent: o.agent, Offer: o.id, Queue: c.queue.Name, Node: c.node,
		Tier: tierOf(c), Customer: c.customer.ID, WaitMS: s.now - c.queuedAt,
	}
}

func (s *State) offerRang(ev OfferRang, r *Result) error {
	o, err := s.open(ev, ev.Offer)
	if err != nil {
		return err
	}
	if o.rang {
		return refuse(ev, "offer rings already")
	}
	r.expectTwo()
	o.rang = true
	r.Facts = append(r.Facts, s.offerFact(FactCallRinging, o))
	s.become(s.agents[o.agent], stance{state: AgentAlerting, until: o.expires}, change{cause: "ringing"}, r)
	return nil
}

// open returns an offer that still waits for its result.
func (s *State) open(ev Event, id uint64) (*offer, error) {
	o := s.offers[id]
	switch {
	case o == nil:
		return nil, refuse(ev, "offer %d is over", id)
	case !o.ringing():
		return nil, refuse(ev, "offer %d is answered", id)
	}
	return o, nil
}

func (s *State) offerAnswered(ev OfferAnswered, r *Result) error {
	o, err := s.open(ev, ev.Offer)
	if err != nil {
		return err
	}
	r.expectTwo()
	c, a := s.calls[o.call], s.agents[o.agent]
	s.setTimer(timerOffer, c.id, o.expires, 0)
	o.expires, o.answeredAt, o.leg = 0, s.now, ev.Leg
	s.quit(c)
	c.phase = PhaseTalking
	a.misses = 0
	r.Effects = append(r.Effects, ConnectAgent{Node: c.node, Call: c.id, Agent: a.id, Offer: o.id})
	r.Facts = append(r.Facts, s.offerFact(FactCallConnected, o))
	s.become(a, stance{state: AgentTalking}, change{cause: "answered"}, r)
	return nil
}

func (s *State) offerFailed(ev OfferFailed, r *Result) error {
	o, err := s.open(ev, ev.Offer)
	if err != nil {
		return err
	}
	if ev.Outcome < NoAnswer || ev.Outcome > SwitchFailed {
		return refuse(ev, "unknown outcome %d", ev.Outcome)
	}
	s.fail(o, ev.Outcome, ev.SIP, r)
	return nil
}

// offerExpired acts when nobody reported in time. A phone that never rang was
// not reached.
func (s *State) offerExpired(c *call, r *Result) {
	o := s.offers[c.offer]
	outcome := Unreachable
	if o.rang {
		outcome = NoAnswer
	}
	s.stopRinging(o, outcome, r)
	s.fail(o, outcome, 0, r)
}

func (s *State) stopRinging(o *offer, outcome Outcome, r *Result) {
	r.Effects = append(r.Effects, StopRinging{
		Node: s.calls[o.call].node, Call: o.call, Agent: o.agent, Offer: o.id, Outcome: outcome,
	})
}

// fail ends an offer that didn't become a conversation: the call goes back to
// its place, the agent takes the consequences.
func (s *State) fail(o *offer, outcome Outcome, sip int, r *Result) {
	c, a := s.calls[o.call], s.agents[o.agent]
	s.cancel(o, outcome, sip, r)
	to, why := stance{state: AgentReady}, change{cause: outcome.String()}
	switch outcome {
	case NoAnswer:
		a.misses++
	case Unreachable:
		a.misses++
		s.setBackOff(a, s.now+max(a.config.BackOff, minBackOff))
	case Busy, Rejected, SwitchFailed: // the last so that we don't try again at once
		s.setBackOff(a, s.now+max(a.config.BackOff, minBackOff))
	case CallerLeft, AgentWithdrawn:
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
	s.enter(a, to, why, r)
	s.back(c, r) // with a max wait that is over by now, it leaves when time passes next
}

// withdraw stops an offer without blaming anybody. The call goes back to its
// place; the agent it returns has no call and needs a new state.
func (s *State) withdraw(o *offer, outcome Outcome, r *Result) *agent {
	c, a := s.calls[o.call], s.agents[o.agent]
	s.stopRinging(o, outcome, r)
	s.cancel(o, outcome, 0, r)
	s.back(c, r)
	return a
}

// cancel closes the offer itself.
func (s *State) cancel(o *offer, outcome Outcome, sip int, r *Result) {
	f := s.offerFact(FactOfferFailed, o)
	f.Cause, f.SIP = outcome.String(), sip
	r.Facts = append(r.Facts, f)
	s.setTimer(timerOffer, o.call, o.expires, 0)
	delete(s.offers, o.id)
	s.calls[o.call].offer = 0
	s.agents[o.agent].offer = 0
}

func (s *State) agentReleased(ev AgentReleased, r *Result) error {
	o := s.offers[ev.Offer]
	switch {
	case o == nil:
		return refuse(ev, "offer %d is over", ev.Offer)
	case !o.answered():
		return refuse(ev, "offer %d is not answered", ev.Offer)
	}
	s.calls[o.call].phase = PhaseAfter
	s.release(o, ev.By, ev.Quality, r)
	return nil
}

// release ends the agent's part of a conversation. The caller decides what
// becomes of the call.
func (s *State) release(o *offer, by Side, quality *Quality, r *Result) {
	r.expectTwo()
	c, a := s.calls[o.call], s.agents[o.agent]
	f := s.offerFact(FactAgentReleased, o)
	f.By, f.Quality, f.TalkMS = by.String(), quality, s.now-o.answeredAt
	f.WaitMS = o.answeredAt - c.queuedAt
	r.Facts = append(r.Facts, f)
	delete(s.offers, o.id)
	c.offer, a.offer = 0, 0
	why := change{cause: "call_over"}
	switch {
	case a.gone:
		s.remove(a, r)
	default:
		s.beginWrapUp(a, o, c.queue, why, r)
	}
}

// passOver lets others go first for a while, and forgets passes that lapsed.
func (c *call) passOver(agent string, now, forMS int64) {
	kept := c.place.PassedOver[:0]
	for _, p := range c.place.PassedOver {
		if p.Until > now && p.Agent != agent {
			kept = append(kept, p)
		}
	}
	c.place.PassedOver = kept
	if forMS > 0 {
		c.place.PassedOver = append(kept, rank.PassedOver{Agent: agent, Until: now + forMS})
	}
}
