package call

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tierline/acd"
	"tierline/ivr"
	"tierline/routing/trunk"
)

// rejoin lets caller and agent hear each other again, and whoever is in the call
// beside them.
func (c *Call) rejoin(ctx context.Context, in inherited) {
	c.queue = in.view.Queue
	c.menu(ctx, ivr.AgentConnected{})
	c.hush()
	c.enter(c.caller, roleCaller)
	p, err := c.rejoinAgent(in)
	c.rejoinSides(in.legs.Sides)
	c.rejoinOthers(in.legs.Others)
	if err == nil {
		c.enter(p, roleAgent)
		c.wishAgain(in)
		c.regroup()
		c.converse(c.queue)
		return
	}
	c.log.Warn("the agent's leg is lost", "agent", in.view.Agent, "err", err)
	c.parting = &parting{event: acd.AgentReleased{Offer: in.view.Offer, By: acd.SideSwitch}}
	if heir := c.heir(); heir != nil { // the log does the same
		c.sayParting()
		c.handOver(ctx, heir, acd.SideSwitch)
		return
	}
	c.resumed = false
	c.dismissWatchers(acd.SideSwitch)
	c.abandoned(ctx)
}

// rejoinAgent restores the leg of who serves the call.
func (c *Call) rejoinAgent(in inherited) (*party, error) {
	p := &party{agent: in.view.Agent, offer: in.view.Offer}
	if c.placed != nil && c.placed.customer != nil && p.agent == c.from {
		c.placed.party = p
	}
	_, _, p.codes = c.gen.InCall("*")
	if _, err := c.restore(in.legs.Agent, p); err != nil {
		p.closeMedia()
		p.dead = true
		return nil, err
	}
	c.agent = &talk{party: p, offer: in.view.Offer, agent: in.view.Agent}
	c.sw.seats.take(p)
	return p, nil
}

// rejoinSides restores the legs of agents who don't serve the call.
func (c *Call) rejoinSides(sides []acd.SideLeg) {
	for _, side := range sides {
		if side.Role == acd.RoleCaller {
			continue // his leg is the caller's
		}
		p := &party{agent: side.Agent, offer: side.Offer}
		_, _, p.codes = c.gen.InCall("*")
		if _, err := c.restore(side.Leg, p); err != nil {
			c.log.Warn("an agent's leg is lost", "agent", side.Agent, "role", side.Role.String(), "err", err)
			p.closeMedia()
			c.sw.cfg.Queue.Post(acd.AgentReleased{Offer: side.Offer, By: acd.SideSwitch})
			continue
		}
		c.sw.seats.take(p)
		g := &guest{party: p, role: side.Role, by: side.By, agent: side.Agent, offer: side.Offer}
		g.wish.muted = side.Muted
		g.wish.told = acd.TalkChanged{Held: side.Held, Muted: side.Muted}
		if side.Role != acd.RoleSupervisor {
			c.enter(p, roleConsulted)
			c.guests = append(c.guests, g)
			continue
		}
		g.mode, _ = modeOf(side.Mode)
		g.asked = g.mode
		c.enter(p, roleSupervisor)
		c.member(p).mode = g.mode
		c.watchers = append(c.watchers, g)
	}
}

// rejoinOthers restores the legs of people outside, and the second line of the
// agent's phone; it comes after those whom he may ask on it.
func (c *Call) rejoinOthers(others []acd.OtherLeg) {
	var line acd.OtherLeg
	for _, o := range others {
		if o.Name == lineName {
			line = o
		} else {
			c.rejoinFar(o)
		}
	}
	if line.Name != "" {
		c.rejoinLine(line)
	}
}

func (c *Call) rejoinFar(o acd.OtherLeg) {
	p, about, ok := c.restoreOther(o)
	if !ok {
		return
	}
	f := p.far
	f.release, f.hop.uri = c.sw.heldOutward(about.Trunk), p.sip.Dialog().Target
	c.enter(p, roleFar)
	g := &guest{party: p, role: about.Role, by: about.By, number: about.Number, leg: about.Leg, far: f}
	c.legs = max(c.legs, about.Leg)
	if !about.Away {
		c.guests = append(c.guests, g)
		return
	}
	c.away = &transfer{
		Transfer: ivr.Transfer{To: about.To}, to: c.gen.Destinations[about.To], number: about.Number, far: f, bridged: true,
	}
	if about.Leg != 0 {
		c.away.guest, c.away.To = g, "outside"
	}
}

func (c *Call) rejoinLine(o acd.OtherLeg) {
	p, _, ok := c.restoreOther(o)
	if !ok {
		return
	}
	g := c.asked()
	if g == nil { // whom he asked is gone
		p.sip.Hangup(41, "node lost")
		p.closeMedia()
		c.forgetLeg(p)
		return
	}
	g.line = p
	c.enter(p, roleConsulted)
}

// restoreOther makes a party of a leg that the log knows by a name.
func (c *Call) restoreOther(o acd.OtherLeg) (p *party, about keptLeg, ok bool) {
	p = &party{name: o.Name}
	err := json.Unmarshal(o.About, &about)
	if p.agent = about.Agent; p.agent == "" {
		p.far = &far{party: p, trunk: about.Trunk, by: about.By, up: true}
	}
	if err == nil {
		_, err = c.restore(o.Leg, p)
	}
	if err != nil {
		c.log.Warn("a leg is lost", "leg", o.Name, "err", err)
		p.closeMedia()
		c.forgetLeg(p)
	}
	return p, about, err == nil
}

// wishAgain gives the agent back what he has asked for.
func (c *Call) wishAgain(in inherited) {
	w, g, legs := &c.agent.wish, c.asked(), in.legs
	asks := slices.ContainsFunc(in.rings, func(about keptLeg) bool { return about.Role == acd.RoleConsult })
	w.muted = legs.Muted
	w.told = acd.TalkChanged{Held: legs.Held, Muted: legs.Muted}
	switch {
	case g == nil:
		w.held = legs.Held && !c.agent.agreed.Hold && !asks // or he is about to ask again
	case g.line == nil:
		if g.swapped = !legs.Held; legs.Held {
			c.agent.asks = g.name() // his phone shows it
		}
	}
}

// heldOutward is the place of a call outward that another process has made: it
// is there, whatever the trunk's limits say.
func (s *Switch) heldOutward(name string) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.trunkState(name)
	l.Admit(trunk.Caps{}, true, time.Now())
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		l.Release(true)
	}
}

// regain goes on with a call that has no menu: an agent has made it, or it calls
// a customer back.
func (c *Call) regain(ctx context.Context, in inherited) {
	switch in.view.Phase {
	case acd.PhaseTalking:
		c.rejoin(ctx, in)
	case acd.PhaseWaiting, acd.PhaseOffered:
		c.wait = &wait{queued: true, event: acd.CallQueued{Call: c.id, Queue: in.view.Queue}}
		c.music(c.gen.Hold(c.language()))
		c.recordWait(in.view.Queue)
	case acd.PhaseMenu, acd.PhaseAfter, acd.PhaseDormant, acd.PhaseDialling, acd.PhaseDirected, acd.PhaseTest:
		if !c.rejoinOutside(ctx, in) {
			c.resumed = false
			c.abandoned(ctx)
		}
	}
}

// rejoinAway goes on with a caller who talks to somebody outside.
func (c *Call) rejoinAway(ctx context.Context, in inherited, byMenu bool) {
	if byMenu {
		c.menu(ctx, ivr.TransferStands{})
	} else {
		c.menu(ctx, ivr.AgentConnected{})
	}
	switch {
	case c.rejoinOutside(ctx, in):
	case byMenu:
		c.menu(ctx, ivr.TransferDone{})
	default:
		c.resumed = false
		c.abandoned(ctx)
	}
}

// rejoinOutside restores whoever talks to a caller that no agent serves; false:
// nobody does.
func (c *Call) rejoinOutside(ctx context.Context, in inherited) bool {
	c.hush()
	c.queue = in.view.Queue
	c.enter(c.caller, roleCaller)
	c.rejoinSides(in.legs.Sides)
	c.rejoinOthers(in.legs.Others)
	c.callAgain(ctx, in.rings)
	if c.away == nil && len(c.guests) == 0 {
		c.leave(c.caller)
		return false
	}
	c.regroup()
	return true
}

// isAway tells whether a call's caller talks to somebody outside, or is on his
// way there without an agent, and whether its menu has sent him.
func (in inherited) isAway() (away, byMenu bool) {
	for _, o := range in.legs.Others {
		var about keptLeg
		if json.Unmarshal(o.About, &about) == nil && about.Away {
			return true, o.Name == awayName
		}
	}
	return len(in.rings) > 0 && in.view.Phase == acd.PhaseAfter, false
}

// origin makes a call what it was when another process began it.
func (c *Call) origin(in inherited) {
	v := in.view
	switch {
	case v.Callback:
		c.from = v.To
		c.callback = &attempt{
			CallbackCall: acd.CallbackCall{
				Number: v.To, Queue: v.Queue, Tier: v.Tier, Customer: v.Customer, Language: v.Language, Attach: v.Attach,
			},
			offer: v.Offer, deadline: time.Now(), said: true, reached: true, talking: true,
		}
		if v.Phase == acd.PhaseDialling {
			c.callback.For, c.callback.said, c.callback.reached, c.callback.talking = acd.DialFor, false, false, false
		}
		c.key = attemptKey(v.ID, v.Offer)
	case v.PlacedBy != "":
		c.from, c.placed = v.PlacedBy, &placed{status: 480}
	}
}

// callerOf is the party whom the leg of a call's caller becomes.
func (c *Call) callerOf(in inherited) *party {
	p := &party{}
	switch {
	case c.placed != nil && !in.view.Outside:
		p.agent, c.placed.party = in.view.PlacedBy, p
		for _, side := range in.legs.Sides {
			if side.Role == acd.RoleCaller && strings.EqualFold(side.Agent, p.agent) {
				p.offer, c.placed.offer = side.Offer, side.Offer
			}
		}
	case c.placed != nil:
		c.placed.customer = &far{party: p, by: c.from, up: true, release: func() {}}
		c.placed.offer, c.placed.party = in.view.Offer, &party{agent: c.from, dead: true} // unless he serves it
		p.far = c.placed.customer
	case c.callback != nil:
		c.callback.customer = &far{party: p, trunk: in.view.Trunk, up: true, release: c.sw.heldOutward(in.view.Trunk)}
		p.far = c.callback.customer
	}
	return p
}
