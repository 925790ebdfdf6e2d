package acd

import "slices"

// maxOthers bounds how many legs a call may have beside its caller's and those
// of agents: as many as it has parties, and a second line of each agent.
const maxOthers = 16

// OtherLeg is a leg of a call that is neither its caller's nor an agent's, as
// the one who holds the call describes it. The bytes must not be changed.
type OtherLeg struct {
	Name       string
	Leg, About []byte
}

// SideLeg is an agent in a call beside the one who serves it.
type SideLeg struct {
	Offer       uint64
	Agent, By   string
	Role        Role
	Mode        string // of a supervisor
	Leg         []byte
	Held, Muted bool
}

// Legs is what a node needs to go on with a call, beside [CallView]. The bytes
// must not be changed.
type Legs struct {
	Home                string
	Caller, Agent, Menu []byte // nil: none
	Held, Muted         bool   // by the agent who serves it
	Since               int64  // since when caller and agent talk, log time in ms
	Sides               []SideLeg
	Others              []OtherLeg
}

// Legs returns those of a call.
func (s *State) Legs(id string) (Legs, bool) {
	c := s.calls[id]
	if c == nil {
		return Legs{}, false
	}
	l := Legs{Home: c.home, Caller: c.leg, Menu: c.menu, Others: slices.Clone(c.others)}
	if o := s.offers[c.offer]; o.answered() {
		l.Agent, l.Since, l.Held, l.Muted = o.leg, o.answeredAt, o.held, o.muted
	}
	for _, o := range s.sidesOf(c) {
		if o.answered() {
			l.Sides = append(l.Sides, SideLeg{
				Offer: o.id, Agent: o.agent, By: o.by, Role: o.role, Mode: o.mode, Leg: o.leg, Held: o.held, Muted: o.muted,
			})
		}
	}
	return l, true
}

// legsOf returns the legs of a call that are up.
func (s *State) legsOf(c *call) (legs [][]byte) {
	if c.leg != nil {
		legs = append(legs, c.leg)
	}
	for _, id := range append(slices.Clone(c.sides), c.offer) {
		if o := s.offers[id]; o.answered() && o.leg != nil {
			legs = append(legs, o.leg)
		}
	}
	for _, l := range c.others {
		legs = append(legs, l.Leg)
	}
	return legs
}

func (s *State) legChanged(ev LegChanged) error {
	c := s.calls[ev.Call]
	switch {
	case c == nil:
		return refuse(ev, "no such call")
	case ev.Name != "":
		return c.otherChanged(ev)
	case len(ev.Leg) == 0:
		return refuse(ev, "no leg")
	case ev.Offer == 0 && c.callback != nil && c.leg == nil:
		return refuse(ev, "the customer has not been reached")
	case ev.Offer == 0:
		c.leg = ev.Leg
		return nil
	}
	o := s.offers[ev.Offer]
	if !o.answered() || o.call != c.id {
		return refuse(ev, "offer %d is nobody's in the call", ev.Offer)
	}
	o.leg = ev.Leg
	return nil
}

func (c *call) otherChanged(ev LegChanged) error {
	i := slices.IndexFunc(c.others, func(l OtherLeg) bool { return l.Name == ev.Name })
	switch {
	case ev.Offer != 0 || len(ev.Name) > maxWord:
		return refuse(ev, "a leg is called by an offer or by a name of %d bytes", maxWord)
	case len(ev.Leg) == 0 && i >= 0:
		c.others = slices.Delete(slices.Clone(c.others), i, i+1)
	case len(ev.Leg) == 0:
		return refuse(ev, "no leg is called %q", ev.Name)
	case i >= 0:
		c.others = slices.Clone(c.others) // somebody may be reading them
		c.others[i].Leg, c.others[i].About = ev.Leg, ev.About
	case len(c.others) >= maxOthers:
		return refuse(ev, "call has %d other legs", len(c.others))
	default:
		c.others = append(slices.Clip(c.others), OtherLeg{Name: ev.Name, Leg: ev.Leg, About: ev.About})
	}
	return nil
}
