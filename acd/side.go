package acd

import (
	"cmp"
	"slices"
)

const (
	// maxSides bounds how many agents are in a call beside the one who serves it:
	// a conference has eight parties.
	maxSides = 6
	// longestRing bounds how long somebody may let a phone ring.
	longestRing = 120_000 // ms
)

// Codes of refusals of an agent whom somebody wants in a call.
const (
	CodeAgentBusy   = "agent_busy"   // he has a call, or works on one
	CodeAgentAbsent = "agent_absent" // signed out, or without a phone
	CodeCallFull    = "call_full"    // as many parties as a call can have
)

// sidesOf returns the offers beside the one that serves a call, in the order
// they were made.
func (s *State) sidesOf(c *call) []*offer {
	out := make([]*offer, 0, len(c.sides))
	for _, id := range c.sides {
		out = append(out, s.offers[id])
	}
	return out
}

// mayBeCalled refuses an agent who can't take part in a call besides those that
// queues give him. Who is on a break may be asked by a colleague.
func (s *State) mayBeCalled(ev Event, agent string) error {
	a := s.agents[agent]
	switch {
	case a == nil || a.gone:
		return refuse(ev, "no such agent")
	case a.state == AgentSignedOut || a.state == AgentUnreachable:
		return refuseCode(ev, CodeAgentAbsent, "agent %s is %s", a.id, a.state)
	case a.state != AgentReady && a.state != AgentNotReady:
		return refuseCode(ev, CodeAgentBusy, "agent %s is %s", a.id, a.state)
	}
	return nil
}

func (s *State) agentCalled(ev AgentCalled, index uint64, r *Result) error {
	c := s.calls[ev.Call]
	switch {
	case c == nil:
		return refuse(ev, "no such call")
	case index == 0 || s.offers[index] != nil:
		return refuse(ev, "offer %d exists", index)
	case ev.Role == 0 || ev.Role == RoleCaller || ev.Role > RoleSupervisor:
		return refuse(ev, "%q is no role to call somebody for", ev.Role)
	case ev.For < 0 || ev.For > longestRing || ev.By == "":
		return refuse(ev, "for %d ms, by %q", ev.For, ev.By)
	case len(c.sides) >= maxSides:
		return refuseCode(ev, CodeCallFull, "call has %d agents", len(c.sides)+1)
	case !c.takesSides(ev.Role):
		return refuse(ev, "call is %s", c.phase)
	}
	if err := cmp.Or(s.mayBeCalled(ev, ev.Agent), s.mayListen(ev, c)); err != nil {
		return err
	}
	a := s.agents[ev.Agent]
	lasts := cmp.Or(ev.For, defaultRing)
	o := &offer{
		id: index, call: c.id, madeAt: s.now, expires: s.now + lasts + ringGrace, role: ev.Role, by: ev.By,
		mode: ev.Mode, rings: make([]ring, 0, 1),
	}
	s.offers[o.id] = o
	c.sides = append(c.sides, o.id)
	s.rest(a)
	s.setTimer(timerSide, a.id, 0, o.expires)
	if c.phase != PhaseTalking {
		c.phase = PhaseDirected
	}
	s.ring(o, a, lasts, ev.Role.String()+" by "+ev.By, r)
	return nil
}

// takesSides reports whether an agent can be called in: to one who is in the
// call, or for a caller whom nobody serves any more.
func (c *call) takesSides(role Role) bool {
	switch c.phase {
	case PhaseTalking:
		return true
	case PhaseAfter, PhaseDirected:
		return role == RoleTransfer
	case PhaseMenu:
		return role == RoleTransfer && c.placedBy != ""
	case PhaseWaiting, PhaseOffered, PhaseDormant, PhaseDialling, PhaseTest:
	}
	return false
}

// sideFact is offerFact with the role.
func (s *State) sideFact(kind FactKind, o *offer, agent string) Fact {
	f := s.offerFact(kind, o, agent)
	f.Role, f.By = o.role.String(), o.by
	return f
}

// sideAnswered lets an agent in. One who is to have the caller of a call that
// nobody serves has him at once.
func (s *State) sideAnswered(o *offer, leg []byte, r *Result) {
	r.expect(3)
	c, a := s.calls[o.call], s.agents[o.rings[0].agent]
	s.setTimer(timerSide, a.id, o.expires, 0)
	r.Effects = append(r.Effects, ConnectAgent{Node: c.node, Call: c.id, Agent: a.id, Offer: o.id})
	o.agent, o.expires, o.answeredAt, o.leg, o.rings = a.id, 0, s.now, leg, nil
	a.misses = 0
	if o.role == RoleSupervisor {
		r.Facts = append(r.Facts, s.superviseFact(FactSupervisionStarted, o))
	} else {
		r.Facts = append(r.Facts, s.sideFact(FactCallJoined, o, a.id))
	}
	if c.phase == PhaseDirected {
		s.serve(c, o, "", r)
	}
	s.become(a, stance{state: AgentTalking}, change{cause: "answered"}, r)
}

// serve makes an agent of the call the one who serves it.
func (s *State) serve(c *call, o *offer, before string, r *Result) {
	if o.role == RoleSupervisor {
		s.stepIn(o, before, r)
	}
	c.sides = slices.DeleteFunc(c.sides, func(id uint64) bool { return id == o.id })
	o.role = 0
	c.phase, c.offer = PhaseTalking, o.id
	f := s.offerFact(FactCallHandedOver, o, o.agent)
	f.Previous, f.By, f.From, f.Attach = before, o.by, c.number(), c.attach
	r.Facts = append(r.Facts, f)
}

// sideFailed ends an offer to somebody who won't come: he does again what he
// did before.
func (s *State) sideFailed(o *offer, outcome Outcome, sip int, r *Result) {
	a := s.agents[o.rings[0].agent]
	s.cancelSide(o, outcome, sip, r)
	if outcome <= Unreachable || outcome == SwitchFailed {
		s.setBackOff(a, s.now+max(a.config.BackOff, minBackOff))
	}
	s.resume(a, change{cause: outcome.String()}, r)
}

// cancelSide forgets an offer that rings. The agent needs a new state.
func (s *State) cancelSide(o *offer, outcome Outcome, sip int, r *Result) {
	c, a := s.calls[o.call], s.agents[o.rings[0].agent]
	f := s.sideFact(FactOfferFailed, o, a.id)
	f.Cause, f.SIP = outcome.String(), sip
	r.Facts = append(r.Facts, f)
	s.setTimer(timerSide, a.id, o.expires, 0)
	s.forgetSide(c, o)
	a.offer = 0
}

func (s *State) forgetSide(c *call, o *offer) {
	delete(s.offers, o.id)
	c.sides = slices.DeleteFunc(c.sides, func(id uint64) bool { return id == o.id })
	if c.phase == PhaseDirected && !slices.ContainsFunc(s.sidesOf(c), (*offer).ringing) {
		c.phase = PhaseAfter
	}
}

// resume sends an agent back to what he did before a call outside of the
// queues, or to what he has asked for meanwhile.
func (s *State) resume(a *agent, why change, r *Result) {
	to := a.next
	a.next = stance{}
	to.state = cmp.Or(to.state, AgentReady)
	s.enter(a, to, why, r)
}

// sideExpired acts when nobody reported in time.
func (s *State) sideExpired(a *agent, r *Result) {
	o := s.offers[a.offer]
	outcome := Unreachable
	if o.rings[0].rang {
		outcome = NoAnswer
	}
	s.stopRinging(o, a.id, outcome, r)
	s.sideFailed(o, outcome, 0, r)
}

// releaseSide ends the part of an agent who doesn't serve the call. Only who has
// talked to the caller has work to do after it.
func (s *State) releaseSide(o *offer, by Side, quality *Quality, r *Result) {
	r.expect(2)
	c, a := s.calls[o.call], s.agents[o.agent]
	f := s.sideFact(FactAgentReleased, o, a.id)
	if o.role == RoleSupervisor {
		f = s.superviseFact(FactSupervisionEnded, o)
	}
	f.By, f.Quality, f.TalkMS = by.String(), quality, s.now-o.answeredAt
	r.Facts = append(r.Facts, f)
	s.forgetSide(c, o)
	a.offer = 0
	why := change{cause: "call_over"}
	switch {
	case a.gone:
		s.remove(a, r)
	case o.role == RoleMember && c.queue.Name != "":
		s.beginWrapUp(a, o, c.queue, why, r)
	default:
		s.resume(a, why, r)
	}
}

// dropSides ends everybody's part but that of the one who serves the call.
func (s *State) dropSides(c *call, by Side, r *Result) {
	for _, o := range s.sidesOf(c) {
		s.dropSide(c, o, by, r)
	}
}

func (s *State) dropSide(c *call, o *offer, by Side, r *Result) {
	if o.ringing() {
		agent := o.rings[0].agent
		s.stopRinging(o, agent, CallerLeft, r)
		s.sideFailed(o, CallerLeft, 0, r)
		return
	}
	r.Effects = append(r.Effects, ReleaseAgent{Node: c.node, Call: c.id, Agent: o.agent, Offer: o.id})
	s.releaseSide(o, by, nil, r)
}

// inherit says what becomes of a call whose agent left: somebody in the call
// serves it, or somebody who rings is to.
func (s *State) inherit(c *call, before string, r *Result) {
	c.phase = PhaseAfter
	defer s.dismissSupervisors(c, r)
	sides := s.sidesOf(c)
	for _, want := range []Role{RoleMember, RoleTransfer, RoleConsult} {
		for _, o := range sides {
			if o.role == want && o.answered() {
				s.serve(c, o, before, r)
				return
			}
		}
	}
	for _, o := range sides {
		if o.ringing() && o.role != RoleSupervisor {
			o.role = RoleTransfer
			c.phase = PhaseDirected
		}
	}
}

func (s *State) callHandedOver(ev CallHandedOver, r *Result) error {
	c, o := s.calls[ev.Call], s.offers[ev.To]
	switch {
	case c == nil:
		return refuse(ev, "no such call")
	case o == nil || o.call != c.id || !o.answered() || o.role == 0 || o.role == RoleCaller:
		return refuse(ev, "offer %d is no other agent's in the call", ev.To)
	case c.phase != PhaseTalking:
		return refuse(ev, "call is %s", c.phase)
	}
	was := s.offers[c.offer]
	before := was.agent
	s.release(was, ev.By, ev.Quality, r)
	s.serve(c, o, before, r)
	s.dismissSupervisors(c, r)
	return nil
}

func (s *State) memberJoined(ev MemberJoined, r *Result) error {
	o := s.offers[ev.Offer]
	if o == nil || !o.answered() || o.role != RoleConsult {
		return refuse(ev, "offer %d is no consulted agent's", ev.Offer)
	}
	o.role = RoleMember
	f := s.sideFact(FactCallJoined, o, o.agent)
	f.By = ev.By
	r.Facts = append(r.Facts, f)
	return nil
}

func (s *State) talkChanged(ev TalkChanged, r *Result) error {
	o := s.offers[ev.Offer]
	if o == nil || !o.answered() {
		return refuse(ev, "offer %d is not answered", ev.Offer)
	}
	tell := func(kind FactKind) {
		f := s.sideFact(kind, o, o.agent)
		f.By = ev.By
		r.Facts = append(r.Facts, f)
	}
	for _, x := range []struct {
		is      *bool
		to      bool
		on, off FactKind
	}{{&o.held, ev.Held, FactCallHeld, FactCallResumed}, {&o.muted, ev.Muted, FactCallMuted, FactCallUnmuted}} {
		switch {
		case *x.is == x.to:
			continue
		case x.to:
			tell(x.on)
		default:
			tell(x.off)
		}
		*x.is = x.to
	}
	if o.held && ev.HeldMS > 0 {
		tell(FactHoldReminded)
		r.Facts[len(r.Facts)-1].WaitMS = ev.HeldMS
	}
	return nil
}
