package call

import (
	"context"
	"slices"

	"tierline/acd"
	"tierline/ivr"
)

// guestFailed is a guest who doesn't come: the agent has the caller back, or the
// caller goes where somebody will care for him.
func (c *Call) guestFailed(ctx context.Context, g *guest, status int) {
	if !c.forgetGuest(g) || g.role == acd.RoleSupervisor {
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
	if g.role != acd.RoleSupervisor {
		c.alone(ctx)
	}
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
		c.sayParting()
		c.served(ctx)
		return
	}
	c.requeue(ctx, c.queue)
}

// requeue puts a caller without an agent into a line. An agent who has just left
// is free from the moment on in which the caller has his place there.
func (c *Call) requeue(ctx context.Context, queue string) {
	c.leave(c.caller)
	if c.session != nil {
		c.menu(ctx, ivr.Requeued{Queue: queue})
	} else {
		c.music(c.gen.Hold(c.language()))
		c.enqueue(ctx, ivr.Enqueue{Queue: queue, Keep: true})
	}
	if c.joining == nil || c.joining.parting != c.parting { // no place is on its way to the log
		c.sayParting()
	}
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
	n := len(c.guests) + len(c.watchers)
	same := func(x *guest) bool { return x == g }
	c.guests, c.watchers = slices.DeleteFunc(c.guests, same), slices.DeleteFunc(c.watchers, same)
	return len(c.guests)+len(c.watchers) < n
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
		quality := c.parted(g.party)
		g.closeMedia()
		c.sw.cfg.Queue.Post(acd.AgentReleased{Offer: g.offer, By: by, Quality: quality, Lost: g.lost})
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
