package call

import (
	"encoding/json"
	"fmt"

	"tierline/acd"
)

// Names in the log of legs that are neither the caller's nor an agent's.
const (
	lineName = "line" // an agent's second one, for whom he asks: one at a time
	awayName = "away" // of somebody outside to whom the menu has sent the caller
	// customerName is that of the customer whom an agent calls, or who is called back,
	// until he is there.
	customerName = "customer"
	testedName   = "tested" // of whom a test of a trunk calls
)

// outName is that of somebody outside whom an agent has called into the call.
func outName(leg int) string { return fmt.Sprintf("out:%d", leg) }

// keptLeg says whose such a leg is, in the words of acd.OtherLeg's About.
type keptLeg struct {
	Away   bool     `json:"away,omitempty"` // the caller was sent to him
	Role   acd.Role `json:"role,omitempty"` // of a guest
	By     string   `json:"by,omitempty"`
	Agent  string   `json:"agent,omitempty"` // whose second line
	Number string   `json:"number,omitempty"`
	Trunk  string   `json:"trunk,omitempty"`
	Leg    int      `json:"leg,omitempty"`
	To     string   `json:"to,omitempty"` // the menu's name of him
	Rings  bool     `json:"rings,omitempty"`
}

// keepLeg writes down what a leg has become, for whoever goes on with it.
func (c *Call) keepLeg(p *party) {
	if p.sip == nil || p.dead || c.ending {
		return
	}
	ev, ok := c.keptAs(p)
	if !ok {
		return
	}
	leg, err := p.storedLeg(p.sip.Dialog())
	if err != nil {
		c.log.Warn("dialog can't be stored", "err", err)
		return
	}
	if ev.Leg = leg; string(leg)+string(ev.About) != string(p.stored) {
		p.stored, p.name = append(leg, ev.About...), ev.Name
		c.sw.cfg.Queue.Post(ev)
	}
}

// keptAs says where a leg stands in the log; false: nowhere, or not yet.
func (c *Call) keptAs(p *party) (ev acd.LegChanged, ok bool) {
	ev.Call = c.id
	switch g := c.guestAt(p); {
	case p == c.caller:
		return ev, c.callback == nil || c.callback.reached
	case c.agent != nil && p == c.agent.party:
		ev.Offer = c.agent.offer
		return ev, true
	case g != nil && g.line == p:
		return named(ev, lineName, keptLeg{Agent: p.agent})
	case g != nil && g.far == nil:
		ev.Offer = g.offer
		return ev, g.offer != 0
	case g != nil:
		return named(ev, outName(g.leg), g.kept())
	}
	return c.keptAway(ev, p)
}

// keptAway is that of somebody outside to whom the caller was sent, or who is
// being called.
func (c *Call) keptAway(ev acd.LegChanged, p *party) (acd.LegChanged, bool) {
	for _, g := range c.guests {
		if g.far != nil && g.far.party == p {
			return named(ev, outName(g.leg), g.kept())
		}
	}
	if f := c.dialledCustomer(); f != nil && f.party == p {
		return named(ev, customerName, keptLeg{Trunk: f.trunk, Rings: true})
	}
	if t := c.trial; t != nil && t.far != nil && t.far.party == p {
		return named(ev, testedName, keptLeg{Number: t.Number, Trunk: t.far.trunk, Rings: !t.far.up})
	}
	t := c.away
	switch {
	case t == nil || t.far == nil || t.far.party != p:
		return ev, false
	case t.guest != nil:
		about := t.guest.kept()
		about.Away = true
		return named(ev, outName(t.guest.leg), about)
	}
	return named(ev, awayName, keptLeg{
		Away: true, To: t.To, Number: t.number, Trunk: t.far.trunk, Rings: !t.bridged,
	})
}

func named(ev acd.LegChanged, name string, about keptLeg) (acd.LegChanged, bool) {
	text, err := json.Marshal(about)
	ev.Name, ev.About = name, text
	return ev, err == nil
}

// kept says who somebody outside is in the call.
func (g *guest) kept() keptLeg {
	return keptLeg{Role: g.role, By: g.by, Number: g.number, Trunk: g.far.trunk, Leg: g.leg, Rings: !g.far.up}
}

// forgetLeg takes a leg with a name out of the log: it is over, or stands there as
// something else now.
func (c *Call) forgetLeg(p *party) {
	if p != nil && p.name != "" && !c.ending {
		c.sw.cfg.Queue.Post(acd.LegChanged{Call: c.id, Name: p.name})
		p.name = ""
	}
}

// dialledCustomer is who is called back, or whom an agent calls; nil if he is there.
func (c *Call) dialledCustomer() *far {
	switch {
	case c.callback != nil && !c.callback.reached:
		return c.callback.customer
	case c.placed != nil && !c.answered:
		return c.placed.customer
	}
	return nil
}

// keepInvite writes down what the caller's switch has said since, while he isn't
// answered.
func (c *Call) keepInvite(p *party) {
	leg, err := p.invitedLeg(p.invite, p.body, true)
	if err != nil {
		c.log.Warn("dialog can't be stored", "err", err)
		return
	}
	c.sw.cfg.Queue.Post(acd.LegChanged{Call: c.id, Leg: leg})
}
