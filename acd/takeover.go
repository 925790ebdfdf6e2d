package acd

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// A call lives at the address of one node, its home, for as long as its peers
// send there. Who has the address owns the call.

// member is what is known of a node.
type member struct {
	name   string
	holder string   // who has its address: usually itself
	down   bool     // dead, and hasn't begun anew
	out    bool     // taken out of service until it begins anew
	listen []string // where it serves SIP, as transport:address
	host   string   // what peers know it by, if not by its address
}

// member returns a node, which is known from then on.
func (s *State) member(name string) *member {
	m := s.members[name]
	if m == nil {
		m = &member{name: name, holder: name}
		s.members[name] = m
	}
	return m
}

// holder returns who has a node's address.
func (s *State) holder(home string) string {
	if m := s.members[home]; m != nil {
		return m.holder
	}
	return home
}

func (s *State) isDown(node string) bool {
	m := s.members[node]
	return m != nil && m.down
}

// homes returns whose addresses a node has, sorted.
func (s *State) homes(node string) (out []*member) {
	for _, name := range slices.Sorted(maps.Keys(s.members)) {
		if m := s.members[name]; m.holder == node {
			out = append(out, m)
		}
	}
	return out
}

// MemberView is a copy of what is known of a node.
type MemberView struct {
	Node   string   `json:"node"`
	Holder string   `json:"holder"` // who has its address
	Down   bool     `json:"down,omitempty"`
	Out    bool     `json:"out,omitempty"` // of service, until it begins anew
	Listen []string `json:"listen,omitempty"`
	Host   string   `json:"host,omitempty"`
}

// Members returns the nodes that have ever said they were ready or down, sorted.
func (s *State) Members() []MemberView {
	var out []MemberView
	for _, name := range slices.Sorted(maps.Keys(s.members)) {
		m := s.members[name]
		out = append(out, MemberView{
			Node: name, Holder: m.holder, Down: m.down, Out: m.out, Listen: slices.Clone(m.listen), Host: m.host,
		})
	}
	return out
}

func (s *State) nodeDown(ev NodeDown, r *Result) error {
	switch {
	case ev.Node == "" || ev.Node == ev.Heir:
		return refuse(ev, "%q can't go on with the calls of %q", ev.Heir, ev.Node)
	case s.members[ev.Node] == nil && len(s.heldBy(ev.Node)) == 0:
		return refuse(ev, "node %s has never been ready", ev.Node)
	case s.isDown(ev.Node):
		return refuse(ev, "node %s is known to be down", ev.Node)
	case s.isDown(ev.Heir):
		return refuse(ev, "node %s, which is to go on with its calls, is down", ev.Heir)
	}
	s.member(ev.Node).down = true
	r.Facts = append(r.Facts, Fact{Kind: FactNodeDown, Node: ev.Node, Cause: ev.Heir})
	r.Effects = append(r.Effects, NodeLost{Node: ev.Node})
	for _, m := range s.homes(ev.Node) {
		switch {
		case ev.Heir == "":
			m.holder = m.name // nobody has it: whose it is takes it when it begins anew
		case !ev.Away:
			m.holder = ev.Heir
			r.Effects = append(r.Effects, m.hold())
		}
	}
	s.inheritCalls(ev.Node, ev.Heir, ev.Away, r)
	s.capGone(ev.Node)
	s.movePhones(ev.Node, ev.Heir, r)
	return nil
}

// hold is the effect that gives the address to its holder.
func (m *member) hold() HoldAddress {
	return HoldAddress{Node: m.holder, Home: m.name, Listen: slices.Clone(m.listen), Host: m.host}
}

// inheritCalls lets a node go on with what another one held, or ends it.
func (s *State) inheritCalls(from, heir string, away bool, r *Result) {
	for _, c := range s.heldBy(from) {
		if heir == "" || !s.survives(c) {
			legs := s.legsOf(c)
			before := len(r.Effects)
			// A call-back without legs has lost nothing, and refuses.
			err := s.end(c, CallEnded{Call: c.id, Cause: missedNodeLost, By: SideSwitch}, r)
			r.Effects = r.Effects[:before] // nobody is left there to act on them
			if heir != "" {
				c.node, c.home = heir, heir
			}
			for _, leg := range legs {
				if err == nil && heir != "" && leg != nil {
					r.Effects = append(r.Effects, EndLeg{Node: heir, Leg: leg})
				}
			}
			continue
		}
		s.takeOver(c, heir, away, r)
	}
}

// survives reports whether a call can be gone on with: the leg of somebody who
// waits in it is in the log. While a customer is called back, or somebody whom
// an agent calls, that is the agent.
func (s *State) survives(c *call) bool {
	switch {
	case c.callback != nil && c.phase == PhaseDialling, c.placedBy != "" && c.leg == nil:
		return s.ownLeg(c) != nil
	case c.callback != nil && c.phase != PhaseTalking && c.phase != PhaseAfter && c.phase != PhaseDirected:
		return false
	}
	return c.leg != nil
}

// ownLeg is that of the agent who serves a call, or has made it.
func (s *State) ownLeg(c *call) []byte {
	for _, o := range append(s.sidesOf(c), s.offers[c.offer]) {
		if o.answered() && (o.id == c.offer || o.role == RoleCaller) {
			return o.leg
		}
	}
	return nil
}

// heldBy returns a node's calls, those that matter most first: who talks,
// then who waits, then who is in a menu, each by tier.
func (s *State) heldBy(node string) (out []*call) {
	for _, id := range slices.Sorted(maps.Keys(s.calls)) {
		if c := s.calls[id]; c.node == node {
			out = append(out, c)
		}
	}
	rank := func(c *call) int {
		switch c.phase {
		case PhaseTalking:
			return 0
		case PhaseWaiting, PhaseOffered:
			return 1
		case PhaseMenu, PhaseAfter, PhaseDormant, PhaseDialling, PhaseDirected, PhaseTest:
		}
		return 2
	}
	slices.SortStableFunc(out, func(a, b *call) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.tier, a.tier), strings.Compare(a.id, b.id))
	})
	return out
}

// takeOver gives a call of a dead node to another one. Phones that rang for it
// stop.
func (s *State) takeOver(c *call, heir string, away bool, r *Result) {
	before := len(r.Effects)
	ghosts := s.ringingFor(c)
	alone := s.quiesce(c, r)
	r.Effects = r.Effects[:before] // nobody is left there to act on them
	for _, g := range ghosts {
		r.Effects = append(r.Effects, StopGhost{
			Node: heir, Home: c.home, Call: c.id, Agent: g.agent.id, Offer: g.offer, Contacts: g.agent.contacts(),
		})
	}
	if c.node = heir; away {
		c.home = heir
	}
	s.tookOver(c, alone, r)
}

// dialAnew gives whoever goes on with a call-back the time to reach its customer.
func (s *State) dialAnew(c *call) {
	if c.callback == nil || c.phase != PhaseDialling {
		return
	}
	before := c.nextCallback()
	c.callback.at = s.now + DialFor + dialGrace
	s.setTimer(timerCallback, c.id, before, c.nextCallback())
}

func (s *State) tookOver(c *call, alone bool, r *Result) {
	s.dialAnew(c)
	f := c.fact(FactCallTakenOver)
	f.Node = c.node
	r.Facts = append(r.Facts, f)
	r.Effects = append(r.Effects, TakeCall{Node: c.node, Call: c.id, Alone: alone})
}

// ghost is an agent whose phone rings for an offer.
type ghost struct {
	agent *agent
	offer uint64
}

// ringingFor returns whose phones ring for a call.
func (s *State) ringingFor(c *call) (out []ghost) {
	for _, o := range append(s.sidesOf(c), s.offers[c.offer]) {
		if o.ringing() {
			for _, x := range o.rings {
				out = append(out, ghost{s.agents[x.agent], o.id})
			}
		}
	}
	return out
}

// quiesce ends what can't move with a call: phones that ring, and agents whose
// legs are in no log. It tells whether the caller has nobody any more because
// of it.
func (s *State) quiesce(c *call, r *Result) (alone bool) {
	directed := c.phase == PhaseDirected
	s.recall(c, r)
	for _, o := range s.sidesOf(c) {
		if o.ringing() || o.leg == nil {
			s.dropSide(c, o, SideSwitch, r)
		}
	}
	return directed && c.phase == PhaseAfter
}

// movePhones lets the heir care for phones that registered at a dead node.
// Connections have died with it: those phones must come again.
func (s *State) movePhones(from, heir string, r *Result) {
	for _, id := range slices.Sorted(maps.Keys(s.agents)) {
		a := s.agents[id]
		s.dropBindings(a, func(b Binding) bool {
			return b.Node == from && (heir == "" || b.Lives())
		}, missedNodeLost, r)
		for i := range a.bindings {
			if a.bindings[i].Node == from {
				a.bindings[i].Node = heir
			}
		}
	}
}

// nodeReady remembers where a node serves, and asks whoever has its address to
// give it back.
func (s *State) nodeReady(ev NodeReady, r *Result) error {
	if ev.Node == "" || s.isDown(ev.Node) {
		return refuse(ev, "node %q isn't known to have begun anew", ev.Node)
	}
	for _, l := range ev.Listen {
		if other := s.serves(l, ev.Node); other != nil {
			return refuse(ev, "node %s serves %s already", other.name, l)
		}
	}
	m := s.member(ev.Node)
	m.listen, m.host = ev.Listen, ev.Host
	if m.holder != ev.Node {
		r.Effects = append(r.Effects, GiveAddress{Node: m.holder, Home: ev.Node})
	}
	return nil
}

// serves returns the node that is served, or would be, where another one wants
// to be; nil if there is none. A range of RTP ports may be at one address with
// another one.
func (s *State) serves(listen, beside string) *member {
	transport, text, _ := strings.Cut(listen, ":")
	at, err := netip.ParseAddrPort(text)
	if err != nil || transport == "rtp" || at.Addr().IsUnspecified() || at.Port() == 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(s.members)) {
		m := s.members[name]
		served := !m.down || m.holder != name
		if served && name != beside && slices.Contains(m.listen, listen) {
			return m
		}
	}
	return nil
}

func (s *State) addressMoved(ev AddressMoved, r *Result) error {
	switch {
	case ev.Home == "" || ev.To == "" || ev.From == ev.To:
		return refuse(ev, "from %q to %q", ev.From, ev.To)
	case s.holder(ev.Home) != ev.From:
		return refuse(ev, "%s has the address of %s", s.holder(ev.Home), ev.Home)
	case s.isDown(ev.To):
		return refuse(ev, "node %s is down", ev.To)
	}
	r.Facts = append(r.Facts, Fact{Kind: FactAddressMoved, Node: ev.Home, Cause: ev.To})
	moving := slices.DeleteFunc(s.heldBy(ev.From), func(c *call) bool { return c.home != ev.Home || !s.survives(c) })
	alone := make([]bool, len(moving))
	for i, c := range moving {
		alone[i] = s.quiesce(c, r) // the one who holds it carries this out
		r.Effects = append(r.Effects, DropCall{Node: ev.From, Call: c.id})
	}
	if ev.Away {
		s.member(ev.From).out = true
	} else {
		m := s.member(ev.Home)
		m.holder = ev.To
		r.Effects = append(r.Effects, FreeAddress{Node: ev.From, Home: ev.Home, To: ev.To}, m.hold())
	}
	for i, c := range moving {
		if c.node = ev.To; ev.Away {
			c.home = ev.To
		}
		s.tookOver(c, alone[i], r)
	}
	return nil
}

// nodeRestarted lets a process that began anew go on with what the one before
// it held, or ends that: then nobody is left there to act on effects.
func (s *State) nodeRestarted(ev NodeRestarted, r *Result) error {
	if ev.Node == "" {
		return refuse(ev, "node must be named")
	}
	if m := s.members[ev.Node]; m != nil {
		m.down, m.out = false, false
	}
	r.Facts = append(r.Facts, Fact{Kind: FactNodeRestarted, Node: ev.Node, Reason: resumes(ev.Resume)})
	if ev.Resume {
		s.inheritCalls(ev.Node, ev.Node, false, r)
	} else {
		s.inheritCalls(ev.Node, "", false, r)
	}
	s.capGone(ev.Node)
	return nil
}

func resumes(yes bool) string {
	if yes {
		return "resumes"
	}
	return ""
}

func (m *member) code(k *coder) {
	k.str(&m.name)
	k.str(&m.holder)
	k.bool(&m.down)
	list(k, &m.listen, (*coder).str)
	k.str(&m.host)
	if k.version >= 7 {
		k.bool(&m.out)
	}
}
