package call

import "slices"

// role is what a member is in a conversation.
type role uint8

const (
	roleCaller     role = iota + 1
	roleAgent           // whose call it is
	roleConsulted       // whom the agent asks, or another agent in a conference
	roleFar             // somebody outside, whom we called
	roleSupervisor      // who looks over the agent's shoulder
)

// mode is how a supervisor takes part.
type mode uint8

const (
	modeListen  mode = iota + 1 // nobody hears him
	modeWhisper                 // the agent hears him
	modeBarge                   // everybody hears him
)

// member is somebody in a conversation. Whoever changes one calls arrange.
type member struct {
	*party
	role  role
	held  bool // hears music; hears nobody and is heard by nobody
	muted bool // heard by nobody
	aside bool // the caller answers a flow; hears nobody and is heard by nobody
	mode  mode // of a supervisor
}

// away tells whether a member has put us on hold himself. Who waits for the
// agents doesn't wait on this: what a carrier plays meanwhile, the others hear.
func (m *member) away() bool {
	if m.gone {
		return true
	}
	if m.role == roleCaller || m.role == roleFar {
		return !m.agreed.Receive
	}
	return m.agreed.Hold
}

func (m *member) here() bool { return !m.held && !m.aside && !m.away() }

// near tells whether nothing is between two members. An agent who holds the
// caller himself is there for his supervisors.
func (m *member) near(other *member) bool {
	a, boss := m, other
	if m.role == roleSupervisor {
		a, boss = other, m
	}
	if a.role == roleAgent && boss.role == roleSupervisor {
		return !a.aside && !a.away() && boss.here()
	}
	return m.here() && other.here()
}

// hears tells whether one member hears another.
func (m *member) hears(other *member) bool {
	if m == other || !m.near(other) || other.muted {
		return false
	}
	return other.role != roleSupervisor || other.mode == modeBarge ||
		other.mode == modeWhisper && m.role == roleAgent
}

// taped tells whether a member is on the customer's recording, which has what
// the customer could hear: nothing that is said to others while he has music.
func (m *member) taped(customer *member) bool {
	if customer != nil && m != customer && !customer.hears(m) {
		return false
	}
	return m.here() && !m.muted && (m.role != roleSupervisor || m.mode == modeBarge)
}

// talksWith tells whether a member has somebody in front of him, muted or not.
func (m *member) talksWith(other *member) bool {
	return m != other && m.here() && other.here() && (other.role != roleSupervisor || other.mode == modeBarge)
}

// waits tells whether a member is to hear music: nobody who came from outside
// sits in silence because the others are busy elsewhere.
func (m *member) waits(all []*member) bool {
	switch {
	case m.agreed.Hold || m.role == roleSupervisor || m.aside:
		return false
	case m.held:
		return m.role != roleAgent // who holds the others himself
	case m.role != roleCaller && m.role != roleFar:
		return false
	}
	return !slices.ContainsFunc(all, m.talksWith)
}

// plan says who hears whom, and who hears music.
type plan struct {
	hears map[[2]*member]struct{} // listener, speaker
	in    []*member               // who hears somebody or is heard
	music []*member
}

// arrangement is the plan for members: nothing but their states counts.
func arrangement(all []*member) plan {
	p := plan{hears: map[[2]*member]struct{}{}}
	for _, m := range all {
		for _, other := range all {
			if m.hears(other) {
				p.hears[[2]*member{m, other}] = struct{}{}
			}
		}
		if slices.ContainsFunc(all, func(o *member) bool { return m.hears(o) || o.hears(m) }) {
			p.in = append(p.in, m)
		}
		if m.waits(all) {
			p.music = append(p.music, m)
		}
	}
	return p
}

// pair tells whether nobody but two talk, with each other.
func (p plan) pair() bool { return len(p.in) == 2 && len(p.hears) == 2 }

// room is where members talk, as the media have it.
type room struct {
	members []*member
	bridged []*member // two or none
	mixed   []*member
	heard   map[[2]*member]struct{} // listener, speaker: in the mix
	mix     Mix
	music   []*member
}

// enter makes a party a member of the conversation. arrange follows.
func (c *Call) enter(p *party, r role) {
	c.room.members = append(c.room.members, &member{party: p, role: r})
}

// member finds a party's place, nil if it isn't in the conversation.
func (c *Call) member(p *party) *member {
	for _, m := range c.room.members {
		if m.party == p {
			return m
		}
	}
	return nil
}

// leave takes parties out of the conversation, before their legs are closed.
// What they hear then is not the room's business.
func (c *Call) leave(parties ...*party) {
	r := &c.room
	gone := func(m *member) bool { return slices.Contains(parties, m.party) }
	r.members = slices.DeleteFunc(r.members, gone)
	r.music = slices.DeleteFunc(r.music, gone)
	c.arrange()
}

// arrange makes the media what the members' states say. In a conversation
// nothing else joins and parts legs.
func (c *Call) arrange() {
	r, p := &c.room, arrangement(c.room.members)
	for _, m := range r.music {
		if !slices.Contains(p.music, m) {
			c.quieten(m)
		}
	}
	// Into the new arrangement first, out of the old one then: on the way from
	// one to the other no packet is lost.
	if p.pair() {
		c.bridge(p.in)
		c.unmix()
	} else {
		c.remix(p)
		c.bridge(nil)
	}
	for _, m := range p.music {
		if !slices.Contains(r.music, m) {
			c.entertain(m)
		}
	}
	r.music = p.music
	c.followTape()
	c.settle()
}

// bridge joins two members and nobody else; nil: nobody at all.
func (c *Call) bridge(two []*member) {
	r := &c.room
	if slices.Equal(r.bridged, two) {
		return
	}
	if r.bridged != nil && two == nil {
		c.sw.cfg.Media.Unbridge(r.bridged[0].media, r.bridged[1].media)
	}
	if r.bridged = two; two != nil {
		c.sw.cfg.Media.Bridge(two[0].media, two[1].media)
		if two[0].party == c.caller || two[1].party == c.caller {
			c.vigil.sound = false // music ends with it
		}
	}
}

// remix lets more than two hear each other, or some only some.
func (c *Call) remix(p plan) {
	r := &c.room
	if len(p.in) == 0 {
		c.unmix()
		return
	}
	if r.mix == nil {
		r.mix, r.heard = c.sw.cfg.Media.Mix(), map[[2]*member]struct{}{}
	}
	for _, m := range r.mixed {
		if !slices.Contains(p.in, m) {
			r.part(m)
		}
	}
	for _, m := range p.in {
		if !slices.Contains(r.mixed, m) {
			r.mix.Join(m.media)
		}
	}
	r.mixed = p.in
	for _, quieter := range []bool{true, false} { // whoever is to be alone is alone before others come in
		for _, m := range p.in {
			for _, other := range p.in {
				r.gain(m, other, p, quieter)
			}
		}
	}
}

// gain lets a member hear another, or not any more.
func (r *room) gain(m, other *member, p plan, quieter bool) {
	who := [2]*member{m, other}
	_, hears := p.hears[who]
	_, heard := r.heard[who]
	switch {
	case hears && !heard && !quieter:
		r.heard[who] = struct{}{}
		r.mix.Gain(other.media, m.media, unity)
	case !hears && heard && quieter:
		delete(r.heard, who)
		r.mix.Gain(other.media, m.media, 0)
	}
}

// unity is the gain that changes nothing.
const unity = 256

// part takes a member out of the mix.
func (r *room) part(m *member) {
	r.mix.Leave(m.media)
	for who := range r.heard {
		if who[0] == m || who[1] == m {
			delete(r.heard, who)
		}
	}
}

// unmix ends the mix.
func (c *Call) unmix() {
	r := &c.room
	if r.mix == nil {
		return
	}
	r.mix.Close()
	r.mix, r.mixed, r.heard = nil, nil, nil
}

// entertain plays music to a member who waits.
func (c *Call) entertain(m *member) {
	hold := c.gen.Hold(c.language())
	if m.party == c.caller {
		c.music(hold)
		return
	}
	if hold == nil {
		hold = c.tone(c.sw.cfg.Services.waiting)
	}
	m.media.PlayMusic(hold)
}

// quieten ends the music.
func (c *Call) quieten(m *member) {
	if m.party == c.caller {
		c.hush()
		return
	}
	m.media.Stop()
}
