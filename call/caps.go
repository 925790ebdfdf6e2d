package call

import (
	"context"
	"errors"

	"tierline/acd"
	"tierline/routing/trunk"
)

// Limits hold for all nodes together: the log counts the calls of a trunk and
// those that an agent makes, and refuses what would be one too many. Each node
// looks at its own count and at the log's first, so that a flood of refused
// calls stays out of the log.

// capOf is a limit as the log knows it; false: there is none.
func capOf(name string, l trunk.Limits) (acd.Cap, bool) {
	return acd.Cap{
		Name: name, Calls: int64(l.Calls), Rate: int64(l.Rate), Burst: int64(l.Burst), Hour: int64(l.Hour),
		Day: int64(l.Day),
	}, l != trunk.Limits{}
}

// capName is what a trunk's calls in both directions are counted under.
func capName(trunk string) string { return "trunk " + trunk }

// capsOf are the limits of a trunk's calls in one direction.
func capsOf(t trunk.Trunk, outward bool) (caps []acd.Cap) {
	name := capName(t.Name)
	one, limits := name+" in", t.Limits.In
	if outward {
		one, limits = name+" out", t.Limits.Out
	}
	if c, ok := capOf(name, t.Limits.Limits); ok {
		caps = append(caps, c)
	}
	if c, ok := capOf(one, limits); ok {
		caps = append(caps, c)
	}
	return caps
}

// capsOfAgent are the limits of the calls that an agent makes.
func (g *Generation) capsOfAgent(agent string) (caps []acd.Cap) {
	if agent == "" {
		return nil
	}
	if c, ok := capOf("agent "+agent, g.Dialling(agent)); ok {
		caps = append(caps, c)
	}
	return caps
}

// capFull reports whether as many calls as there may be run on all nodes
// together, as far as this node knows.
func (s *Switch) capFull(caps []acd.Cap) (full bool) {
	if len(caps) > 0 {
		s.cfg.Queue.Read(func(st *acd.State) { full = st.CapFull(caps) })
	}
	return full
}

// limitOf is the limit that the log's refusal names; NoLimit: another refusal.
func limitOf(code string) trunk.Limit {
	switch code {
	case acd.CodeCapCalls:
		return trunk.CallsLimit
	case acd.CodeCapRate:
		return trunk.RateLimit
	case acd.CodeCapHour:
		return trunk.HourLimit
	case acd.CodeCapDay:
		return trunk.DayLimit
	}
	return trunk.NoLimit
}

// capRefused is the limit because of which the log refused something.
func capRefused(err error) trunk.Limit {
	if refused, ok := errors.AsType[*acd.RefusedError](err); ok {
		return limitOf(refused.Code)
	}
	return trunk.NoLimit
}

// take has the log count a call outward before anybody is called, and then
// calls. Nothing holds up an urgent one.
func (c *Call) take(ctx context.Context, f *far) {
	if len(f.caps) == 0 {
		c.tryNext(ctx, f)
		return
	}
	f.place = newID()
	ev := acd.OutwardTaken{Place: f.place, Call: c.id, Node: c.sw.cfg.Node, Caps: f.caps, Urgent: f.urgent}
	if f.urgent {
		c.sw.cfg.Queue.Post(ev)
		c.tryNext(ctx, f)
		return
	}
	c.beside(func() func() {
		_, _, err := c.sw.cfg.Queue.Propose(ctx, ev)
		return func() {
			switch {
			case f.over || err != nil && capRefused(err) == trunk.NoLimit:
				c.giveBack(f) // whose fate isn't known, too
			}
			switch {
			case f.over:
			case err != nil:
				c.sw.trunkFailed(f.trunk, "call outward not made: "+err.Error())
				c.farFailed(ctx, f, 503)
			default:
				c.tryNext(ctx, f)
			}
		}
	})
}

// giveBack gives a place in the log's count back.
func (c *Call) giveBack(f *far) {
	if f.place != "" {
		c.sw.cfg.Queue.Post(acd.OutwardLeft{Place: f.place})
	}
}
