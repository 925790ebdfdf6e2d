package call

import (
	"context"
	"maps"
	"net/netip"
	"time"

	"tierline/acd"
	"tierline/call/service"
	"tierline/call/sipua"
	"tierline/ivr"
)

// dialRequest shows the agent who calls and how valuable the caller is: a
// plain phone has only its display. A colleague who asks shows himself.
func (c *Call) dialRequest(e acd.RingAgent, b acd.Binding, body []byte) sipua.DialRequest {
	from, name := c.from, c.displayName()
	switch {
	case e.Role == acd.RoleConsult:
		from, name = e.By, e.By+": "+name
	case e.Role == acd.RoleSupervisor && c.agent != nil:
		from, name = c.agent.agent, c.agent.agent+": "+name
	}
	headers := map[string]string{"X-Tierline-Call": c.id, "X-Tierline-Tier": c.customer.Tier.String()}
	if e.Role != acd.RoleConsult {
		maps.Copy(headers, answerHeaders(c.gen.AutoAnswer(e.Agent), c.sw.cfg.Media.IP()))
	}
	return sipua.DialRequest{
		Target: b.Contact, Destination: b.Received, Transport: b.Transport,
		From: firstOf(from, noCaller), FromName: name, To: e.Agent,
		Headers: headers,
		SDP:     body, Session: sipua.SessionTimer{Expires: phoneSession},
		Timeout: time.Duration(e.For)*time.Millisecond + 2*time.Second,
		// A phone that is picked up as this node dies goes on saying so, and whoever
		// goes on in our place lets it go: in the log, nobody has picked it up.
		AckLater: true,
	}
}

// answerHeaders ask a phone to answer by itself, in the words that phones know:
// no two makers have the same, but RFC 5373.
func answerHeaders(mode service.AutoAnswer, host netip.Addr) map[string]string {
	if mode == service.AnswerByHand {
		return nil
	}
	at := host.String() // it means nothing, but must be there
	if host.Is6() {
		at = "[" + at + "]"
	}
	headers := map[string]string{
		"Call-Info":   "<sip:" + at + ">;answer-after=0",
		"Alert-Info":  "<http://" + at + ">;info=alert-autoanswer;delay=0",
		"Answer-Mode": "Auto",
	}
	if mode == service.AnswerAtOnce {
		headers["Answer-Mode"], headers["Priv-Answer-Mode"] = "Auto;require", "Auto;require"
	}
	return headers
}

// displayName is what a phone shows of the customer.
func (c *Call) displayName() string {
	name := c.customer.Name
	if name == "" {
		name = firstOf(c.customerNumber(), anonymous)
	}
	if c.placed != nil && c.placed.customer == nil {
		return name
	}
	if c.callback != nil {
		name = "call-back " + c.callback.Number
	}
	return name + " (" + c.customer.Tier.String() + ")"
}

// customerNumber is that of whom the agents talk to.
func (c *Call) customerNumber() string {
	if c.callback != nil {
		return c.callback.Number
	}
	if c.placed != nil && c.placed.customer != nil {
		return c.to
	}
	return c.from
}

// connect bridges caller and agent: the log says that the answer was in time.
func (c *Call) connect(ctx context.Context, e acd.ConnectAgent) {
	o := c.offerTo(e.Offer, e.Agent)
	if o == nil || o.picked == nil {
		// The caller left the queue while the answer was on its way to the
		// log: the agent's phone is let go already, the agent not yet.
		c.sw.cfg.Queue.Post(acd.AgentReleased{Offer: e.Offer, By: acd.SideSwitch})
		return
	}
	o.picked.sip.Acknowledge()
	c.forget(o)
	if o.role != 0 {
		c.guestConnected(ctx, o)
		return
	}
	c.dropOffers(causeOfStop(acd.LostRace))
	c.queue = ""
	if c.wait != nil {
		c.queue = c.wait.event.Queue
	}
	c.wait = nil
	c.agent = &talk{party: o.picked, offer: o.id, agent: o.agent}
	if c.callback != nil {
		c.prepare(ctx)
		return
	}
	if c.pickUp(); c.ending {
		return
	}
	c.menu(ctx, ivr.AgentConnected{})
	if !c.greet(c.queue) {
		c.talk(c.queue)
	}
	if c.agent.dead { // hung up between the answer and its commit
		c.agentHungUp(ctx, c.agent.party)
	}
}

// talk lets caller and agent hear each other.
func (c *Call) talk(queue string) {
	c.hush()
	c.enter(c.caller, roleCaller)
	c.enter(c.agent.party, roleAgent)
	c.arrange()
	c.converse(queue)
}

// agentHungUp ends the agent's part; the menu says what the caller hears next.
func (c *Call) agentHungUp(ctx context.Context, p *party) {
	switch g := c.guestAt(p); {
	case g != nil && g.line == p:
		c.lineGone(g)
		c.alone(ctx)
		return
	case g != nil:
		c.guestLeft(ctx, g, p.leftBy())
		return
	case p == c.caller: // who made the call
		c.end(nil)
		return
	case c.agent == nil || c.agent.party != p:
		return // not connected yet: connect looks at dead
	case c.succession(ctx, p.leftBy()):
		return
	}
	c.partAgent(p.leftBy())
	if c.callback == nil && p.lost { // the caller didn't want to go
		c.abandoned(ctx)
		return
	}
	c.sayParting()
	switch {
	case c.callback != nil && p.lost:
		c.end(endBy(acd.SideSwitch, 102, "lost"))
	case c.callback != nil:
		c.end(endBy(acd.SideAgent, 16, "normal"))
	default:
		c.served(ctx)
	}
}

// leftBy says who ended the part of an agent who is gone.
func (p *party) leftBy() acd.Side {
	if p.lost {
		return acd.SideSwitch
	}
	return acd.SideAgent
}

// dropAgent takes the agent out of a call that goes on.
func (c *Call) dropAgent(by acd.Side) {
	c.partAgent(by)
	c.sayParting()
}

// leaveAgent ends the agent's leg and with it the conversation; it returns what
// his media told.
func (c *Call) leaveAgent() *acd.Quality {
	if c.agent == nil {
		return nil
	}
	c.dismissWatchers(acd.SideSwitch)
	return c.partWithAgent(c.caller)
}

// partWithAgent ends the agent's leg; who else is in the conversation stays, but
// for those who are named.
func (c *Call) partWithAgent(others ...*party) *acd.Quality {
	t := c.agent
	if t == nil {
		return nil
	}
	c.quitAside()
	c.endGreeting()
	c.agent = nil
	c.endConversation()
	c.leave(append(others, t.party)...)
	if !t.dead {
		t.sip.Hangup(16, "released")
	}
	c.sw.seats.free(t.party)
	quality := c.parted(t.party)
	t.closeMedia()
	return quality
}
