package acd

import "cmp"

// Directions of calls, in facts.
const (
	DirectionOut      = "out"
	DirectionInternal = "internal"
)

// callPlaced begins a call of an agent: he is busy with it from now on.
func (s *State) callPlaced(ev CallPlaced, e Entry, r *Result) error {
	g := s.generation(ev.Generation)
	a := s.agents[ev.Agent]
	switch {
	case ev.Call == "" || ev.Node == "" || ev.To == "":
		return refuse(ev, "call, node and number must be named")
	case s.calls[ev.Call] != nil || s.offers[e.Index] != nil || e.Index == 0:
		return refuse(ev, "call is known already")
	case g == nil:
		return refuse(ev, "generation %d is not known", ev.Generation)
	case a != nil && a.state == AgentWrapUp && !a.gone: // to finish the work may take a call
	default:
		if err := s.mayBeCalled(ev, ev.Agent); err != nil {
			return err
		}
	}
	c := &call{
		id: ev.Call, node: ev.Node, trunk: ev.Trunk, from: a.id, to: ev.To, sipCallID: ev.SIPCallID, index: e.Index,
		arrivedWall: e.Wall, generation: g, customer: ev.Customer, tier: ev.Customer.Tier,
		language: ev.Customer.Language, phase: PhaseMenu, placedBy: a.id, outside: ev.Outside,
		home:  cmp.Or(ev.Home, ev.Node),
		queue: &QueueConfig{},
	}
	if err := s.settle(c); err != nil {
		return refuse(ev, "%v", err)
	}
	s.calls[c.id] = c
	g.calls++
	f := Fact{
		Kind: FactCallArrived, Call: c.id, Node: c.node, Trunk: c.trunk, From: c.from, To: c.to, Agent: a.id,
		Generation: g.Generation, Tier: tierOf(c), Customer: c.customer.ID, Language: c.language, SIPCallID: c.sipCallID,
		Direction: c.direction(),
	}
	r.Facts = append(r.Facts, f)
	o := &offer{id: e.Index, call: c.id, agent: a.id, madeAt: s.now, answeredAt: s.now, leg: ev.Leg, by: a.id}
	s.offers[o.id] = o
	s.rest(a)
	if c.outside {
		c.phase, c.offer = PhaseTalking, o.id
	} else {
		o.role = RoleCaller
		c.sides = []uint64{o.id}
	}
	a.offer, a.call = o.id, c.id
	r.Facts = append(r.Facts, s.sideFact(FactCallJoined, o, a.id))
	s.become(a, stance{state: AgentTalking}, change{cause: "placed"}, r)
	return nil
}

// direction is that of a call which an agent made, "" for others.
func (c *call) direction() string {
	switch {
	case c.placedBy == "":
		return ""
	case c.outside:
		return DirectionOut
	}
	return DirectionInternal
}

// rest remembers what an agent who gets a call outside of the queues goes back
// to. Who is ready is ready again.
func (s *State) rest(a *agent) {
	switch {
	case a.state == AgentNotReady:
		a.next = a.stance
	case a.state != AgentWrapUp:
		a.next = stance{}
	case a.work.begun != 0: // the work is over
		s.handled(a.work.queue, s.now-a.work.begun)
	}
	a.work = work{}
}

func (s *State) outsideChanged(ev OutsideChanged, r *Result) error {
	c := s.calls[ev.Call]
	kind, known := map[string]FactKind{
		OutsideDialled: FactOutsideDialled, OutsideAnswered: FactOutsideAnswered,
		OutsideFailed: FactOutsideFailed, OutsideLeft: FactOutsideLeft,
	}[ev.State]
	switch {
	case c == nil:
		return refuse(ev, "no such call")
	case !known:
		return refuse(ev, "%q is no state of somebody outside", ev.State)
	case max(len(ev.To), len(ev.By), len(ev.Trunk)) > maxWord:
		return refuse(ev, "words must be in %d bytes", maxWord)
	}
	f := c.fact(kind)
	f.To, f.Role, f.By, f.Trunk, f.Leg = ev.To, ev.Role.String(), ev.By, ev.Trunk, ev.Leg
	f.SIP, f.Quality = ev.SIP, ev.Quality
	r.Facts = append(r.Facts, f)
	return nil
}
