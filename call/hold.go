package call

import (
	"cmp"

	"tierline/acd"
)

// toggle holds and mutes.
func (c *Call) toggle(w Control) error {
	p, on := c.seatOf(w.Agent)
	if p == nil {
		return denied(DeniedNoCall, "agent %s is not in the call", w.Agent)
	}
	switch w.Do { //nolint:exhaustive // the caller picks
	case Hold:
		if c.asked() != nil {
			return denied(DeniedState, "the caller waits already while somebody is asked")
		}
		on.held = true
	case Resume:
		if c.agent.agreed.Hold {
			return denied(DeniedState, "the phone holds the call: resume it there")
		}
		on.held = false
	case Mute:
		on.muted = true
	case Unmute:
		on.muted = false
	}
	on.by = w.By
	c.regroup()
	on.by = "" // what comes next may be the phone's doing
	return nil
}

// wish is what an agent has asked for himself.
type wish struct {
	held, muted bool
	by          string
	told        acd.TalkChanged // what the log knows
}

// seatOf returns an agent's party and what he has asked for.
func (c *Call) seatOf(agent string) (*party, *wish) {
	if c.agent != nil && c.agent.agent == agent {
		return c.agent.party, &c.agent.wish
	}
	if g := c.guestOf(agent); g != nil {
		return g.party, &g.wish
	}
	return nil, nil
}

// regroup gives each member the state that follows from what the agents have
// asked for, and lets the log know. After it nobody talks to whom he shouldn't.
func (c *Call) regroup() {
	asked := c.asked()
	aside := asked.aside()
	for _, m := range c.room.members {
		m.held = aside && (m.role == roleCaller || m.role == roleFar) && (asked.party != m.party)
		m.muted = false
	}
	if asked != nil && asked.party != nil && !aside {
		c.hold(asked.party, true)
	}
	for _, g := range c.guests {
		if m := c.member(g.party); m != nil {
			m.muted = g.wish.muted
		}
	}
	if t := c.agent; t != nil {
		if m := c.member(t.party); m != nil {
			m.held = t.wish.held || aside && asked.line != nil || c.ringsFor(acd.RoleTransfer) != nil
			m.muted = t.wish.muted
		}
	}
	c.arrange()
	c.partner(asked)
	c.report(aside)
	c.attend()
}

func (c *Call) hold(p *party, held bool) {
	if m := c.member(p); m != nil {
		m.held = held
	}
}

// report tells the log what has changed of hold and mute, whoever did it.
func (c *Call) report(aside bool) {
	if t := c.agent; t != nil {
		c.told(&t.wish, acd.TalkChanged{
			Offer: t.offer, Held: aside || t.wish.held || t.agreed.Hold, Muted: t.wish.muted, By: t.agent,
		})
	}
	for _, g := range c.guests {
		if g.agent != "" && g.party != nil {
			c.told(&g.wish, acd.TalkChanged{Offer: g.offer, Held: g.agreed.Hold, Muted: g.wish.muted, By: g.agent})
		}
	}
}

func (c *Call) told(w *wish, now acd.TalkChanged) {
	was := w.told
	if was.Held == now.Held && was.Muted == now.Muted {
		return
	}
	w.told = now
	now.By = cmp.Or(w.by, now.By)
	c.sw.cfg.Queue.Post(now)
}

// swap changes between the caller and whom the agent asks.
func (c *Call) swap() error {
	g := c.asked()
	switch {
	case g == nil || g.party == nil:
		return denied(DeniedState, "nobody is being asked")
	case g.line != nil:
		return denied(DeniedState, "the phone has a line for each: change there")
	}
	g.swapped = !g.swapped
	c.regroup()
	return nil
}
