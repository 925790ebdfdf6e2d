package acd

import (
	"io"
	"slices"
)

// Frozen is what a snapshot holds of a state, as it was when it was frozen:
// entries that are applied later don't show. The zero value is ready for use.
type Frozen struct {
	now         int64
	index       uint64
	generations []*generation
	lost        []lostPlace
	agents      []agent
	calls       []call
	offers      []offer
	lockouts    []lockout
	paces       []pace
	served      []served
	vigils      []vigil
	members     []member
}

// Freeze copies a state into f, whose memory it uses again. It is quick, because
// what is never changed in place, like legs, names and documents, is shared.
//
// Nothing here has an order: Encode sorts. That is why this file, which Apply
// doesn't reach, may go through maps.
func (s *State) Freeze(f *Frozen) {
	f.now, f.index = s.now, s.index
	f.generations, f.lost = append(f.generations[:0], s.generations...), append(f.lost[:0], s.lost...)
	f.agents = copied(f.agents, s.agents)
	for i := range f.agents {
		f.agents[i].bindings = slices.Clone(f.agents[i].bindings)
	}
	f.calls = copied(f.calls, s.calls)
	for i := range f.calls {
		f.calls[i].own()
	}
	f.offers = copied(f.offers, s.offers)
	for i := range f.offers {
		f.offers[i].rings = slices.Clone(f.offers[i].rings)
	}
	f.lockouts = copied(f.lockouts, s.lockouts)
	for i := range f.lockouts {
		f.lockouts[i].failures = slices.Clone(f.lockouts[i].failures)
	}
	f.paces, f.served = copied(f.paces, s.paces), copied(f.served, s.served)
	f.vigils, f.members = copied(f.vigils, s.vigils), copied(f.members, s.members)
}

// own copies what is changed in place.
func (c *call) own() {
	c.sides, c.place.PassedOver = slices.Clone(c.sides), slices.Clone(c.place.PassedOver)
	if c.callback != nil {
		b := *c.callback
		c.callback = &b
	}
}

// Encode writes a snapshot, as [State.Encode] would have when f was frozen.
func (f *Frozen) Encode(w io.Writer) error {
	s := State{
		now: f.now, index: f.index, generations: f.generations, lost: f.lost,
		agents:   tableOf(f.agents, func(a *agent) string { return a.id }),
		calls:    tableOf(f.calls, func(c *call) string { return c.id }),
		offers:   tableOf(f.offers, func(o *offer) uint64 { return o.id }),
		lockouts: tableOf(f.lockouts, (*lockout).id),
		paces:    tableOf(f.paces, func(p *pace) string { return p.queue }),
		served:   tableOf(f.served, func(v *served) string { return v.key }),
		vigils:   tableOf(f.vigils, func(v *vigil) string { return v.key }),
		members:  tableOf(f.members, func(m *member) string { return m.name }),
	}
	return s.Encode(w)
}

// Clear forgets all but the memory.
func (f *Frozen) Clear() {
	clear(f.generations)
	clear(f.agents)
	clear(f.calls)
	clear(f.offers)
	clear(f.lockouts)
}

func copied[K comparable, V any](into []V, m map[K]*V) []V {
	into = slices.Grow(into[:0], len(m))
	for _, v := range m {
		into = append(into, *v)
	}
	return into
}

func tableOf[K comparable, V any](list []V, key func(*V) K) map[K]*V {
	m := make(map[K]*V, len(list))
	for i := range list {
		m[key(&list[i])] = &list[i]
	}
	return m
}
