package call

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
)

// What another process had not finished when it died: somebody whom we call
// hasn't answered, or somebody who calls isn't answered. Both are in the log with
// as much of their INVITE as it takes to end it. Phones that rang outside are
// stopped and called anew; a caller who only heard us goes on hearing us.

// stopDialled stops what rings outside, and returns whom an agent has called so.
func (c *Call) stopDialled(legs *acd.Legs) (guests []keptLeg) {
	var up []acd.OtherLeg
	for _, o := range legs.Others {
		var about keptLeg
		if json.Unmarshal(o.About, &about) != nil || !about.Rings {
			up = append(up, o)
			continue
		}
		c.sw.cfg.Queue.Post(acd.LegChanged{Call: c.id, Name: o.Name})
		var d sipua.Dialog
		err := d.UnmarshalBinary(o.Leg)
		if err == nil && len(d.Invite) > 0 {
			err = c.sw.cfg.UA.CancelInvite(d)
		}
		if err != nil {
			c.log.Info("a phone may go on ringing", "leg", o.Name, "err", err)
		}
		if about.Leg == 0 {
			continue
		}
		c.legs = max(c.legs, about.Leg)
		c.sw.cfg.Queue.Post(acd.OutsideChanged{
			Call: c.id, Leg: about.Leg, To: about.Number, Role: about.Role, By: about.By, State: acd.OutsideFailed,
			Trunk: about.Trunk,
		})
		guests = append(guests, about)
	}
	legs.Others = up
	return guests
}

// callAgain calls those anew whom an agent wanted in the call. One that can't be
// called is as one who doesn't come.
func (c *Call) callAgain(ctx context.Context, guests []keptLeg) {
	for _, about := range guests {
		g := &guest{role: about.Role, by: about.By}
		if err := c.dialGuest(ctx, g, about.Number, about.Trunk); err != nil {
			c.log.Info("somebody outside can't be called anew", "err", err)
		}
	}
}

// dialAgain goes on with a call in which nobody but an agent is there yet: he
// calls somebody, or is to talk to a customer who is called back. false: it is
// another one.
func (c *Call) dialAgain(ctx context.Context, in inherited) bool {
	var err error
	switch {
	case c.callback != nil && in.view.Phase == acd.PhaseDialling:
		err = c.callCustomerAgain(ctx, in)
	case c.placed != nil && len(in.legs.Caller) == 0:
		err = c.placeAgain(ctx, in)
	default:
		return false
	}
	if err != nil {
		c.end(lostWithNode(err))
	}
	return true
}

// callCustomerAgain dials the customer of a call-back for the agent who waits.
func (c *Call) callCustomerAgain(ctx context.Context, in inherited) error {
	b := c.callback
	b.deadline = time.Now().Add(time.Duration(b.For) * time.Millisecond)
	if _, err := c.rejoinAgent(in); err != nil {
		c.sw.cfg.Queue.Post(acd.CallbackMissed{Offer: b.offer, Outcome: acd.SwitchFailed})
		return err
	}
	c.callCustomer(ctx)
	return nil
}

var errNoInvite = errors.New("the agent's INVITE is not known")

// placeAgain calls whom an agent has dialled. His own phone still waits for an
// answer.
func (c *Call) placeAgain(ctx context.Context, in inherited) error {
	p, leg := &party{agent: c.from, offer: in.view.Offer}, in.legs.Agent
	for _, side := range in.legs.Sides {
		if side.Role == acd.RoleCaller {
			p.offer, leg = side.Offer, side.Leg
		}
	}
	c.placed.party, c.placed.offer = p, p.offer
	if in.view.Outside {
		c.placed.target = Target{Number: c.to}
	} else {
		c.caller = p
		c.placed.target, _ = c.gen.dialled(c.from, c.to)
	}
	var d sipua.Dialog
	err := d.UnmarshalBinary(leg)
	if err == nil && len(d.Invite) == 0 {
		err = errNoInvite
	}
	if err == nil {
		_, err = c.restore(leg, p)
	}
	if err != nil {
		p.dead = true
		return err
	}
	c.placed.body = p.body
	c.dialOut(ctx)
	return nil
}

// resumeInvite makes a party of one whose INVITE isn't answered. stays: what he
// has heard of us holds.
func (c *Call) resumeInvite(d sipua.Dialog, p *party, stays bool) (err error) {
	c.answered, c.early = false, c.placed == nil
	if p.body, err = p.answer(d.RemoteSDP); err != nil {
		return errors.Join(err, c.sw.refuseInherited(d))
	}
	if c.early && stays {
		p.body = d.LocalSDP
	}
	p.moved = !stays
	if p.invite, err = c.sw.cfg.UA.ResumeInvite(d, c.early && stays); err != nil {
		return err //nolint:wrapcheck // says what and where
	}
	p.callID = d.CallID
	p.invite.OnCancel(func() { _ = c.Post(cancelled{}) })
	return nil
}

// stillEarly goes on with a caller who is heard and not answered. If he has to
// learn where we are now, or talks to an agent, he is answered; false: that came
// to nothing.
func (c *Call) stillEarly(p *party, in inherited) bool {
	if !p.moved && in.view.Phase != acd.PhaseTalking {
		c.after(earlyLongest, c.pickUp)
		return true
	}
	c.pickUp()
	if c.ending {
		return false
	}
	if p.moved { // some peers take a body only as the answer to an offer
		c.reclaim(p, time.Now().Add(comeAgain))
	}
	return true
}
