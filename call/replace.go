package call

import (
	"context"
	"sync"

	"tierline/call/sdp"
	"tierline/call/sipua"
)

// dialogs finds the call that a dialog belongs to. A leg stays in it until its
// call ends: whether it still lives, the call knows.
type dialogs struct {
	mu sync.Mutex
	of map[dialogKey]*Call
}

// dialogKey leaves out the peer's tag, which isn't known while its phone rings.
type dialogKey struct{ callID, localTag string }

func keyOf(id sipua.DialogID) dialogKey { return dialogKey{id.CallID, id.LocalTag} }

func (d *dialogs) add(c *Call, id sipua.DialogID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.of == nil {
		d.of = map[dialogKey]*Call{}
	}
	d.of[keyOf(id)] = c
}

func (d *dialogs) find(id sipua.DialogID) *Call {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.of[keyOf(id)]
}

func (d *dialogs) forget(ids []sipua.DialogID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		delete(d.of, keyOf(id))
	}
}

// attach gives a party its leg.
func (c *Call) attach(p *party, leg Dialog) {
	p.sip = leg
	d := leg.Dialog()
	id := d.ID()
	p.callID = d.CallID
	c.sw.cfg.Trace.Claim(c.id, legOf(p))
	c.dialogs = append(c.dialogs, id)
	c.sw.dialogs.add(c, id)
}

// holds tells whether a party lives in a dialog.
func (p *party) holds(id sipua.DialogID) bool {
	if p == nil || p.sip == nil || p.dead {
		return false
	}
	d := p.sip.Dialog()
	return d.ID() == id
}

// replacing is an INVITE that is to take the place of one of the call's
// dialogs, from a trunk or from an agent who has proved it.
type replacing struct {
	in           Invite
	trunk, agent string
}

func (replacing) isMsg() {}

// replace finds out who wants to take over a dialog, and asks its call.
func (s *Switch) replace(in Invite, gen *Generation) {
	m := replacing{in: in}
	if t, ok := gen.Trunks.Match(in.Source); ok {
		m.trunk = t.Name
	} else {
		agent, challenge, err := s.cfg.Registrar.Authenticate("INVITE", in.URI, in.Authorization, in.Source, in.UserAgent)
		switch {
		case len(challenge) > 0:
			_ = in.Reject(401, reasonPhrase(401), 0, map[string][]string{"WWW-Authenticate": challenge})
			return
		case err != nil:
			s.refuse(in, 403, "replace_denied")
			return
		}
		m.agent = agent
	}
	c := s.dialogs.find(in.Replaces.DialogID)
	if c == nil || c.Post(m) != nil {
		s.refuse(in, 481, "no_dialog")
	}
}

// replaced lets a new leg take the place of one that it names. Only the peer's
// own people may: the same trunk, or the same agent's other phone.
func (c *Call) replaced(_ context.Context, m replacing) {
	id := m.in.Replaces.DialogID
	var old *party
	var permitted bool
	switch {
	case c.caller != nil && c.caller.holds(id):
		old, permitted = c.caller, m.trunk != "" && m.trunk == c.trunk
	case c.agent != nil && c.agent.holds(id):
		old, permitted = c.agent.party, m.agent == c.agent.agent
	case c.away != nil && c.away.far != nil && c.away.far.holds(id):
		old, permitted = c.away.far.party, m.trunk != "" && m.trunk == c.away.far.trunk
	default:
		c.sw.refuse(m.in, 481, "no_dialog")
		return
	}
	switch {
	case !permitted:
		c.sw.refuse(m.in, 603, "replace_denied")
	case m.in.Replaces.EarlyOnly:
		c.sw.refuse(m.in, 486, "answered_already")
	default:
		c.takeOver(old, m.in)
	}
}

// takeOver joins a new leg to the media of an old one, which is hung up.
func (c *Call) takeOver(old *party, in Invite) {
	p := *old
	p.local.Version++
	p.signal, p.dead, p.gone, p.late = in.Source.Addr(), false, false, in.Offer == nil
	body := sdp.Offer(p.local)
	if !p.late {
		var err error
		if body, err = p.answer(in.Offer); err != nil {
			c.log.Info("offer refused", "err", err)
			c.sw.refuse(in, sdp.StatusOf(err), "bad_offer")
			return
		}
	}
	leg, err := in.Answer(body, c.signals(&p))
	if err != nil {
		c.log.Info("cannot answer", "err", err)
		if err = old.agree(old.agreed); err != nil { // the sound goes where it went
			c.log.Warn("media can't be set back", "err", err)
		}
		return
	}
	if m := c.member(old); m != nil {
		m.party = &p
	}
	switch {
	case c.caller == old:
		c.caller = &p
	case c.agent != nil && c.agent.party == old:
		c.agent.party = &p
		c.sw.seats.free(old)
		c.sw.seats.take(&p)
	default:
		p.far.party = &p
	}
	c.attach(&p, leg)
	old.sip.Hangup(16, "replaced")
	old.dead, old.replaced = true, true
	c.log.Info("a leg was replaced", "agent", p.agent)
	c.keepLeg(&p)
	c.holdChanged(&p)
}
