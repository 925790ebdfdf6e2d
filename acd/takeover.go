package acd

import (
	"cmp"
	"maps"
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
	Listen []string `json:"listen,omitempty"`
	Host   string   `json:"host,omitempty"`
}

// Members returns the nodes that have ever said they were ready or down, sorted.
func (s *State) Members() []MemberView {
	var out []MemberView
	for _, name := range slices.Sorted(maps.Keys(s.members)) {
		m := s.members[name]
		out = append(out, MemberView{
			Node: name, Holder: m.holder, Down: m.down, Listen: slices.Clone(m.listen), Host: m.host,
		})
	}
	return out
}

// Legs is what a node needs to go on with a call, beside [CallView]. The bytes
// must not be changed.
type Legs struct {
	Home                string
	Caller, Agent, Menu []byte // nil: none
	Since               int64  // since when caller and agent talk, log time in ms
}

// Legs returns those of a call.
func (s *State) Legs(id string) (Legs, bool) {
	c := s.calls[id]
	if c == nil {
		return Legs{}, false
	}
	l := Legs{Home: c.home, Caller: c.leg, Menu: c.menu}
	if o := s.offers[c.offer]; o.answered() {
		l.Agent, l.Since = o.leg, o.answeredAt
	}
	return l, true
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
		if heir == "" || !c.survives() {
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

// survives reports whether a call can be gone on with: its caller's leg and its
// menu are in the log.
func (c *call) survives() bool { return c.callback == nil && c.placedBy == "" && c.leg != nil }

// legsOf returns the legs of a call that are up.
func (s *State) legsOf(c *call) (legs [][]byte) {
	if c.leg != nil {
		legs = append(legs, c.leg)
	}
	for _, id := range append(slices.Clone(c.sides), c.offer) {
		if o := s.offers[id]; o.answered() && o.leg != nil {
			legs = append(legs, o.leg)
		}
	}
	return legs
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
		case PhaseMenu, PhaseAfter, PhaseDormant, PhaseDialling, PhaseDirected:
		}
		return 2
	}
	slices.SortStableFunc(out, func(a, b *call) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.tier, a.tier), strings.Compare(a.id, b.id))
	})
	return out
}

// takeOver gives a call of a dead node to another one. Phones that rang for it
// stop; whoever was in it beside its agent is let go.
func (s *State) takeOver(c *call, heir string, away bool, r *Result) {
	was := c.home
	s.quiesce(c, func(a *agent, offer uint64) {
		r.Effects = append(r.Effects, StopGhost{
			Node: heir, Home: was, Call: c.id, Agent: a.id, Offer: offer, Contacts: a.contacts(),
		})
	}, func(leg []byte) {
		r.Effects = append(r.Effects, EndLeg{Node: heir, Leg: leg})
	}, r)
	if c.node = heir; away {
		c.home = heir
	}
	s.tookOver(c, r)
}

func (s *State) tookOver(c *call, r *Result) {
	f := c.fact(FactCallTakenOver)
	f.Node = c.node
	r.Facts = append(r.Facts, f)
	r.Effects = append(r.Effects, TakeCall{Node: c.node, Call: c.id})
}

// quiesce ends what can't move with a call. rang and up are told of phones that
// ring and of legs that are up; effects for the one who held them are dropped.
func (s *State) quiesce(c *call, rang func(a *agent, offer uint64), up func(leg []byte), r *Result) {
	before := len(r.Effects)
	type ghost struct {
		agent *agent
		offer uint64
	}
	var ghosts []ghost
	var legs [][]byte
	for _, o := range append(s.sidesOf(c), s.offers[c.offer]) {
		switch {
		case o.ringing():
			for _, x := range o.rings {
				ghosts = append(ghosts, ghost{s.agents[x.agent], o.id})
			}
		case o.answered() && o.id != c.offer && o.leg != nil:
			legs = append(legs, o.leg)
		}
	}
	s.recall(c, r)
	s.dropSides(c, SideSwitch, r)
	r.Effects = r.Effects[:before]
	for _, g := range ghosts {
		rang(g.agent, g.offer)
	}
	for _, leg := range legs {
		up(leg)
	}
}

// movePhones lets the heir care for phones that registered at a dead node.
// Connections have died with it: those phones must come again.
func (s *State) movePhones(from, heir string, r *Result) {
	for _, id := range slices.Sorted(maps.Keys(s.agents)) {
		a := s.agents[id]
		s.dropBindings(a, func(b Binding) bool {
			return b.Node == from && (heir == "" || !strings.EqualFold(b.Transport, "udp") && b.Transport != "")
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
	m := s.member(ev.Node)
	m.listen, m.host = ev.Listen, ev.Host
	if m.holder != ev.Node {
		r.Effects = append(r.Effects, GiveAddress{Node: m.holder, Home: ev.Node})
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
	moving := slices.DeleteFunc(s.heldBy(ev.From), func(c *call) bool { return c.home != ev.Home || !c.survives() })
	for _, c := range moving {
		s.recall(c, r) // the one who holds it carries these out
		s.dropSides(c, SideSwitch, r)
		r.Effects = append(r.Effects, DropCall{Node: ev.From, Call: c.id})
	}
	if !ev.Away {
		m := s.member(ev.Home)
		m.holder = ev.To
		r.Effects = append(r.Effects, FreeAddress{Node: ev.From, Home: ev.Home, To: ev.To}, m.hold())
	}
	for _, c := range moving {
		if c.node = ev.To; ev.Away {
			c.home = ev.To
		}
		s.tookOver(c, r)
	}
	return nil
}

func (s *State) legChanged(ev LegChanged) error {
	c := s.calls[ev.Call]
	switch {
	case c == nil:
		return refuse(ev, "no such call")
	case len(ev.Leg) == 0:
		return refuse(ev, "no leg")
	case ev.Offer == 0:
		c.leg = ev.Leg
		return nil
	}
	o := s.offers[ev.Offer]
	if !o.answered() || o.call != c.id {
		return refuse(ev, "offer %d is nobody's in the call", ev.Offer)
	}
	o.leg = ev.Leg
	return nil
}

// nodeRestarted lets a process that began anew go on with what the one before
// it held, or ends that: then nobody is left there to act on effects.
func (s *State) nodeRestarted(ev NodeRestarted, r *Result) error {
	if ev.Node == "" {
		return refuse(ev, "node must be named")
	}
	if m := s.members[ev.Node]; m != nil {
		m.down = false
	}
	r.Facts = append(r.Facts, Fact{Kind: FactNodeRestarted, Node: ev.Node, Reason: resumes(ev.Resume)})
	if ev.Resume {
		s.inheritCalls(ev.Node, ev.Node, false, r)
		return nil
	}
	s.inheritCalls(ev.Node, "", false, r)
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
}
