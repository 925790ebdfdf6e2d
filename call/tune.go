package call

import (
	"errors"
	"slices"
	"time"

	"tierline/call/sdp"
)

// Opus is carried, never made: it is spoken only while two who both speak it
// are bridged and nobody records or listens. Every leg begins in a codec that
// we can make; a re-INVITE takes it to Opus once a conversation has settled, and
// another one brings it back as soon as anything else is to be heard.
const (
	settling   = time.Second     // from the bridge until the legs are tuned
	tuneAgain  = 2 * time.Second // after a re-INVITE that failed
	tuneMostly = 5               // tries to bring a leg back
)

var errNoAnswer = errors.New("the peer did not agree")

// tuning is a leg's way between codecs.
type tuning struct {
	base    []uint8 // codecs that we can make
	speaks  bool    // the peer named Opus
	refused bool    // it did not want it when asked
	under   bool    // a re-INVITE is under way
	tries   int     // to bring it back
}

// settle looks after the codecs when a conversation has settled.
func (c *Call) settle() {
	if !c.opus {
		return
	}
	c.tune(false)
	if c.unsettled == nil {
		c.unsettled = c.after(settling, func() {
			c.unsettled = nil
			c.tune(true)
		})
	}
}

// tune brings legs that can't stay in Opus back, and with up takes those there
// that can go.
func (c *Call) tune(up bool) {
	wide := c.mayTune()
	// Who comes to one that is in Opus already must follow at once.
	up = up || slices.ContainsFunc(c.room.bridged, func(m *member) bool { return m.agreed.Codec == sdp.Opus })
	for _, p := range c.tuned() {
		switch {
		case p.tuning.under || p.dead || p.sip == nil:
		case !wide && p.agreed.Codec == sdp.Opus && p.tuning.tries < tuneMostly:
			p.tuning.tries++
			c.renegotiate(p, p.tuning.base)
		case up && wide && p.agreed.Codec != sdp.Opus:
			p.tuning.base, p.tuning.tries = p.local.Codecs, 0
			c.renegotiate(p, []uint8{sdp.Opus})
		}
	}
}

// tuned are the legs that may be in Opus: those in the conversation, and the
// caller's when he is out of it.
func (c *Call) tuned() []*party {
	var all []*party
	for _, m := range c.room.members {
		all = append(all, m.party)
	}
	if c.caller != nil && !slices.Contains(all, c.caller) {
		all = append(all, c.caller)
	}
	return all
}

// mayTune tells whether the call can do without sound of ours.
func (c *Call) mayTune() bool {
	if len(c.room.bridged) != 2 || c.talked != nil || !c.caller.tuning.speaks {
		return false
	}
	return !slices.ContainsFunc(c.room.bridged, func(m *member) bool {
		abroad := m.far != nil && !m.far.opus // its trunk doesn't carry it
		tones := m.inband && m.agreed.EventPT == 0
		return abroad || tones || m.tuning.refused || !m.agreed.Send || !m.agreed.Receive
	})
}

// renegotiate offers a leg other codecs.
func (c *Call) renegotiate(p *party, codecs []uint8) {
	p.tuning.under = true
	p.local.Version++
	offered := p.local
	offered.Codecs = codecs
	p.sip.Reinvite(sdp.Offer(offered), func(status int, body []byte) {
		c.later(func() { c.renegotiated(p, offered, status, body) })
	})
}

// renegotiated takes the peer's answer; without one the leg stays what it was.
func (c *Call) renegotiated(p *party, offered sdp.LocalOptions, status int, body []byte) {
	p.tuning.under = false
	wanted := offered.Codecs
	before := p.local.Codecs
	p.local.Codecs = wanted
	err := errNoAnswer
	if status/100 == 2 {
		err = p.accept(body)
	}
	switch up := wanted[0] == sdp.Opus; {
	case err == nil && up: // what the peer offers from now on may stay in Opus
		p.local.Codecs = append(slices.Clone(wanted), p.tuning.base...)
		c.keepLeg(p)
	case err == nil:
		c.keepLeg(p)
	case up:
		p.local.Codecs, p.tuning.refused = before, true
		c.log.Info("a leg stays in its codec", "agent", p.agent, "status", status)
	default:
		p.local.Codecs = before
		c.log.Warn("a leg can't be brought back from Opus", "agent", p.agent, "status", status, "err", err)
		c.after(tuneAgain, func() { c.tune(false) })
		return
	}
	c.tune(false)
}
