package call

import (
	"context"
	"slices"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
	"tierline/ivr"
	"tierline/routing"
)

// guestRing is how long somebody's phone rings whom an agent wants in a call.
const guestRing = 30 * time.Second

// guest is somebody whom an agent wants in the call beside himself: an agent, or
// somebody outside. He rings, or he is there.
type guest struct {
	*party          // once he is there
	role   acd.Role // consult, transfer or member
	by     string   // the agent who wants him
	wish   wish
	agent  string // "": somebody outside
	offer  uint64 // of an agent; 0 until the log has answered
	number string
	leg    int // of somebody outside: counts within the call
	far    *far

	swapped bool             // consult: the agent is back with the caller, the guest waits
	line    *party           // consult: the second line of the agent's phone
	body    []byte           // of the answer on that line
	tell    func(status int) // somebody else who wants to know how it goes; may be nil
}

// name is what others call him.
func (g *guest) name() string {
	if g.agent != "" {
		return g.agent
	}
	return g.number
}

// aside reports whether the agent is with whom he asks, or waits for him, and
// not with the caller.
func (g *guest) aside() bool {
	switch {
	case g == nil:
		return false
	case g.line != nil && g.line.sip != nil:
		return !g.line.agreed.Hold
	}
	return !g.swapped
}

// news tells whoever wants to know.
func (g *guest) news(status int) {
	if g.tell != nil {
		g.tell(status)
	}
}

// asked returns whom the agent asks, nil if nobody.
func (c *Call) asked() *guest {
	for _, g := range c.guests {
		if g.role == acd.RoleConsult {
			return g
		}
	}
	return nil
}

// ringsFor returns somebody who rings for a purpose.
func (c *Call) ringsFor(role acd.Role) *guest {
	for _, g := range c.guests {
		if g.role == role && g.party == nil {
			return g
		}
	}
	return nil
}

// guestOf finds an agent who is there as a guest.
func (c *Call) guestOf(agent string) *guest {
	for _, g := range c.guests {
		if g.agent == agent && agent != "" && g.party != nil {
			return g
		}
	}
	return nil
}

// guestWho finds the guest of an offer.
func (c *Call) guestWho(offer uint64) *guest {
	for _, g := range c.guests {
		if g.offer == offer && offer != 0 {
			return g
		}
	}
	return nil
}

// guestAt finds the guest of a party, his phone or the agent's second line.
func (c *Call) guestAt(p *party) *guest {
	for _, g := range c.guests {
		if g.party == p || g.line == p {
			return g
		}
	}
	return nil
}

// wants calls somebody for a purpose.
func (c *Call) wants(ctx context.Context, m controlled, role acd.Role) {
	g := &guest{role: role, by: m.Agent, tell: m.tell}
	if err := c.mayWant(role); err != nil {
		m.reply(err)
		return
	}
	c.call(ctx, g, m.Target, m.reply)
}

// mayWant: one question at a time, and not more than a call can have.
func (c *Call) mayWant(role acd.Role) error {
	busy := c.asked() != nil || c.ringsFor(acd.RoleTransfer) != nil
	switch {
	case c.agent == nil:
		return denied(DeniedState, "nobody serves the call")
	case busy:
		return denied(DeniedState, "somebody is being called or asked already")
	case role == acd.RoleConsult && len(c.guests) > 0:
		return denied(DeniedState, "in a conference nobody can be asked aside: let him join")
	case len(c.guests)+2 >= mostParties:
		return denied(DeniedFull, "a call has %d parties at most", mostParties)
	}
	return nil
}

// call rings somebody. reply gets the first answer, whether it rings.
func (c *Call) call(ctx context.Context, g *guest, t Target, reply func(error)) {
	switch {
	case t.Agent != "":
		c.callAgent(ctx, g, []string{t.Agent}, reply)
	case t.Queue != "":
		var ready []string
		c.sw.cfg.Queue.Read(func(s *acd.State) { ready = s.ReadyFor(t.Queue) })
		if len(ready) == 0 {
			reply(denied(DeniedAgent, "nobody of queue %q is ready", t.Queue))
			return
		}
		c.callAgent(ctx, g, ready[:min(len(ready), 3)], reply)
	case t.Number != "":
		reply(c.callGuest(ctx, g, t.Number))
	default:
		reply(denied(DeniedTarget, "nobody is named"))
	}
}

// callAgent lets the log reserve an agent: the first one of several who can.
func (c *Call) callAgent(ctx context.Context, g *guest, agents []string, reply func(error)) {
	g.agent = agents[0]
	c.guests = append(c.guests, g)
	c.waitsFor(g)
	ev := acd.AgentCalled{Call: c.id, Agent: g.agent, Role: g.role, By: g.by}
	c.beside(func() func() {
		_, offer, err := c.sw.cfg.Queue.Propose(ctx, ev)
		return func() {
			if err == nil {
				g.offer = offer
				reply(nil)
				return
			}
			known := slices.Contains(c.guests, g)
			c.forgetGuest(g)
			if len(agents) > 1 && known {
				c.callAgent(ctx, g, agents[1:], reply)
				return
			}
			c.regroup()
			reply(deniedBy(err))
			if known && c.agent == nil {
				c.alone(ctx)
			}
		}
	})
}

// callGuest calls somebody outside, if the agent may.
func (c *Call) callGuest(ctx context.Context, g *guest, number string) error {
	to, trunk, err := c.permitted(g.by, number)
	if err != nil {
		return err
	}
	c.legs++
	g.number, g.leg = to, c.legs
	g.far = &far{
		limit:    time.Now().Add(guestRing),
		answered: func(ctx context.Context) { c.guestIn(ctx, g, g.far.party) },
		failed:   func(ctx context.Context, status int) { c.guestFailed(ctx, g, status) },
	}
	if err := c.callOut(ctx, trunk, to, "", g.far); err != nil {
		return denied(DeniedTrouble, "%s can't be called: %v", routing.Mask(to), err)
	}
	c.guests = append(c.guests, g)
	c.outside(g, acd.OutsideDialled, 0, nil)
	c.waitsFor(g)
	return nil
}

// permitted normalises a number and checks that the agent may call it: a
// destination of the documents, or what his own rules allow.
func (c *Call) permitted(agent, number string) (to, trunk string, err error) {
	if d, ok := c.gen.Destinations[number]; ok && d.Number != "" {
		return d.Number, d.Trunk, nil
	}
	to = c.normalise(number)
	if !c.gen.MayCall(agent, to) {
		return "", "", denied(DeniedNumber, "agent %s may not call %s", agent, routing.Mask(to))
	}
	if _, err = c.gen.Outward("", to); err != nil {
		return "", "", denied(DeniedNumber, "%s can't be called: %v", routing.Mask(to), err)
	}
	return to, "", nil
}

// outside tells the log of somebody outside.
func (c *Call) outside(g *guest, state string, status int, quality *acd.Quality) {
	c.sw.cfg.Queue.Post(acd.OutsideChanged{
		Call: c.id, Leg: g.leg, To: g.number, Role: g.role, By: g.by, State: state, Trunk: g.far.trunk,
		SIP: status, Quality: quality,
	})
}

// waitsFor lets the agent hear that it rings, and the caller music.
func (c *Call) waitsFor(g *guest) {
	c.regroup()
	if c.agent != nil && g.role != acd.RoleMember && g.line == nil {
		c.agent.media.PlayMusic(c.tone(c.sw.cfg.Services.ringing))
	}
}

// waited ends what the agent hears meanwhile.
func (c *Call) waited(g *guest) {
	if c.agent != nil && g.role != acd.RoleMember && g.line == nil {
		c.agent.media.Stop()
	}
}

// guestRings is a guest whose phone rings.
func (c *Call) guestRings(offer uint64) {
	if g := c.guestWho(offer); g != nil {
		g.news(180)
	}
}

// guestConnected is an agent who picked up in time.
func (c *Call) guestConnected(ctx context.Context, o *offer) {
	g := c.guestFor(o)
	if g == nil || o.picked.dead {
		o.picked.dead = true
		c.sw.seats.free(o.picked)
		o.picked.closeMedia()
		c.sw.cfg.Queue.Post(acd.AgentReleased{Offer: o.id, By: acd.SideAgent})
		if g != nil {
			c.guestFailed(ctx, g, 480)
		}
		return
	}
	c.guestIn(ctx, g, o.picked)
}

// guestFor finds who is meant by an offer that the log made at our wish.
func (c *Call) guestFor(o *offer) *guest {
	for _, g := range c.guests {
		if g.agent == o.agent && g.party == nil && (g.offer == 0 || g.offer == o.id) {
			g.offer = o.id
			return g
		}
	}
	return nil
}

// guestIn is a guest who answered.
func (c *Call) guestIn(ctx context.Context, g *guest, p *party) {
	c.waited(g)
	g.party = p
	if c.placed != nil && !c.answered && !c.takesUp() {
		return
	}
	r := roleConsulted
	if g.far != nil {
		r = roleFar
		c.outside(g, acd.OutsideAnswered, 200, nil)
	}
	c.enter(p, r)
	if g.line != nil && !c.answerLine(g) {
		c.dismissGuest(g, acd.SideAgent, CauseNormal())
		c.alone(ctx)
		return
	}
	if g.role == acd.RoleTransfer {
		c.handOver(ctx, g, acd.SideAgent)
		return
	}
	g.news(200)
	c.regroup()
}

// guestFailed is a guest who doesn't come: the agent has the caller back, or the
// caller goes where somebody will care for him.
func (c *Call) guestFailed(ctx context.Context, g *guest, status int) {
	if !c.forgetGuest(g) {
		return
	}
	c.waited(g)
	if g.far != nil {
		c.outside(g, acd.OutsideFailed, status, nil)
	}
	if c.placed != nil {
		c.placed.status = status
	}
	if g.line != nil {
		c.rejectLine(g, status)
	}
	g.news(max(status, 400))
	c.alone(ctx)
}

// guestLeft is a guest who hangs up.
func (c *Call) guestLeft(ctx context.Context, g *guest, by acd.Side) {
	c.dismissGuest(g, by, CauseNormal())
	c.alone(ctx)
}

// alone looks after who is left when somebody has gone.
func (c *Call) alone(ctx context.Context) {
	c.regroup()
	if c.ending || c.agent != nil || len(c.guests) > 0 || c.away != nil || c.wait != nil {
		return
	}
	c.abandoned(ctx)
}

// abandoned is a caller without anybody who serves him, and not by his own
// will: he waits again, at the place he had.
func (c *Call) abandoned(ctx context.Context) {
	if c.queue == "" || c.callback != nil {
		c.served(ctx)
		return
	}
	c.requeue(ctx, c.queue)
}

// requeue puts a caller without an agent into a line.
func (c *Call) requeue(ctx context.Context, queue string) {
	c.leave(c.caller)
	if c.session != nil {
		c.menu(ctx, ivr.Requeued{Queue: queue})
		return
	}
	c.music(c.gen.Hold(c.language()))
	c.enqueue(ctx, ivr.Enqueue{Queue: queue, Keep: true})
}

// served is what comes after the last conversation: the menu's word, or the end.
func (c *Call) served(ctx context.Context) {
	if c.session == nil {
		c.end(endBy(acd.SideAgent, 16, "normal"))
		return
	}
	c.leave(c.caller)
	c.menu(ctx, ivr.AgentDone{})
}

// forgetGuest takes a guest off the list; false if he wasn't there any more.
func (c *Call) forgetGuest(g *guest) bool {
	i := slices.Index(c.guests, g)
	if i >= 0 {
		c.guests = slices.Delete(c.guests, i, i+1)
	}
	return i >= 0
}

// dismissGuest ends a guest's part, whatever he is doing.
func (c *Call) dismissGuest(g *guest, by acd.Side, cause Cause) {
	if !c.forgetGuest(g) {
		return
	}
	switch {
	case g.party == nil:
		c.stopGuest(g, cause)
	case g.far != nil:
		c.leave(g.party)
		c.outside(g, acd.OutsideLeft, 0, c.closeFar(g.far, cause))
	default:
		c.leave(g.party)
		if !g.dead {
			g.sip.Hangup(cause.Q850, cause.Reason)
		}
		c.sw.seats.free(g.party)
		quality := g.quality()
		g.closeMedia()
		c.sw.cfg.Queue.Post(acd.AgentReleased{Offer: g.offer, By: by, Quality: quality})
	}
	c.closeLine(g, cause)
}

// stopGuest ends the ringing of a guest.
func (c *Call) stopGuest(g *guest, cause Cause) {
	c.waited(g)
	g.news(487)
	switch {
	case g.far != nil:
		c.closeFar(g.far, cause)
		c.outside(g, acd.OutsideFailed, 487, nil)
	case g.offer != 0:
		if o := c.offerTo(g.offer, g.agent); o != nil {
			c.dropOffer(o, cause)
		}
		c.sw.cfg.Queue.Post(acd.OfferFailed{Offer: g.offer, Outcome: acd.CallerLeft})
	} // without an offer yet: ring finds nobody who wants it
}

// dismissGuests ends everybody's part beside the agent's.
func (c *Call) dismissGuests(by acd.Side, cause Cause) {
	for len(c.guests) > 0 {
		c.dismissGuest(c.guests[0], by, cause)
	}
}

// handOver lets a guest who is there serve the call in place of the agent.
func (c *Call) handOver(ctx context.Context, g *guest, by acd.Side) {
	g.news(200) // before the legs are gone
	c.forgetGuest(g)
	c.closeLine(g, CauseNormal())
	former := c.agent
	quality := c.partWithAgent()
	if g.far != nil {
		if former != nil {
			c.sw.cfg.Queue.Post(acd.AgentReleased{Offer: former.offer, By: by, Quality: quality})
		}
		c.away = &transfer{Transfer: ivr.Transfer{To: "outside"}, number: g.number, far: g.far, bridged: true, guest: g}
		c.hold(g.party, false)
		c.regroup()
		return
	}
	c.agent = &talk{party: g.party, offer: g.offer, agent: g.agent, wish: g.wish}
	if m := c.member(g.party); m != nil {
		m.role = roleAgent
	}
	if former != nil { // else the log has made him serve the call when he answered
		c.sw.cfg.Queue.Post(acd.CallHandedOver{Call: c.id, To: g.offer, By: by, Quality: quality})
	}
	c.log.Info("call handed over", "agent", g.agent, "by", g.by)
	c.regroup()
	c.show(c.agent)
	c.converse(c.queue)
	if c.agent.dead {
		c.agentHungUp(ctx, c.agent.party)
	}
}

// show lets an agent's phone display whom he talks to now.
func (c *Call) show(t *talk) {
	id := sipua.Identity{Number: c.customerNumber(), Name: c.displayName()}
	if id.Number == "" {
		return
	}
	if err := t.sip.Show(id); err != nil {
		c.log.Debug("phone doesn't learn whom it talks to", "agent", t.agent, "err", err)
	}
}

// succession is what follows when who served the call has left: somebody who is
// there has the caller now, or whoever rings is to have him.
func (c *Call) succession(ctx context.Context, by acd.Side) bool {
	if heir := c.heir(); heir != nil {
		c.handOver(ctx, heir, by)
		return true
	}
	if len(c.guests) == 0 {
		return false
	}
	next := c.guests[0]
	for _, g := range slices.Clone(c.guests[1:]) {
		c.dismissGuest(g, by, CauseNormal())
	}
	if next.line != nil {
		c.closeLine(next, CauseNormal())
	}
	next.role = acd.RoleTransfer
	former := c.agent
	quality := c.partWithAgent()
	c.sw.cfg.Queue.Post(acd.AgentReleased{Offer: former.offer, By: by, Quality: quality})
	c.regroup()
	return true
}

// heir is who serves the call next: an agent in a conference, one who was asked,
// somebody outside.
func (c *Call) heir() *guest {
	for _, fits := range []func(g *guest) bool{
		func(g *guest) bool { return g.agent != "" && g.role == acd.RoleMember },
		func(g *guest) bool { return g.agent != "" },
		func(*guest) bool { return true },
	} {
		for _, g := range c.guests {
			if g.party != nil && !g.dead && fits(g) {
				return g
			}
		}
	}
	return nil
}
