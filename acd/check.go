package acd

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tierline/routing/rank/ordered"
)

// Check returns what contradicts itself in the state: nothing, unless this
// package has a bug or a snapshot is not what was written. Tests call it after
// every entry.
func (s *State) Check() error {
	c := checker{s: s, timers: ordered.New(timer.compare)}
	for i, g := range s.generations {
		if i > 0 && g.Generation <= s.generations[i-1].Generation {
			c.fault("generation %d is out of order", g.Generation)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.agents)) {
		c.agent(s.agents[id])
	}
	for _, id := range slices.Sorted(maps.Keys(s.calls)) {
		c.call(s.calls[id])
	}
	for _, id := range slices.Sorted(maps.Keys(s.offers)) {
		c.offer(s.offers[id])
	}
	c.callbacks()
	c.lockouts()
	c.caps()
	older := func(a, b lostPlace) int { return cmp.Compare(a.until, b.until) }
	if len(s.lost) > maxLost || !slices.IsSortedFunc(s.lost, older) {
		c.fault("%d lost places, or out of order", len(s.lost))
	}
	c.vigils()
	c.totals()
	if g := s.current(); g != nil && s.board.Order() != g.config.order() {
		c.fault("the board ranks by %+v", s.board.Order())
	}
	if err := s.board.Check(); err != nil {
		c.fault("board: %w", err)
	}
	return errors.Join(c.faults...)
}

// checker counts again what the state keeps count of.
type checker struct {
	s              *State
	timers         *ordered.List[timer]
	ready, waiting int
	queued         int
	watched        int // calls that leave when nobody is there
	faults         []error
}

func (c *checker) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, args...))
}

// expect notes a timer that must be there.
func (c *checker) expect(kind timerKind, id string, at int64) {
	if at != 0 {
		c.timers.Insert(timer{at: at, kind: kind, id: id})
	}
}

func (c *checker) agent(a *agent) {
	s := c.s
	c.expect(timerWrapUp, a.id, a.wrapUpEnd())
	c.expect(timerBackOff, a.id, a.backOff)
	c.expect(timerPhone, a.id, a.earliestExpiry())
	if o := s.offers[a.offer]; o.ringing() && o.role != 0 {
		c.expect(timerSide, a.id, o.expires)
	}
	if a.state == AgentReady && a.backOff == 0 {
		c.ready++
	}
	o := s.offers[a.offer]
	if o != nil && (!o.names(a.id) || o.call != a.call) {
		c.fault("agent %q and offer %d don't agree", a.id, a.offer)
	}
	ok := true
	switch a.state {
	case AgentReserved, AgentAlerting:
		ok = o.ringing() && o.expires == a.until && slices.Contains(o.rings, ring{a.id, a.state == AgentAlerting})
	case AgentTalking:
		ok = o.answered()
	case AgentSignedOut, AgentNotReady, AgentReady, AgentWrapUp, AgentUnreachable:
		ok = a.offer == 0
		c.idle(a)
	default:
		c.fault("agent %q: state %d", a.id, a.state)
	}
	if !ok {
		c.fault("agent %q is %s, but offer %d says otherwise", a.id, a.state, a.offer)
	}
}

// idle checks an agent without an offer.
func (c *checker) idle(a *agent) {
	if a.work.limit != 0 && a.wrapUpEnd() > a.work.limit || a.until == 0 && a.work.queue+a.work.code != "" {
		c.fault("agent %q is %s until %d, work %+v", a.id, a.state, a.until, a.work)
	}
	c.stance(a)
}

func (c *checker) stance(a *agent) {
	switch {
	case a.gone:
		c.fault("agent %q is gone, but still there", a.id)
	case (a.state == AgentUnreachable) == a.reachable() && a.state != AgentSignedOut:
		c.fault("agent %q is %s with %d phones", a.id, a.state, len(a.contacts()))
	case (a.state == AgentUnreachable) != (a.before.state != 0):
		c.fault("agent %q is %s, before that %s", a.id, a.state, a.before.state)
	case (a.state == AgentWrapUp || a.before.state == AgentWrapUp) != (a.until != 0):
		c.fault("agent %q is %s until %d", a.id, a.state, a.until)
	case a.next.state != 0 && a.until == 0:
		c.fault("agent %q is %s, next %s", a.id, a.state, a.next.state)
	case a.backOff != 0 && a.state != AgentReady && a.before.state != AgentReady:
		c.fault("agent %q is %s and backs off", a.id, a.state)
	}
}

func (c *checker) call(x *call) {
	s := c.s
	if s.generation(x.generation.Generation) != x.generation {
		c.fault("call %q: its generation %d is gone", x.id, x.generation.Generation)
	}
	if !c.phaseFits(x, s.offers[x.offer]) {
		c.fault("call %q is %s, but offer %d says otherwise", x.id, x.phase, x.offer)
	}
	if x.callback == nil && (x.phase == PhaseDormant || x.phase == PhaseDialling) {
		c.fault("call %q is %s and no call-back", x.id, x.phase)
	}
	c.sides(x)
	c.expect(timerCallback, x.id, x.nextCallback())
	if x.inQueue() {
		c.inQueue(x)
	}
}

// phaseFits checks what rings for a call or talks to it.
func (c *checker) phaseFits(x *call, o *offer) bool {
	directed := slices.ContainsFunc(c.s.sidesOf(x), (*offer).ringing)
	switch x.phase {
	case PhaseWaiting:
		c.waiting++
		c.expect(timerMaxWait, x.id, x.leaveAt)
		c.expect(timerChance, x.id, x.nextChance())
		c.chances(x)
		return x.offer == 0
	case PhaseOffered:
		return o.ringing() && o.call == x.id
	case PhaseTalking, PhaseDialling:
		return o.answered() && o.call == x.id
	case PhaseMenu, PhaseAfter, PhaseDormant:
		return x.offer == 0 && !directed
	case PhaseTest:
		return x.offer == 0 && !directed && x.queue == nil
	case PhaseDirected:
		return x.offer == 0 && directed
	}
	return false
}

// inQueue checks a call that has a place.
func (c *checker) inQueue(x *call) {
	if x.callback == nil {
		c.queued++
		if x.queue.NoStaffLeave > 0 {
			c.watched++
		}
	}
	k := x.place.Key
	if k.Deadline > k.Since || k.Since != x.queuedAt-x.credit || x.queuedAt > c.s.now || k.Tier != x.tier {
		c.fault("call %q: key %+v doesn't fit %d", x.id, k, x.queuedAt)
	}
}

// chances compares the two sides of what a call may be offered to.
func (c *checker) chances(x *call) {
	p := x.place
	a := c.s.agents[x.preferred]
	switch {
	case x.reached > len(x.queue.Steps) || p.Requirement == nil:
		c.fault("call %q has reached step %d of %d", x.id, x.reached, len(x.queue.Steps))
	case p.Only != (x.keptUntil != 0) || p.Yields != (x.yieldsUntil != 0) || p.Preferred != x.preferred:
		c.fault("call %q: chances %+v, place %+v", x.id, x.chances, p)
	case p.Only && (a == nil || a.state == AgentSignedOut || a.state == AgentUnreachable):
		c.fault("call %q is kept for %q, who isn't there", x.id, x.preferred)
	}
}

func (c *checker) offer(o *offer) {
	call := c.s.calls[o.call]
	if call == nil || (call.offer == o.id) != (o.role == 0) || !call.has(o.id) ||
		o.ringing() != (len(o.rings) > 0) || o.ringing() != (o.agent == "") {
		c.fault("offer %d: call %q doesn't agree, or agents are %+v", o.id, o.call, o)
	}
	for _, x := range o.rings {
		if a := c.s.agents[x.agent]; a == nil || a.offer != o.id {
			c.fault("offer %d: agent %q doesn't agree", o.id, x.agent)
		}
	}
	if a := c.s.agents[o.agent]; o.answered() && (a == nil || a.offer != o.id) {
		c.fault("offer %d: agent %q doesn't agree", o.id, o.agent)
	}
	if o.role == 0 {
		c.expect(timerOffer, o.call, o.expires)
	}
}

// sides checks who is in a call beside the one who serves it.
func (c *checker) sides(x *call) {
	if len(x.sides) > maxSides || !slices.IsSorted(x.sides) {
		c.fault("call %q has sides %v", x.id, x.sides)
	}
	for i, id := range x.sides {
		o := c.s.offers[id]
		switch {
		case o == nil || o.call != x.id || o.role == 0 || o.role > RoleSupervisor:
			c.fault("call %q and side %d don't agree", x.id, id)
		case o.role == RoleCaller && (i > 0 || x.placedBy != o.agent || x.outside):
			c.fault("call %q: side %d is no caller's", x.id, id)
		case x.phase != PhaseTalking && o.answered() && o.role != RoleCaller:
			c.fault("call %q is %s with %s in it", x.id, x.phase, o.agent)
		}
	}
}

// has reports whether an offer is one of the call's.
func (c *call) has(offer uint64) bool { return c.offer == offer || slices.Contains(c.sides, offer) }

// vigils checks what is remembered of callers and queues.
func (c *checker) vigils() {
	s, watched := c.s, 0
	for _, key := range slices.Sorted(maps.Keys(s.vigils)) {
		v := s.vigils[key]
		if v.calls == nil || v.calls.Len() == 0 {
			c.fault("vigil %q for nobody", key)
			continue
		}
		first, _ := v.calls.First()
		watched += v.calls.Len()
		if vigilKey(first) != key || s.staffed(first) == v.nobody || v.since > s.now {
			c.fault("vigil %q since %d", key, v.since)
		}
		if v.nobody {
			c.expect(timerNoStaff, key, max(v.since, first.queuedAt)+v.leave)
		}
	}
	if watched != c.watched {
		c.fault("%d calls are watched, should be %d", watched, c.watched)
	}
	if len(s.served) > maxServed || s.servedOrder.Len() != len(s.served) {
		c.fault("%d callers are remembered, %d in order", len(s.served), s.servedOrder.Len())
	}
}

func (c *checker) totals() {
	s := c.s
	if n := s.board.ReadyAgents(); n != c.ready {
		c.fault("%d agents are ready, the board has %d", c.ready, n)
	}
	if n := s.board.Waiting(); n != c.waiting {
		c.fault("%d calls wait, the board has %d", c.waiting, n)
	}
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		q, byTier := s.queues[name], 0
		for _, n := range q.waiting {
			byTier += n
		}
		if q.line.Len() != byTier || byTier == 0 {
			c.fault("queue %q has %d calls, by tier %d", name, q.line.Len(), byTier)
		}
		c.queued -= byTier
	}
	if c.queued != 0 {
		c.fault("queues miss %d calls", c.queued)
	}
	if got, want := slices.Collect(s.timers.All()), slices.Collect(c.timers.All()); !slices.Equal(got, want) {
		c.fault("timers are %v, should be %v", got, want)
	}
}
