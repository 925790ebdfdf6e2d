package call

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/routing"
	"tierline/routing/trunk"
)

// placed is what a call has that an agent makes from his phone. To a colleague
// or a queue he is the caller; outside, who is called is the customer, and the
// agent serves him.
type placed struct {
	*party   // the agent's
	target   Target
	offer    uint64
	body     []byte // of our answer, once there is somebody
	customer *far   // outside
	status   int    // why nobody came
}

// agentCalls takes an INVITE of an agent's phone; false: it is nobody's whom we
// know as an agent.
func (s *Switch) agentCalls(in Invite, gen *Generation) bool {
	if !s.isPhoneOf(in.From, in.Source) {
		return false
	}
	agent, challenge, err := s.cfg.Registrar.Authenticate("INVITE", in.URI, in.Authorization, in.Source, in.UserAgent)
	switch {
	case len(challenge) > 0:
		_ = in.Reject(401, reasonPhrase(401), 0, map[string][]string{"WWW-Authenticate": challenge})
		return true
	case err != nil || agent != in.From:
		s.refuse(in, 403, "agent_denied")
		return true
	}
	target, ok := gen.dialled(agent, in.Number)
	if !ok {
		s.refuse(in, 404, "no_such_number")
		return true
	}
	if c, err := s.callOf(agent); err == nil {
		s.ask(c, secondLine{in: in, agent: agent, target: target})
		return true
	}
	s.place(in, gen, agent, target)
	return true
}

// ask brings a second line to the call of the first. One that ends meanwhile
// leaves nobody without an answer.
func (s *Switch) ask(c *Call, m secondLine) {
	taken := make(chan struct{})
	if c.Post(ordered{run: func(ctx context.Context) { close(taken); c.asksByLine(ctx, m) }}) == nil {
		select {
		case <-taken:
			return
		case <-c.done:
		}
	}
	s.refuse(m.in, 486, "agent_busy")
}

// isPhoneOf tells whether an agent's phone is where a message comes from.
func (s *Switch) isPhoneOf(agent string, source netip.AddrPort) (yes bool) {
	s.cfg.Queue.Read(func(st *acd.State) {
		for _, b := range st.BindingsOf(agent) {
			at, err := netip.ParseAddrPort(b.Received)
			if b.Fixed {
				at, err = netip.ParseAddrPort(hostOf(b.Contact))
			}
			yes = yes || err == nil && at == source
		}
	})
	return yes
}

// dialled finds out whom an agent means by a number.
func (g *Generation) dialled(agent, number string) (Target, bool) {
	if g.HasAgent(number) {
		return Target{Agent: number}, number != agent
	}
	if queue, ok := g.Extension(number); ok {
		return Target{Queue: queue}, true
	}
	to := trunk.Numbering{}.Normalise(number)
	if g.callable(agent, to) == nil {
		return Target{Number: number}, true
	}
	return Target{}, false
}

var errNotAllowed = errors.New("the agent may not call it")

// callable says why an agent can't call a normalised number outside. Nothing
// keeps him from calling for help.
func (g *Generation) callable(agent, number string) error {
	if len(g.Urgent(number)) > 0 {
		return nil
	}
	if !g.MayCall(agent, number) {
		return errNotAllowed
	}
	_, err := g.Outward("", number)
	return err //nolint:wrapcheck // it says why, in the words of the documents
}

// place begins a call of an agent.
func (s *Switch) place(in Invite, gen *Generation, agent string, target Target) {
	c := &Call{
		id: newID(), sw: s, gen: gen, from: agent, to: in.Number, sipCallID: in.CallID, codecs: sdp.DefaultCodecs(),
		release: func() {}, placed: &placed{target: target, status: 480},
	}
	c.home = s.homeAt(in.Local)
	c.customer.Name = gen.AgentName(agent)
	if target.Number != "" {
		c.to = c.normalise(in.Number)
		p, _ := gen.Customers.ByNumber(c.to)
		c.customer = acd.Customer{ID: p.ID, Name: p.Name, Tier: p.Tier, Language: p.Language}
	}
	c.prime(c.id)
	if err := s.enter(c); err != nil {
		status, reason := refusal(err)
		s.refuse(in, status, reason)
		return
	}
	s.group.Add(1)
	defer s.group.Done()
	in.OnCancel(func() { _ = c.Post(cancelled{}) })
	if !c.openPlaced(in, agent) {
		s.ended(c, Cause{Reason: "agent_refused"})
		c.over()
		return
	}
	c.later(func() { c.dialOut(s.root) })
	c.run()
}

// openPlaced prepares the agent's leg and writes the call into the log; false:
// the INVITE is refused.
func (c *Call) openPlaced(in Invite, agent string) bool {
	p, body := c.lineOf(secondLine{in: in, agent: agent})
	if p == nil {
		return false
	}
	c.placed.party, c.placed.body = p, body
	if c.placed.target.Number == "" {
		c.caller = p
	}
	leg, err := p.invitedLeg(in, body, true)
	if err != nil {
		c.log.Warn("dialog can't be stored", "err", err)
	}
	_, offer, err := c.sw.cfg.Queue.Propose(c.sw.root, acd.CallPlaced{
		Call: c.id, Node: c.sw.cfg.Node, Agent: agent, To: c.to, Outside: c.placed.target.Number != "",
		Generation: c.gen.Number, Customer: c.customer, SIPCallID: c.sipCallID, Leg: leg,
		Home: c.home.node,
	})
	if err == nil {
		c.placed.offer = offer
		c.log.Info("agent calls", "agent", agent, "to", routing.Mask(c.to))
		return true
	}
	c.log.Info("agent may not call now", "agent", agent, "err", err)
	c.sw.cfg.Queue.Post(acd.CallEnded{Call: c.id, Cause: "not_committed", By: acd.SideSwitch, SIP: 503})
	status := 503
	if _, refused := errors.AsType[*acd.RefusedError](err); refused {
		status = 403
	}
	c.sw.refuse(in, status, "agent_refused")
	p.closeMedia()
	return false
}

// dialOut calls whom the agent wants.
func (c *Call) dialOut(ctx context.Context) {
	t := c.placed.target
	switch {
	case t.Number != "":
		c.dialCustomer(ctx)
	case t.Queue != "":
		if c.takesUp() {
			c.requeue(ctx, t.Queue)
		}
	default:
		c.call(ctx, &guest{role: acd.RoleTransfer, by: c.from}, t, func(err error) {
			if err != nil {
				c.placed.status = 486
			}
		})
	}
}

// takesUp answers the agent's own leg; false: it is gone.
func (c *Call) takesUp() bool {
	p := c.placed.party
	d, err := p.invite.Answer(c.placed.body, c.signals(p))
	if err != nil {
		c.end(endBy(acd.SideCaller, 16, "cancelled"))
		return false
	}
	c.attach(p, d)
	c.sw.seats.take(p)
	c.answered = true
	if p == c.caller {
		c.enter(p, roleCaller)
		c.keepLeg(p) // from now on another node can go on with the call
	}
	return true
}

// dialCustomer calls somebody outside for the agent.
func (c *Call) dialCustomer(ctx context.Context) {
	f := &far{by: c.from, limit: time.Now().Add(guestRing)}
	c.placed.customer = f
	tell := func(state string, status int) {
		c.sw.cfg.Queue.Post(acd.OutsideChanged{
			Call: c.id, To: c.to, By: c.from, State: state, Trunk: f.trunk, SIP: status,
		})
	}
	f.answered = func(context.Context) {
		if !c.takesUp() {
			return
		}
		c.forgetLeg(f.party)
		c.caller = f.party
		c.agent = &talk{party: c.placed.party, offer: c.placed.offer, agent: c.placed.agent}
		tell(acd.OutsideAnswered, 200)
		c.keepLeg(c.caller)
		c.keepLeg(c.agent.party)
		c.talk("")
	}
	f.failed = func(_ context.Context, status int) {
		tell(acd.OutsideFailed, status)
		c.placed.status = status
		c.end(endBy(acd.SideSwitch, 16, farOutcome(status).String()))
	}
	if err := c.callOut(ctx, "", c.to, "", f); err != nil {
		c.placed.customer, c.placed.status = nil, 503
		tell(acd.OutsideFailed, 503)
		c.end(endBy(acd.SideSwitch, 16, "failed"))
	}
}

// endPlaced ends all legs of a call that an agent made.
func (c *Call) endPlaced(cause *Cause) {
	c.dismissGuests(cause.Side, *cause)
	c.dropOffers(*cause)
	agentQuality := c.leaveAgent()
	c.leaveTransfer(*cause)
	c.endTapes()
	quality := c.closeFar(c.placed.customer, *cause)
	p := c.placed.party
	c.sw.seats.free(p)
	switch {
	case p.sip == nil:
		if !p.dead && cause.Reason != "cancelled" {
			_ = p.invite.Reject(lineStatus(c.placed.status), reasonPhrase(lineStatus(c.placed.status)), 0, nil)
		}
		p.closeMedia()
	case p == c.caller:
		if !p.dead {
			p.sip.Hangup(cause.Q850, cause.Reason)
		}
		quality = c.parted(p)
		p.closeMedia()
	} // outside the agent's leg is that of who serves the call, or served it
	ended := acd.CallEnded{Call: c.id, Cause: cause.Reason, By: cause.Side, Quality: quality, AgentQuality: agentQuality}
	if !c.answered {
		ended.SIP = lineStatus(c.placed.status)
		if cause.Reason == "cancelled" {
			ended.SIP = 487
		}
	}
	c.sw.cfg.Queue.Post(ended)
}

// asksByLine is an agent whose phone calls somebody while he talks: he asks him.
func (c *Call) asksByLine(ctx context.Context, m secondLine) {
	err := c.mayWant(acd.RoleConsult)
	if err == nil && (c.agent == nil || c.agent.agent != m.agent) {
		err = denied(DeniedState, "agent %s doesn't serve the call", m.agent)
	}
	if err != nil {
		c.log.Info("second line refused", "agent", m.agent, "err", err)
		c.sw.refuse(m.in, 486, "agent_busy")
		return
	}
	p, body := c.lineOf(m)
	if p == nil {
		return
	}
	g := &guest{role: acd.RoleConsult, by: m.agent, line: p, body: body}
	m.in.OnCancel(func() {
		c.later(func() {
			p.dead = true
			if g.line == p {
				c.lineGone(g)
				c.alone(ctx)
			}
		})
	})
	c.call(ctx, g, m.target, func(err error) {
		if err != nil && g.line != nil {
			c.log.Info("second line refused", "agent", m.agent, "err", err)
			c.rejectLine(g, 486)
		}
	})
}
