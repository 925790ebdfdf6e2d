package acd

import (
	"cmp"
	"slices"

	"tierline/routing/rank"
)

const (
	// defaultRing is how long a phone rings if the queue doesn't say.
	defaultRing = 15_000 // ms
	// ringGrace is what the node that rings gets on top to report the result.
	// Then the core withdraws the offer itself.
	ringGrace = 1000 // ms
)

// offer is one call to one agent, or to several of whom the first to pick up
// has it: ringing, or the conversation that came of it.
type offer struct {
	id         uint64 // log index of CallOffered: never used twice
	call       string
	agent      string // who picked up; "" while it rings
	rings      []ring // who may still pick up, the first choice first; empty once somebody did
	madeAt     int64
	expires    int64 // 0 once answered
	answeredAt int64
	leg        []byte // of the agent, opaque

	role        Role   // 0: a queue gave him the call, or he serves it by now
	by          string // who wanted him, if no queue did
	held, muted bool   // by him
	mode        string // of a supervisor
}

// ring is an offer's part that concerns one agent.
type ring struct {
	agent string
	rang  bool
}

// ringing and answered tell the two lives of an offer apart; no offer has
// neither.
func (o *offer) ringing() bool  { return o != nil && o.expires != 0 }
func (o *offer) answered() bool { return o != nil && o.expires == 0 }

// find returns the place of an agent among those who may pick up, or -1.
func (o *offer) find(agent string) int {
	return slices.IndexFunc(o.rings, func(x ring) bool { return x.agent == agent })
}

// names reports whether the offer is an agent's.
func (o *offer) names(agent string) bool { return o.agent == agent || o.find(agent) >= 0 }

// who returns the one who talks or was chosen first, and who rings beside him.
func (o *offer) who() (agent string, more []string) {
	for i, x := range o.rings {
		if i == 0 {
			agent = x.agent
		} else {
			more = append(more, x.agent)
		}
	}
	return cmp.Or(o.agent, agent), more
}

func (s *State) callOffered(ev CallOffered, index uint64, r *Result) error {
	c := s.calls[ev.Call]
	switch {
	case c == nil:
		return refuse(ev, "no such call")
	case c.phase != PhaseWaiting:
		return refuse(ev, "call is %s", c.phase)
	case index == 0 || s.offers[index] != nil:
		return refuse(ev, "offer %d exists", index)
	case len(ev.More) >= max(c.queue.RingGroup, 1):
		return refuse(ev, "queue %q rings %d at once", c.queue.Name, max(c.queue.RingGroup, 1))
	}
	if err := s.mayRing(ev, c, ev.Agent); err != nil {
		return err
	}
	for i, id := range ev.More {
		if id == ev.Agent || slices.Contains(ev.More[:i], id) {
			return refuse(ev, "agent %s twice", id)
		}
		if err := s.mayRing(ev, c, id); err != nil {
			return err
		}
	}
	r.expect(2 + 2*len(ev.More))
	lasts := cmp.Or(c.queue.RingTime, defaultRing)
	o := &offer{
		id: index, call: c.id, madeAt: s.now, expires: s.now + lasts + ringGrace, rings: make([]ring, 0, 1+len(ev.More)),
	}
	s.offers[o.id] = o
	s.unwait(c)
	c.phase, c.offer = PhaseOffered, o.id
	s.setTimer(timerOffer, c.id, 0, o.expires)
	s.ring(o, s.agents[ev.Agent], lasts, ev.Why, r)
	for _, id := range ev.More {
		s.ring(o, s.agents[id], lasts, "ring group", r)
	}
	return nil
}

// mayRing refuses an offer to an agent who isn't free for a waiting call.
func (s *State) mayRing(ev Event, c *call, agent string) error {
	a := s.agents[agent]
	switch {
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
	}
	return nil
}

// ring adds an agent to an offer.
func (s *State) ring(o *offer, a *agent, lasts int64, why string, r *Result) {
	o.rings = append(o.rings, ring{agent: a.id})
	a.offer, a.call = o.id, o.call
	r.Effects = append(r.Effects, RingAgent{
		Node: s.calls[o.call].node, Call: o.call, Agent: a.id, Offer: o.id, Contacts: a.contacts(), For: lasts,
		Callback: s.calls[o.call].ringing(), Role: o.role, By: o.by,
	})
	f := s.offerFact(FactCallOffered, o, a.id)
	f.Reason, f.Until, f.Role, f.By = why, o.expires, o.role.String(), o.by
	if o.role != 0 { // no call.queued has told it
		f.From, f.Attach = s.calls[o.call].number(), s.calls[o.call].attach
	}
	r.Facts = append(r.Facts, f)
	s.become(a, stance{state: AgentReserved, until: o.expires}, change{cause: "offer"}, r)
}

// offerFact returns a fact with everything that says which offer is meant.
func (s *State) offerFact(kind FactKind, o *offer, agent string) Fact {
	c := s.calls[o.call]
	f := Fact{
		Kind: kind, Call: o.call, Agent: agent, Offer: o.id, Queue: c.queue.Name, Node: c.node,
		Tier: tierOf(c), Customer: c.customer.ID,
	}
	if o.by == "" { // it comes of a wait
		f.WaitMS = s.now - c.queuedAt
	}
	return f
}

func (s *State) offerRang(ev OfferRang, r *Result) error {
	o, i, err := s.open(ev, ev.Offer, ev.Agent)
	if err != nil {
		return err
	}
	x := &o.rings[i]
	if x.rang {
		return refuse(ev, "offer rings already")
	}
	r.expect(2)
	x.rang = true
	f := s.offerFact(FactCallRinging, o, x.agent)
	f.Role = o.role.String()
	r.Facts = append(r.Facts, f)
	s.become(s.agents[x.agent], stance{state: AgentAlerting, until: o.expires}, change{cause: "ringing"}, r)
	return nil
}

// open returns an offer that still waits for an agent's result, and his place
// in it. Who reports on an offer to one agent needn't name him.
func (s *State) open(ev Event, id uint64, agent string) (o *offer, i int, err error) {
	o = s.offers[id]
	switch {
	case o == nil:
		return nil, 0, refuse(ev, "offer %d is over", id)
	case !o.ringing():
		return nil, 0, refuse(ev, "offer %d is answered", id)
	case agent == "" && len(o.rings) == 1:
		return o, 0, nil
	case agent == "":
		return nil, 0, refuse(ev, "offer %d rings %d agents: one must be named", id, len(o.rings))
	}
	if i = o.find(agent); i < 0 {
		return nil, 0, refuse(ev, "offer %d doesn't ring %s", id, agent)
	}
	return o, i, nil
}

func (s *State) offerAnswered(ev OfferAnswered, r *Result) error {
	o, i, err := s.open(ev, ev.Offer, ev.Agent)
	if err != nil {
		return err
	}
	if o.role != 0 {
		s.sideAnswered(o, ev.Leg, r)
		return nil
	}
	r.expect(2 * len(o.rings))
	c, a := s.calls[o.call], s.agents[o.rings[i].agent]
	s.setTimer(timerOffer, c.id, o.expires, 0)
	r.Effects = append(r.Effects, ConnectAgent{Node: c.node, Call: c.id, Agent: a.id, Offer: o.id})
	losers := s.lose(o, a.id, r)
	o.agent, o.expires, o.answeredAt, o.leg, o.rings = a.id, 0, s.now, ev.Leg, nil
	s.quit(c)
	s.waited(c, false)
	a.misses = 0
	if c.callback != nil {
		s.dial(c, o, r)
	} else {
		c.phase = PhaseTalking
		r.Facts = append(r.Facts, s.offerFact(FactCallConnected, o, a.id))
	}
	s.become(a, stance{state: AgentTalking}, change{cause: "answered"}, r)
	for _, x := range losers {
		s.enter(x, stance{state: AgentReady}, change{cause: LostRace.String()}, r)
	}
	return nil
}

func (s *State) agentReleased(ev AgentReleased, r *Result) error {
	o := s.offers[ev.Offer]
	switch {
	case o == nil:
		return refuse(ev, "offer %d is over", ev.Offer)
	case !o.answered():
		return refuse(ev, "offer %d is not answered", ev.Offer)
	}
	if a := s.agents[o.agent]; ev.Lost && a.next.state == 0 {
		a.next = stance{state: AgentNotReady, reason: ReasonUnreachable}
	}
	c := s.calls[o.call]
	if c.phase == PhaseDialling {
		s.missed(c, missedAgentLeft, 0, r)
		return nil
	}
	if o.role != 0 {
		s.releaseSide(o, ev.By, ev.Quality, r)
		return nil
	}
	s.release(o, ev.By, ev.Quality, r)
	s.inherit(c, o.agent, r)
	return nil
}

// release ends the agent's part of a conversation. The caller decides what
// becomes of the call.
func (s *State) release(o *offer, by Side, quality *Quality, r *Result) {
	r.expect(2)
	c, a := s.calls[o.call], s.agents[o.agent]
	s.rememberAgent(c, a.id)
	f := s.offerFact(FactAgentReleased, o, a.id)
	f.By, f.Quality, f.TalkMS = by.String(), quality, s.now-o.answeredAt
	if o.by == "" {
		f.WaitMS = o.answeredAt - c.queuedAt
	}
	if c.callback != nil {
		f.Attempt = c.callback.attempt
	}
	r.Facts = append(r.Facts, f)
	delete(s.offers, o.id)
	c.offer, a.offer, c.served = 0, 0, a.id
	why := change{cause: "call_over"}
	switch {
	case a.gone:
		s.remove(a, r)
	case c.queue.Name == "": // he made the call
		s.resume(a, why, r)
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
