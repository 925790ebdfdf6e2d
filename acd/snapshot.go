package acd

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"tierline/routing"
	"tierline/routing/rank"
)

// A snapshot is a magic word, a version, the fields of the state in a fixed
// order (see coder) and the SHA-256 of everything before it. Equal states give
// equal bytes. A new version gets a new number and keeps the reader of the old.
const (
	snapshotMagic   = "tierline acd"
	snapshotVersion = 7
)

// ErrSnapshot says that bytes are no snapshot of this or an older release, or
// not what was written.
var ErrSnapshot = errors.New("acd: no valid snapshot")

// Encode writes a snapshot.
func (s *State) Encode(w io.Writer) error {
	sum := sha256.New()
	k := &coder{w: bufio.NewWriter(io.MultiWriter(w, sum))}
	k.header()
	s.code(k)
	if k.err == nil {
		k.err = k.w.Flush()
	}
	if k.err == nil {
		_, k.err = w.Write(sum.Sum(nil))
	}
	if k.err != nil {
		return fmt.Errorf("write acd snapshot: %w", k.err)
	}
	return nil
}

// Hash returns the digest at the end of the snapshot: equal on all nodes that
// have applied the same entries.
func (s *State) Hash() [32]byte {
	var b lastBytes
	if err := s.Encode(&b); err != nil {
		panic(err) // lastBytes never fails
	}
	return b.tail
}

// lastBytes remembers the end of what is written to it.
type lastBytes struct{ tail [sha256.Size]byte }

// Write implements io.Writer.
func (b *lastBytes) Write(p []byte) (int, error) {
	n := min(len(p), len(b.tail))
	copy(b.tail[:], b.tail[n:])
	copy(b.tail[len(b.tail)-n:], p[len(p)-n:])
	return len(p), nil
}

// Decode reads a snapshot. Whatever is wrong with it gives an error that wraps
// [ErrSnapshot] or r's own.
func Decode(r io.Reader) (*State, error) {
	sum := sha256.New()
	k := &coder{r: &tee{r: bufio.NewReader(r), sum: sum}}
	k.header()
	s := NewState()
	s.code(k)
	want := sum.Sum(nil)
	got := make([]byte, len(want))
	if k.err == nil {
		_, k.err = io.ReadFull(k.r.r, got)
	}
	if k.err == nil && !bytes.Equal(got, want) {
		k.fail("wrong checksum")
	}
	if k.err == nil {
		k.err = s.derive()
	}
	if k.err == nil {
		s.deriveCaps(k)
	}
	if k.err == nil {
		if err := s.Check(); err != nil {
			k.fail("contradicts itself: %v", err)
		}
	}
	if k.err != nil {
		return nil, fmt.Errorf("read acd snapshot: %w", k.err)
	}
	return s, nil
}

// code is the description of the format, for both directions. Its order is
// the format: fields are only ever added under a new version.
func (s *State) code(k *coder) {
	k.int(&s.now)
	k.uint(&s.index)
	list(k, &s.generations, func(k *coder, g **generation) {
		if *g == nil {
			*g = &generation{}
		}
		(*g).code(k)
	})
	table(k, s.agents, func(a *agent) string { return a.id }, (*agent).code)
	table(k, s.calls, func(c *call) string { return c.id }, func(c *call, k *coder) { c.code(k, s) })
	table(k, s.offers, func(o *offer) uint64 { return o.id }, (*offer).code)
	if k.version >= 2 {
		list(k, &s.lost, func(k *coder, p *lostPlace) {
			k.str(&p.number)
			k.str(&p.customer)
			k.int(&p.band)
			k.int(&p.since)
			k.int(&p.until)
		})
	}
	if k.version >= 3 {
		table(k, s.lockouts, (*lockout).id, (*lockout).code)
		table(k, s.paces, func(p *pace) string { return p.queue }, (*pace).code)
		table(k, s.served, func(v *served) string { return v.key }, (*served).code)
		table(k, s.vigils, func(v *vigil) string { return v.key }, func(v *vigil, k *coder) {
			k.str(&v.key)
			k.bool(&v.nobody)
			k.int(&v.since)
		})
	}
	if k.version >= 4 {
		table(k, s.members, func(m *member) string { return m.name }, (*member).code)
	}
	if k.version >= 6 {
		table(k, s.capCounts, func(n *capCount) string { return n.name }, (*capCount).code)
		table(k, s.capPlaces, func(p *capPlace) string { return p.id }, (*capPlace).code)
	}
}

func (a *agent) code(k *coder) {
	k.str(&a.id)
	a.config.code(k)
	a.stance.code(k)
	k.str(&a.cause)
	k.int(&a.since)
	k.uint(&a.offer)
	k.str(&a.call)
	a.before.code(k)
	a.next.code(k)
	k.int(&a.readySince)
	k.int(&a.backOff)
	number(k, &a.misses)
	list(k, &a.bindings, func(k *coder, b *Binding) {
		k.str(&b.Contact)
		k.str(&b.Received)
		k.str(&b.Transport)
		k.str(&b.CallID)
		number(k, &b.CSeq)
		k.str(&b.Node)
		k.str(&b.UserAgent)
		k.int(&b.Expires)
	})
	k.bool(&a.gone)
	if k.version < 2 {
		return
	}
	k.str(&a.work.queue)
	k.uint(&a.work.offer)
	k.int(&a.work.limit)
	list(k, &a.work.codes, (*coder).str)
	k.str(&a.work.code)
	if k.version >= 3 {
		k.int(&a.work.begun)
	}
}

func (t *stance) code(k *coder) {
	number(k, &t.state)
	k.str(&t.reason)
	k.int(&t.until)
	if k.version >= 2 {
		k.int(&t.back)
	}
}

func (c *call) code(k *coder, s *State) {
	for _, p := range []*string{&c.id, &c.node, &c.trunk, &c.from, &c.to, &c.flow, &c.sipCallID, &c.language, &c.step} {
		k.str(p)
	}
	k.uint(&c.index)
	k.int(&c.arrivedWall)
	c.codeGeneration(k, s)
	k.str(&c.customer.ID)
	k.str(&c.customer.Name)
	number(k, &c.customer.Tier)
	k.str(&c.customer.Language)
	number(k, &c.tier)
	k.bytes(&c.leg)
	k.bytes(&c.menu)
	number(k, &c.phase)
	k.uint(&c.offer)
	c.codeWait(k)
	if k.version < 4 {
		c.home = c.node
	}
	if k.version < 2 {
		return
	}
	number(k, &c.reached)
	k.str(&c.preferred)
	k.int(&c.keptUntil)
	k.int(&c.yieldsUntil)
	if k.version < 3 {
		return
	}
	k.str(&c.served)
	c.codeCallback(k)
	if k.version < 4 {
		return
	}
	list(k, &c.sides, (*coder).uint)
	k.str(&c.placedBy)
	k.bool(&c.outside)
	if c.placedBy != "" && c.queue == nil {
		c.queue = &QueueConfig{}
	}
	k.str(&c.home)
	if k.version < 5 {
		return
	}
	list(k, &c.others, func(k *coder, l *OtherLeg) {
		k.str(&l.Name)
		k.bytes(&l.Leg)
		k.bytes(&l.About)
	})
}

// codeWait writes the call's visit to a queue.
func (c *call) codeWait(k *coder) {
	k.str(&c.need)
	k.int(&c.queuedAt)
	k.int(&c.credit)
	k.int(&c.leaveAt)
	list(k, &c.attach, func(k *coder, a *Attribute) {
		k.str(&a.Name)
		k.str(&a.Value)
	})
	k.int(&c.place.Key.Band)
	k.int(&c.place.Key.Deadline)
	k.uint(&c.place.Key.Index)
	list(k, &c.place.PassedOver, func(k *coder, p *rank.PassedOver) {
		k.str(&p.Agent)
		k.int(&p.Until)
	})
}

// codeGeneration writes the generation and queue of a call as number and name.
func (c *call) codeGeneration(k *coder, s *State) {
	var (
		n    uint64
		name string
	)
	if c.generation != nil {
		n = c.generation.Generation
	}
	if c.queue != nil {
		name = c.queue.Name
	}
	k.uint(&n)
	k.str(&name)
	if k.writes() || k.err != nil {
		return
	}
	if c.generation = s.generation(n); c.generation == nil || n == 0 {
		k.fail("call %q: generation %d is missing", c.id, n)
		return
	}
	if c.queue = c.generation.queue(name); c.queue == nil && name != "" {
		k.fail("call %q: generation %d has no queue %q", c.id, n, name)
	}
}

func (o *offer) code(k *coder) {
	k.uint(&o.id)
	k.str(&o.call)
	k.str(&o.agent)
	o.codeRings(k)
	k.int(&o.expires)
	k.int(&o.answeredAt)
	k.bytes(&o.leg)
	if k.version >= 3 {
		k.int(&o.madeAt)
	}
	if k.version >= 4 {
		number(k, &o.role)
		k.str(&o.by)
		k.bool(&o.held)
		k.bool(&o.muted)
		k.str(&o.mode)
	}
	switch {
	case k.version >= 3:
	case o.expires != 0:
		o.rings[0].agent, o.agent = o.agent, ""
	default:
		o.rings = nil
	}
}

// codeRings codes who may answer. Before version 3 that was one agent, and
// here stood whether his phone rang.
func (o *offer) codeRings(k *coder) {
	if k.version < 3 {
		o.rings = make([]ring, 1)
		k.bool(&o.rings[0].rang)
		return
	}
	list(k, &o.rings, func(k *coder, x *ring) {
		k.str(&x.agent)
		k.bool(&x.rang)
	})
}

// derive rebuilds what a snapshot doesn't hold.
func (s *State) derive() error {
	if g := s.current(); g != nil {
		s.board.SetOrder(g.config.order())
	}
	for _, key := range slices.Sorted(maps.Keys(s.served)) {
		s.servedOrder.Insert(s.served[key])
	}
	for _, id := range slices.Sorted(maps.Keys(s.agents)) {
		a := s.agents[id]
		a.seat.ID = a.id
		if a.state < AgentSignedOut || a.state > AgentUnreachable {
			return fmt.Errorf("%w: agent %q: state %d", ErrSnapshot, a.id, a.state)
		}
		s.board.Seat(&a.seat, a.config.Skills)
		s.place(a)
		s.setTimer(timerWrapUp, a.id, 0, a.wrapUpEnd())
		s.setTimer(timerBackOff, a.id, 0, a.backOff)
		s.setTimer(timerPhone, a.id, 0, a.earliestExpiry())
		if o := s.offers[a.offer]; o.ringing() && o.role != 0 {
			s.setTimer(timerSide, a.id, 0, o.expires)
		}
	}
	if err := s.deriveLockouts(); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(s.calls)) {
		if err := s.deriveCall(s.calls[id]); err != nil {
			return fmt.Errorf("%w: call %q: %w", ErrSnapshot, id, err)
		}
	}
	return nil
}

func (s *State) deriveCall(c *call) error {
	c.generation.calls++
	c.place.ID = c.id
	c.place.Key.Since, c.place.Key.Tier = c.queuedAt-c.credit, c.tier
	switch {
	case c.tier >= routing.TierCount:
		return fmt.Errorf("tier %d", c.tier)
	case c.queue == nil && c.phase != PhaseMenu && c.phase != PhaseTest:
		return fmt.Errorf("is %s in no queue", c.phase)
	case c.queue != nil && (c.reached < 0 || c.reached > len(c.queue.Steps)):
		return fmt.Errorf("step %d of %d", c.reached, len(c.queue.Steps))
	case c.queue != nil:
		if err := s.settle(c); err != nil {
			return fmt.Errorf("requirement: %w", err)
		}
	}
	if c.callback != nil {
		if err := s.deriveCallback(c); err != nil {
			return err
		}
	}
	if !c.inQueue() {
		return nil
	}
	offered := c.phase == PhaseOffered
	s.join(c)
	if !offered {
		return nil
	}
	s.unwait(c)
	c.phase = PhaseOffered
	if o := s.offers[c.offer]; o != nil {
		s.setTimer(timerOffer, c.id, 0, o.expires)
	}
	return nil
}
