package call

import (
	"net/netip"
	"slices"
	"strings"

	"tierline/acd"
	"tierline/call/trace"
	"tierline/ivr"
	"tierline/media"
	"tierline/media/dtmf"
)

// LegSound is how the sound of one leg of a running call is.
type LegSound struct {
	Role    trace.Role
	Name    string // of an agent
	Quality acd.Quality
}

// Sounds tells of each running call how its legs sound, as of the last report:
// at most some seconds ago.
func (s *Switch) Sounds() map[string][]LegSound {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string][]LegSound{}
	for _, c := range s.calls {
		if now := c.sounds.Load(); now != nil {
			out[c.id] = append(out[c.id], *now...)
		}
	}
	return out
}

// legOf is a party as traces name it.
func legOf(p *party) trace.Leg {
	switch {
	case p.far != nil:
		return trace.Leg{CallID: p.callID, Role: trace.Outside, Name: calledAt(p.far.hop.uri)}
	case p.agent != "":
		return trace.Leg{CallID: p.callID, Role: trace.Agent, Name: p.agent}
	}
	return trace.Leg{CallID: p.callID, Role: trace.Caller}
}

// calledAt is the number in a URI.
func calledAt(uri string) string {
	_, rest, _ := strings.Cut(uri, ":")
	user, _, _ := strings.Cut(rest, "@")
	return user
}

// owner is who has the media now that a party began with: phones that ring
// together share theirs, and another leg may have taken its place.
func (c *Call) owner(p *party) *party {
	var all []*party
	all = append(all, c.caller)
	if c.agent != nil {
		all = append(all, c.agent.party)
	}
	for _, m := range c.room.members {
		all = append(all, m.party)
	}
	if c.away != nil && c.away.far != nil {
		all = append(all, c.away.far.party)
	}
	if c.trial != nil && c.trial.far != nil {
		all = append(all, c.trial.far.party)
	}
	i := slices.IndexFunc(all, func(o *party) bool { return o != nil && o.media == p.media })
	if i < 0 {
		return p
	}
	return all[i]
}

// measured keeps what the media say of a leg.
func (c *Call) measured(p *party, q media.Quality) {
	p = c.owner(p)
	leg := legOf(p)
	now := LegSound{Role: leg.Role, Name: leg.Name, Quality: acd.Quality(q)}
	var all []LegSound
	if before := c.sounds.Load(); before != nil {
		all = slices.Clone(*before)
	}
	i := slices.IndexFunc(all, func(l LegSound) bool { return l.Role == now.Role && l.Name == now.Name })
	if i < 0 {
		all = append(all, now)
	} else {
		all[i] = now
	}
	c.sounds.Store(&all)
	c.sw.cfg.Trace.RTP(c.id, p.callID, heardOf(p, acd.Quality(q), false))
}

// parted is the quality of a leg that is about to end.
func (c *Call) parted(p *party) *acd.Quality {
	q := p.quality()
	if q == nil {
		return nil
	}
	leg := legOf(p)
	c.sw.cfg.Trace.RTP(c.id, p.callID, heardOf(p, *q, true))
	if before := c.sounds.Load(); before != nil {
		rest := slices.DeleteFunc(slices.Clone(*before), func(l LegSound) bool {
			return l.Role == leg.Role && l.Name == leg.Name
		})
		c.sounds.Store(&rest)
	}
	return q
}

// heardOf is a leg's quality in the words of traces.
func heardOf(p *party, q acd.Quality, final bool) trace.Sound {
	out := trace.SoundOf(q)
	out.Final = final
	out.Local = netip.AddrPortFrom(p.local.IP, uint16(p.local.Port)) //nolint:gosec // a port
	out.Remote = p.agreed.Remote
	return out
}

// reading is how far the menu's questions have read.
type reading struct {
	session       *ivr.Session
	plain, secret uint64
	waiting       int
}

func (c *Call) reading() (r reading) {
	if r.session = c.session; r.session != nil {
		r.plain, r.secret, r.waiting = c.session.Read()
	}
	return r
}

// traceKey keeps a key of the caller. Which one is told only if a question that
// isn't secret has read it just now, and nothing else.
func (c *Call) traceKey(s dtmf.Stroke, before reading) {
	k := trace.Key{Source: s.Source.String(), Held: s.Held}
	now := c.reading()
	before.plain++
	if now == before && now.session != nil && now.waiting == 0 {
		k.Digit = s.Key
	}
	if c.caller != nil {
		c.sw.cfg.Trace.Key(c.id, c.caller.callID, k)
	}
}
