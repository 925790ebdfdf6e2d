package call

import (
	"context"
	"errors"

	"tierline/acd"
	"tierline/call/sipua"
)

// referredIn is a REFER of a peer. Only the phone of the agent who serves the
// call may send one (RFC 3515, RFC 5589).
func (c *Call) referredIn(ctx context.Context, p *party, ev sipua.ReferredIn) {
	g := c.asked()
	mine := c.agent != nil && (c.agent.party == p || g != nil && g.line == p)
	switch {
	case !mine || c.callback != nil && !c.callback.talking:
		c.log.Info("peer may not transfer the call", "agent", p.agent)
		_ = ev.Reply(603)
	case ev.Replaces != nil:
		c.referAttended(ctx, g, ev)
	case g != nil && g.line != nil && c.means(g, ev.Number):
		c.handOverWhenThere(ctx, g, ev) // he is being called already, only not by this leg
	default:
		c.referBlind(ctx, ev)
	}
}

// means tells whether a number is that of whom the agent asks.
func (c *Call) means(g *guest, number string) bool {
	to, ok := c.gen.dialled(c.agent.agent, number)
	return ok && to.Queue == "" && to.Agent == g.agent && to.Number == g.number
}

// handOverWhenThere gives the caller to whom the agent asks: now, or when he
// answers.
func (c *Call) handOverWhenThere(ctx context.Context, g *guest, ev sipua.ReferredIn) {
	_ = ev.Reply(202)
	g.tell = func(status int) { _ = ev.Reply(status) }
	if g.party == nil { // it rings still
		g.role = acd.RoleTransfer
		c.regroup()
		return
	}
	c.handOver(ctx, g, acd.SideAgent)
}

// referAttended joins the two calls of the agent's phone: that with the caller
// and the one with whom he asked.
func (c *Call) referAttended(ctx context.Context, g *guest, ev sipua.ReferredIn) {
	id := ev.Replaces.DialogID
	if g == nil || g.line == nil || !g.line.holds(id) && !c.agent.holds(id) {
		c.log.Info("transfer to a dialog that isn't the agent's", "agent", c.agent.agent)
		_ = ev.Reply(481)
		return
	}
	c.handOverWhenThere(ctx, g, ev)
}

// referBlind sends the caller to whom the phone names.
func (c *Call) referBlind(ctx context.Context, ev sipua.ReferredIn) {
	agent := c.agent.agent
	target, ok := c.gen.dialled(agent, ev.Number)
	if !ok {
		if route, err := c.gen.Numbers.Lookup(c.trunk, ev.Number); err == nil {
			target, ok = Target{Flow: route.Flow}, true
		}
	}
	if !ok {
		_ = ev.Reply(404)
		return
	}
	_ = ev.Reply(202)
	tell := func(status int) { _ = ev.Reply(status) }
	if target.Queue != "" || target.Flow != "" {
		tell(200) // before the leg is gone: somebody has him from now on
	}
	c.log.Info("phone transfers the call", "agent", agent)
	c.transferTo(ctx, controlled{
		Control: Control{Agent: agent, Do: Transfer, Target: target, By: agent},
		tell:    tell,
		reply: func(err error) {
			if err != nil {
				c.log.Info("transfer refused", "agent", agent, "err", err)
				tell(statusOfDenial(err))
			}
		},
	})
}

// statusOfDenial is what a phone is told.
func statusOfDenial(err error) int {
	var d *DeniedError
	if !errors.As(err, &d) {
		return 500
	}
	switch d.Code {
	case DeniedTarget:
		return 404
	case DeniedAgent, DeniedState, DeniedFull:
		return 486
	case DeniedNumber:
		return 603
	}
	return 503
}
