package call

import (
	"context"
	"slices"
	"time"

	"tierline/acd"
	"tierline/routing"
)

// guestRing is how long somebody's phone rings whom an agent wants in a call.
const guestRing = 30 * time.Second

// guest is somebody whom an agent wants in the call beside himself: an agent, or
// somebody outside; or a supervisor. He rings, or he is there.
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

	mode, asked mode // of a supervisor, now and when he was called
	takesOver   bool // a supervisor who rings is to serve the call
	starred     bool // his last key was a star
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

// invited are the guests and the supervisors.
func (c *Call) invited() []*guest { return slices.Concat(c.guests, c.watchers) }

// guestWho finds the guest of an offer.
func (c *Call) guestWho(offer uint64) *guest {
	for _, g := range c.invited() {
		if g.offer == offer && offer != 0 {
			return g
		}
	}
	return nil
}

// guestAt finds the guest of a party, his phone or the agent's second line.
func (c *Call) guestAt(p *party) *guest {
	for _, g := range c.invited() {
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
	case len(c.invited())+2 >= mostParties:
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
	c.expect(g)
	ev := acd.AgentCalled{Call: c.id, Agent: g.agent, Role: g.role, By: g.by}
	if g.role == acd.RoleSupervisor {
		g.asked, ev.Mode = g.mode, g.mode.word()
	}
	c.beside(func() func() {
		_, offer, err := c.sw.cfg.Queue.Propose(ctx, ev)
		return func() {
			if err == nil {
				g.offer = offer
				reply(nil)
				return
			}
			known := c.forgetGuest(g)
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

// expect puts a guest on the list who will be called. Nobody notices a
// supervisor.
func (c *Call) expect(g *guest) {
	if g.role == acd.RoleSupervisor {
		c.watchers = append(c.watchers, g)
		return
	}
	c.guests = append(c.guests, g)
	c.waitsFor(g)
}

// callGuest calls somebody outside, if the agent may.
func (c *Call) callGuest(ctx context.Context, g *guest, number string) error {
	to, trunk, err := c.permitted(g.by, number)
	if err != nil {
		return err
	}
	return c.dialGuest(ctx, g, to, trunk)
}

// dialGuest calls a normalised number.
func (c *Call) dialGuest(ctx context.Context, g *guest, to, trunk string) error {
	c.legs++
	g.number, g.leg = to, c.legs
	g.far = &far{
		by:       g.by,
		limit:    time.Now().Add(guestRing),
		answered: func(ctx context.Context) { c.guestIn(ctx, g, g.far.party) },
		failed:   func(ctx context.Context, status int) { c.guestFailed(ctx, g, status) },
	}
	c.guests = append(c.guests, g)
	if err := c.callOut(ctx, trunk, to, "", g.far); err != nil {
		c.forgetGuest(g)
		return denied(DeniedTrouble, "%s can't be called: %v", routing.Mask(to), err)
	}
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
	if err = c.gen.callable(agent, to); err != nil {
		return "", "", denied(DeniedNumber, "agent %s can't call %s: %v", agent, routing.Mask(to), err)
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
	if g.role == acd.RoleSupervisor {
		return
	}
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
	for _, g := range c.invited() {
		if g.agent == o.agent && g.party == nil && (g.offer == 0 || g.offer == o.id) {
			g.offer = o.id
			return g
		}
	}
	return nil
}

// guestIn is a guest who answered.
func (c *Call) guestIn(ctx context.Context, g *guest, p *party) {
	if g.role == acd.RoleSupervisor {
		c.supervisorIn(ctx, g, p)
		return
	}
	c.waited(g)
	g.party = p
	if c.placed != nil && !c.answered && !c.takesUp() {
		return
	}
	r := roleConsulted
	if g.far != nil {
		r = roleFar
		c.outside(g, acd.OutsideAnswered, 200, nil)
		c.keepLeg(p)
	}
	c.enter(p, r)
	if g.role == acd.RoleConsult && g.line != nil && !c.answerLine(g) {
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
