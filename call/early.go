package call

import (
	"context"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
	"tierline/routing"
)

// listenEvery is how often we look whether a far side that promised early media
// sends any. Until then its caller hears ringing.
const listenEvery = 100 * time.Millisecond

// earlyLongest is how long a caller is heard without being answered. Then he is:
// who vanished without a word doesn't acknowledge it, who still waits stays.
const earlyLongest = 5 * time.Minute

// farRings takes a provisional answer of a leg that we call. Of several phones
// that ring together the last one to speak is heard.
func (c *Call) farRings(f *far, ev sipua.Ringing) {
	f.rang = true
	if !f.over {
		c.keepLeg(f.party) // it may be another INVITE: the first one was challenged
	}
	if f.rings != nil {
		f.rings()
	}
	if len(ev.SDP) == 0 || f.hear == nil || f.over {
		return
	}
	if err := f.accept(ev.SDP); err != nil {
		c.log.Info("early media is unusable, it rings", "trunk", f.trunk, "err", err)
		return
	}
	if !f.listening {
		f.listening = true
		c.listen(f)
	}
}

// listen joins the early media of a far leg once there are some.
func (c *Call) listen(f *far) {
	c.after(listenEvery, func() {
		switch {
		case f.over || f.up:
		case f.media.Quality().Received > f.received:
			c.log.Info("far side is heard before it answers", "trunk", f.trunk)
			f.hear()
		default:
			c.listen(f)
		}
	})
}

// hearAway lets the caller hear what a destination plays before it answers.
func (c *Call) hearAway(t *transfer) {
	if c.away != t || t.early || t.bridged {
		return
	}
	t.early = true
	c.hush()
	c.enter(c.caller, roleCaller)
	c.enter(t.far.party, roleFar)
	c.arrange()
	c.overhear(t)
}

// overhear lets the caller hear ringing again when what he heard has stopped and
// nobody has answered yet.
func (c *Call) overhear(t *transfer) {
	f := t.far
	f.received = f.media.Quality().Received
	c.after(vigilAfter, func() {
		switch {
		case c.away != t || !t.early || f.over || f.up:
		case f.media.Quality().Received > f.received:
			c.overhear(t)
		default:
			c.log.Info("nothing is heard of the far side any more, it rings", "trunk", f.trunk)
			c.sw.stats.count(&c.sw.stats.silences, c.whereabouts())
			c.stopHearing(t)
			c.ringAway(t)
			c.listen(f)
		}
	})
}

// stopHearing ends that, before the far leg is closed or answers.
func (c *Call) stopHearing(t *transfer) {
	if t.early {
		t.early = false
		c.leave(c.caller, t.far.party)
	}
}

// progress begins the call before it is answered. Its caller isn't charged until
// somebody takes it.
func (c *Call) progress(in Invite, body []byte) bool {
	p := c.caller
	p.body = body
	if err := in.Progress(body, c.signals(p)); err != nil {
		c.log.Info("cannot answer early", "err", err)
		c.end(endBy(acd.SideCaller, 16, "cancelled"))
		return false
	}
	c.log.Info("call answered early", "from", routing.Mask(c.from), "to", c.to)
	c.after(earlyLongest, c.pickUp)
	if !p.late {
		_ = c.Post(signalled{from: p, ev: sipua.Pracked{}}) // the first message of an empty mailbox
	}
	return true
}

// pracked starts the menu of a call that isn't answered.
func (c *Call) pracked(ctx context.Context, p *party, ev sipua.Pracked) {
	if p.late && len(ev.SDP) > 0 {
		p.late = false
		if err := p.accept(ev.SDP); err != nil {
			c.end(&EndError{Cause: Cause{SIP: 488, Q850: 88, Side: acd.SideCaller, Reason: "bad_answer"}, Err: err})
			return
		}
		c.keepInvite(p)
	}
	if c.session == nil && !p.late {
		c.begin(ctx)
	}
}

// pickUp answers a call that was only heard so far.
func (c *Call) pickUp() {
	if c.answered || c.caller == nil || c.caller.invite == nil {
		return
	}
	d, err := c.caller.invite.Answer(c.caller.body, c.signals(c.caller))
	if err != nil {
		c.log.Info("cannot answer", "err", err)
		c.end(endBy(acd.SideCaller, 16, "cancelled"))
		return
	}
	c.attach(c.caller, d)
	c.answered = true
	if c.early {
		c.keepLeg(c.caller)
	}
	c.log.Info("call answered", "from", routing.Mask(c.from), "to", c.to, "tier", c.customer.Tier.String())
}

// gaveUp is a CANCEL. Who has heard the menu hangs up with it.
func (c *Call) gaveUp() {
	if c.caller != nil { // an agent who calls outside isn't
		c.caller.dead = true
	}
	if c.session != nil {
		c.end(nil)
		return
	}
	c.end(endBy(acd.SideCaller, 16, "cancelled"))
}

// refusalOf is the final answer to a caller who was never answered.
func refusalOf(cause Cause) (status int) {
	switch {
	case cause.Side != acd.SideCaller:
	case cause.Q850 == 16:
		return 487
	case cause.Q850 == 102:
		return 504
	}
	switch cause.Q850 {
	case 1:
		return 404
	case 17:
		return 486
	case 21:
		return 603
	case 34, 42:
		return 503
	}
	return cause.SIP
}
