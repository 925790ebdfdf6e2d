package call

import (
	"context"
	"slices"

	"tierline/acd"
	"tierline/call/sipua"
	"tierline/ivr"
)

// transferTo sends the caller to somebody.
func (c *Call) transferTo(ctx context.Context, m controlled) {
	g := c.asked()
	switch t := m.Target; {
	case t == Target{} && g == nil:
		m.reply(denied(DeniedState, "nobody is being asked, and nobody is named"))
	case t == Target{} && g.party != nil:
		m.reply(nil)
		c.handOver(ctx, g, acd.SideAgent)
	case t == Target{}: // still rings: whoever answers has the caller
		g.role = acd.RoleTransfer
		c.regroup()
		m.reply(nil)
	case t.Flow != "":
		m.reply(c.toFlow(ctx, t.Flow, m.By))
	case t.Queue != "":
		m.reply(c.toQueue(ctx, t.Queue))
	default:
		c.wants(ctx, m, acd.RoleTransfer)
	}
}

// conferWith lets everybody hear everybody.
func (c *Call) conferWith(ctx context.Context, m controlled) {
	g := c.asked()
	switch t := m.Target; {
	case t != Target{}:
		c.wants(ctx, m, acd.RoleMember)
	case g == nil || g.party == nil:
		m.reply(denied(DeniedState, "nobody is being asked, and nobody is named"))
	default:
		g.role, g.swapped = acd.RoleMember, false
		if g.agent != "" {
			c.sw.cfg.Queue.Post(acd.MemberJoined{Offer: g.offer, By: m.By})
		} else {
			c.keepLeg(g.party)
		}
		c.closeLine(g, CauseNormal())
		c.regroup()
		m.reply(nil)
	}
}

// dropGuest lets one go: whom the agent asks, if nobody is named.
func (c *Call) dropGuest(ctx context.Context, party string) error {
	g := c.asked()
	if party != "" {
		i := slices.IndexFunc(c.guests, func(g *guest) bool { return g.name() == party })
		if i < 0 {
			return denied(DeniedTarget, "%s is not in the call beside the caller", party)
		}
		g = c.guests[i]
	}
	if g == nil {
		g = c.ringsFor(acd.RoleTransfer)
	}
	if g == nil {
		return denied(DeniedState, "nobody is being asked, and nobody is named")
	}
	c.dismissGuest(g, acd.SideAgent, CauseNormal())
	c.alone(ctx)
	return nil
}

// toQueue sends the caller back into a line, with the place he had.
func (c *Call) toQueue(ctx context.Context, queue string) error {
	switch {
	case !c.gen.HasQueue(queue):
		return denied(DeniedTarget, "there is no queue %q", queue)
	case c.callback != nil:
		return denied(DeniedState, "the customer of a call-back has waited already")
	}
	c.dismissGuests(acd.SideAgent, CauseNormal())
	c.partAgent(acd.SideAgent)
	c.requeue(ctx, queue)
	return nil
}

// toFlow sends the caller into another flow.
func (c *Call) toFlow(ctx context.Context, name, by string) error {
	flow := c.gen.Flows[name]
	switch {
	case flow == nil:
		return denied(DeniedTarget, "there is no flow %q", name)
	case c.callback != nil || c.placed != nil:
		return denied(DeniedState, "only who has called us can be sent into a flow")
	}
	c.dismissGuests(acd.SideAgent, CauseNormal())
	c.dropAgent(acd.SideAgent)
	c.lastWords()
	c.flow, c.flowName, c.session = flow, name, nil
	c.sw.cfg.Queue.Post(acd.CallRerouted{Call: c.id, Flow: name, By: by})
	c.begin(ctx)
	return nil
}

// handOver lets a guest who is there serve the call in place of the agent.
func (c *Call) handOver(ctx context.Context, g *guest, by acd.Side) {
	g.news(200) // before the legs are gone
	c.forgetGuest(g)
	c.closeLine(g, CauseNormal())
	if m := c.member(g.party); m != nil && g.far == nil {
		m.role, m.mode = roleAgent, 0 // before the other leaves: nobody waits for a moment
	}
	former := c.agent
	quality := c.partWithAgent()
	if g.far != nil {
		if former != nil {
			c.sw.cfg.Queue.Post(acd.AgentReleased{
				Offer: former.offer, By: by, Quality: quality, Lost: former.lost,
			})
		}
		c.away = &transfer{Transfer: ivr.Transfer{To: "outside"}, number: g.number, far: g.far, bridged: true, guest: g}
		c.keepLeg(g.party)
		c.hold(g.party, false)
		c.dismissWatchers(by)
		c.regroup()
		return
	}
	c.agent = &talk{party: g.party, offer: g.offer, agent: g.agent, wish: g.wish}
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

// partner shows who serves the call whom he talks to, when that has changed. A
// second line shows it by itself.
func (c *Call) partner(asked *guest) {
	t, who := c.agent, ""
	if asked.aside() && asked.line == nil && asked.party != nil {
		who = asked.name()
	}
	if t == nil || t.asks == who {
		return
	}
	t.asks = who
	c.show(t)
}

// show lets an agent's phone display whom he talks to now.
func (c *Call) show(t *talk) {
	id := sipua.Identity{Number: firstOf(c.customerNumber(), anonymous), Name: c.displayName()}
	if t.asks != "" {
		id = sipua.Identity{Number: t.asks, Name: c.gen.AgentName(t.asks)}
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
	c.dismissWatchers(by)
	c.sw.cfg.Queue.Post(acd.AgentReleased{
		Offer: former.offer, By: by, Quality: quality, Lost: former.lost,
	})
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
