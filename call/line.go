package call

import (
	"tierline/acd"
	"tierline/call/sdp"
)

// answerLine takes up the second line of the agent's phone, for whom he asks.
func (c *Call) answerLine(g *guest) bool {
	p := g.line
	d, err := p.invite.Answer(g.body, c.signals(p))
	if err != nil {
		c.log.Info("second line is gone", "agent", p.agent, "err", err)
		p.dead = true
		return false
	}
	c.attach(p, d)
	c.enter(p, roleConsulted)
	c.keepLeg(p)
	return true
}

// rejectLine tells the phone that whom it called doesn't come.
func (c *Call) rejectLine(g *guest, status int) {
	p := g.line
	g.line = nil
	if !p.dead {
		_ = p.invite.Reject(lineStatus(status), reasonPhrase(lineStatus(status)), 0, nil)
	}
	p.closeMedia()
}

// lineStatus is what a phone that called somebody is told of his final status.
func lineStatus(status int) int {
	switch status {
	case 404, 486, 488, 603:
		return status
	case 600:
		return 486
	}
	return 480
}

// closeLine ends the second line of the agent's phone.
func (c *Call) closeLine(g *guest, cause Cause) {
	p := g.line
	if p == nil {
		return
	}
	if p.sip == nil {
		c.rejectLine(g, 480)
		return
	}
	g.line = nil
	c.forgetLeg(p)
	c.leave(p)
	if !p.dead {
		p.sip.Hangup(cause.Q850, cause.Reason)
	}
	p.closeMedia()
}

// secondLine is an INVITE of an agent's phone while he talks: he wants to ask
// somebody.
type secondLine struct {
	in     Invite
	agent  string
	target Target
}

// lineOf prepares the second line; nil: it is refused.
func (c *Call) lineOf(m secondLine) (p *party, body []byte) {
	p, err := c.openParty(c.codecs, c.gen.SRTP(m.agent))
	if err != nil {
		c.sw.refuse(m.in, 503, "no_ports")
		return nil, nil
	}
	p.invite, p.signal, p.agent = m.in, m.in.Source.Addr(), m.agent
	body = sdp.Offer(p.local)
	if p.late = m.in.Offer == nil; !p.late {
		if body, err = p.answer(m.in.Offer); err != nil {
			c.sw.refuse(m.in, sdp.StatusOf(err), "bad_offer")
			p.closeMedia()
			return nil, nil
		}
	}
	_ = m.in.Ringing() // lost or not, a final answer follows
	return p, body
}

// lineGone is an agent who hangs up his second line: he doesn't ask any more. Who
// has given the caller away needs the line no longer: phones hang it up then.
func (c *Call) lineGone(g *guest) {
	if g.role == acd.RoleTransfer {
		c.closeLine(g, CauseNormal())
		return
	}
	c.dismissGuest(g, acd.SideAgent, CauseNormal())
}
