package acd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tierline/routing"
	"tierline/routing/rank"
	"tierline/routing/rank/ordered"
)

// Phase is where a call is.
type Phase uint8

// Phases of a call. The order is part of the snapshot format.
const (
	PhaseMenu     Phase = iota + 1 // walks its flow
	PhaseWaiting                   // in a queue, nobody rings
	PhaseOffered                   // in a queue, an agent's phone rings
	PhaseTalking                   // with an agent
	PhaseAfter                     // the agent left, the caller is still there
	PhaseDormant                   // a call-back that isn't due yet
	PhaseDialling                  // a call-back: the agent waits for the customer to answer
	PhaseDirected                  // nobody serves it, and the phone of an agent rings who is to
	PhaseTest                      // somebody tries a trunk out with it: it has no caller
)

// String returns the phase's name in views.
func (p Phase) String() string {
	switch p {
	case PhaseMenu:
		return "menu"
	case PhaseWaiting:
		return "waiting"
	case PhaseOffered:
		return "offered"
	case PhaseTalking:
		return "talking"
	case PhaseAfter:
		return "after"
	case PhaseDormant:
		return "dormant"
	case PhaseDialling:
		return "dialling"
	case PhaseDirected:
		return "directed"
	case PhaseTest:
		return "test"
	}
	return fmt.Sprintf("phase(%d)", uint8(p))
}

// MarshalText implements encoding.TextMarshaler.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// call is one caller from arrival to end.
type call struct {
	id, node, trunk, from, to, flow, sipCallID string
	home                                       string // whose address its legs are at

	index       uint64 // of the entry it arrived with
	arrivedWall int64
	generation  *generation // the one it finishes on
	customer    Customer
	tier        routing.Tier
	language    string
	step        string
	leg, menu   []byte // opaque
	phase       Phase
	offer       uint64 // while offered or talking

	// Of the present or last visit to a queue.
	queue    *QueueConfig // of the call's generation
	need     string       // what the call asks for beside its queue
	queuedAt int64
	credit   int64 // ms of place brought along
	leaveAt  int64 // when max wait is over; 0 = never
	chances
	attach []Attribute
	place  rank.Call

	callback *callback // of a call-back
	served   string    // agent of the latest conversation that is over

	places   []string // among the calls that are counted, see Cap
	sides    []uint64 // offers beside that of the one who serves it, in the order they were made
	placedBy string   // agent who made it
	outside  bool     // to somebody outside
	others   []OtherLeg
}

// number is the customer's.
func (c *call) number() string {
	if c.callback != nil || c.outside {
		return c.to
	}
	return c.from
}

// inQueue reports whether the caller waits for an agent.
func (c *call) inQueue() bool { return c.phase == PhaseWaiting || c.phase == PhaseOffered }

// queue is who waits under one name, over all generations.
type queue struct {
	line    *ordered.List[*call] // by time of joining
	waiting [routing.TierCount]int
}

func (s *State) queueOf(c *call) *queue {
	q := s.queues[c.queue.Name]
	if q == nil {
		q = &queue{line: ordered.New(byJoining)}
		s.queues[c.queue.Name] = q
	}
	return q
}

func byJoining(a, b *call) int {
	return cmp.Or(cmp.Compare(a.queuedAt, b.queuedAt), strings.Compare(a.id, b.id))
}

// length returns how many callers wait in a queue.
func (s *State) length(name string) int {
	if q := s.queues[name]; q != nil {
		return q.line.Len()
	}
	return 0
}

func (s *State) callArrived(ev CallArrived, e Entry, r *Result) error {
	g := s.generation(ev.Generation)
	switch {
	case ev.Call == "" || ev.Node == "":
		return refuse(ev, "call and node must be named")
	case s.calls[ev.Call] != nil:
		return refuse(ev, "call is known already")
	case g == nil:
		return refuse(ev, "generation %d is not known", ev.Generation)
	case ev.Customer.Tier >= routing.TierCount:
		return refuse(ev, "tier %d is not known", ev.Customer.Tier)
	}
	if err := s.capRefusal(ev, ev.Caps, false); err != nil {
		return err
	}
	c := &call{
		id: ev.Call, node: ev.Node, trunk: ev.Trunk, from: ev.From, to: ev.To, flow: ev.Flow, sipCallID: ev.SIPCallID,
		index: e.Index, arrivedWall: e.Wall, generation: g, customer: ev.Customer,
		tier: ev.Customer.Tier, language: ev.Customer.Language, leg: ev.Leg, phase: PhaseMenu,
		home: cmp.Or(ev.Home, ev.Node),
	}
	c.place.ID = c.id
	s.calls[c.id] = c
	if len(ev.Caps) > 0 {
		s.capTake(&capPlace{id: c.id, call: c.id, node: c.node}, ev.Caps)
	}
	g.calls++
	r.Facts = append(r.Facts, Fact{
		Kind: FactCallArrived, Call: c.id, Node: c.node, Trunk: c.trunk, From: c.from, To: c.to, Flow: c.flow,
		Generation: g.Generation, Tier: tierOf(c), Customer: c.customer.ID, Language: c.language, SIPCallID: c.sipCallID,
	})
	return nil
}

func (s *State) callStepped(ev CallStepped, r *Result) error {
	c := s.calls[ev.Call]
	if c == nil {
		return refuse(ev, "no such call")
	}
	r.Facts = append(r.Facts, Fact{
		Kind: FactCallStep, Call: c.id, Step: ev.Step, Milestone: ev.Milestone, Language: ev.Language, Key: ev.Key,
		Flow: c.flow, Previous: c.step, Outcome: ev.Outcome, TookMS: ev.TookMS,
	})
	c.step = ev.Step
	if ev.Menu != nil { // of steps made at once only the last brings the state
		c.menu = ev.Menu
	}
	c.language = cmp.Or(ev.Language, c.language)
	return nil
}

// mayQueue checks what depends neither on the call's phase nor on the queue's
// rules.
func (s *State) mayQueue(ev CallQueued) (*call, *QueueConfig, error) {
	c := s.calls[ev.Call]
	switch {
	case c == nil:
		return nil, nil, refuse(ev, "no such call")
	case c.callback != nil:
		return nil, nil, refuse(ev, "call is a call-back")
	case ev.Tier >= routing.TierCount:
		return nil, nil, refuse(ev, "tier %d is not known", ev.Tier)
	case ev.MaxWait < 0 || ev.PreferredFor < 0:
		return nil, nil, refuse(ev, "negative max wait or time for the preferred agent")
	case ev.Credit < 0 || ev.Credit > maxCredit:
		return nil, nil, refuse(ev, "credit of %d ms", ev.Credit)
	case ev.Refused != 0 && ev.Refused != LeftClosed && ev.Refused != LeftLong:
		return nil, nil, refuse(ev, "%s is no cause to refuse a call", ev.Refused)
	}
	q := c.generation.queue(ev.Queue)
	if q == nil {
		return nil, nil, refuse(ev, "generation %d has no queue %q", c.generation.Generation, ev.Queue)
	}
	if _, err := s.board.Require(q.Requirement, ev.Requirement); err != nil {
		return nil, nil, refuse(ev, "%v", err)
	}
	return c, q, nil
}

func (s *State) callQueued(ev CallQueued, index uint64, r *Result) error {
	if c := s.calls[ev.Call]; c != nil && c.phase != PhaseMenu && c.phase != PhaseAfter {
		return refuse(ev, "call is %s", c.phase)
	}
	c, q, err := s.mayQueue(ev)
	if err != nil {
		return err
	}
	s.enqueue(c, q, ev, index, r)
	return nil
}

// enqueue lets a call wait that nobody serves, or turns it away.
func (s *State) enqueue(c *call, q *QueueConfig, ev CallQueued, index uint64, r *Result) {
	c.tier, c.queue, c.need = ev.Tier, q, ev.Requirement
	c.language = cmp.Or(ev.Language, c.language)
	c.attach = slices.SortedStableFunc(slices.Values(ev.Attach), func(a, b Attribute) int {
		return strings.Compare(a.Name, b.Name)
	})
	if cause := s.gate(c, ev.Refused); cause != 0 {
		s.turnAway(c, cause, r)
		return
	}
	c.queuedAt, c.leaveAt = s.now, 0
	if wait := cmp.Or(ev.MaxWait, q.MaxWait); wait > 0 {
		c.leaveAt = s.now + wait
	}
	if ev.Preferred == "" && ev.PreferLast {
		ev.Preferred = s.lastAgent(c)
	}
	cause := s.lineUp(c, ev, index, r)
	s.openChances(c, ev)
	s.join(c)
	s.joined(c)
	r.Facts = append(r.Facts, Fact{
		Kind: FactCallQueued, Call: c.id, Queue: q.Name, Tier: tierOf(c), Customer: c.customer.ID, Language: c.language,
		Reason: c.place.Requirement.String(), Until: c.leaveAt, Attach: c.attach, Node: c.node, Step: c.step,
		Cause: cause, CreditMS: c.credit, Band: c.place.Key.Band,
	})
}

// headStart takes the queue's own head starts from the call's generation, as
// all that a queue says, and the general ones from the current generation.
func (s *State) headStart(q *QueueConfig, t routing.Tier) int64 {
	return s.current().config.headStart(q, t)
}

// join lines a call up; its key is set.
func (s *State) join(c *call) {
	if c.callback == nil { // who stands in no line of callers
		q := s.queueOf(c)
		q.line.Insert(c)
		q.waiting[c.tier]++
		s.watch(c)
	}
	s.wait(c)
}

// wait lets the call be matched, at the place its key gives it.
func (s *State) wait(c *call) {
	c.phase = PhaseWaiting
	s.board.Enqueue(&c.place)
	s.setTimer(timerMaxWait, c.id, 0, c.leaveAt)
	s.setTimer(timerChance, c.id, 0, c.nextChance())
	s.setTimer(timerCallback, c.id, 0, c.nextCallback())
}

// unwait is the opposite of wait: the call is offered or leaves.
func (s *State) unwait(c *call) {
	s.board.Dequeue(&c.place)
	s.setTimer(timerMaxWait, c.id, c.leaveAt, 0)
	s.setTimer(timerChance, c.id, c.nextChance(), 0)
	s.setTimer(timerCallback, c.id, c.nextCallback(), 0)
}

// quit takes a call out of its queue, whether it waits or is offered. The
// caller sets the next phase.
func (s *State) quit(c *call) {
	if c.phase == PhaseWaiting {
		s.unwait(c)
	}
	if c.callback != nil {
		return // see join
	}
	s.unwatch(c)
	q := s.queueOf(c)
	q.line.Delete(c)
	q.waiting[c.tier]--
	if q.line.Len() == 0 {
		delete(s.queues, c.queue.Name)
	}
}

// leave notes that a wait ended without an agent.
func (s *State) leave(c *call, cause LeaveCause, waited int64, r *Result) {
	r.Facts = append(r.Facts, Fact{
		Kind: FactCallLeftQueue, Call: c.id, Queue: c.queue.Name, Tier: tierOf(c), Customer: c.customer.ID,
		Cause: cause.String(), WaitMS: waited,
	})
}

// abandon ends a wait whatever rings, and returns the time waited.
func (s *State) abandon(c *call, cause LeaveCause, r *Result) int64 {
	waited := s.now - c.queuedAt
	s.recall(c, r)
	s.quit(c)
	s.waited(c, cause != LeftCallback)
	c.phase = PhaseMenu
	s.leave(c, cause, waited, r)
	return waited
}

// recall stops what rings for a call: it is no longer on offer.
func (s *State) recall(c *call, r *Result) {
	if c.phase == PhaseOffered {
		for _, a := range s.withdrawAll(s.offers[c.offer], CallerLeft, r) {
			s.enter(a, stance{state: AgentReady}, change{cause: CallerLeft.String()}, r)
		}
	}
}

// waitExpired ends a wait at max_wait. A phone that rings at that moment may
// ring out first: the timer is off while a call is offered.
func (s *State) waitExpired(c *call, r *Result) {
	s.abandon(c, LeftTimeout, r)
	r.Effects = append(r.Effects, LeaveQueue{Node: c.node, Call: c.id, Cause: LeftTimeout})
}

func (s *State) queueLeft(ev QueueLeft, r *Result) error {
	c := s.calls[ev.Call]
	switch {
	case c == nil:
		return refuse(ev, "no such call")
	case !c.inQueue() || c.callback != nil:
		return refuse(ev, "call is in no queue")
	case ev.Cause != LeftTimeout && ev.Cause != LeftKey && ev.Cause != LeftEnded: // others: it was let in
		return refuse(ev, "%s is no cause for leaving", ev.Cause)
	}
	s.abandon(c, ev.Cause, r) // whoever reports it needn't be told
	return nil
}

func (s *State) callEnded(ev CallEnded, r *Result) error {
	c := s.calls[ev.Call]
	if c == nil {
		return refuse(ev, "no such call")
	}
	return s.end(c, ev, r)
}

// end closes whatever is open and forgets the call, unless it is a call-back
// that goes on.
func (s *State) end(c *call, ev CallEnded, r *Result) error {
	if c.callback != nil {
		return s.endCallback(c, ev, r)
	}
	f := Fact{
		Kind: FactCallEnded, Call: c.id, Cause: ev.Cause, By: ev.By.String(), SIP: ev.SIP, Quality: ev.Quality,
		Tier: tierOf(c), Customer: c.customer.ID, Node: c.node,
	}
	if (c.inQueue() || c.phase == PhaseTalking) && ev.bySwitch() && c.placedBy == "" {
		s.remember(c)
	}
	s.dropSides(c, ev.By, r)
	switch c.phase {
	case PhaseWaiting, PhaseOffered:
		f.Queue, f.Abandoned = c.queue.Name, ev.By == SideCaller
		if f.Abandoned && f.Cause == "normal" {
			f.Cause = "abandoned" // the owner of the call didn't know yet that it was queued
		}
		f.WaitMS = s.abandon(c, LeftEnded, r)
	case PhaseTalking:
		o := s.offers[c.offer]
		r.Effects = append(r.Effects, ReleaseAgent{Node: c.node, Call: c.id, Agent: o.agent, Offer: o.id})
		s.release(o, ev.By, ev.AgentQuality, r)
	case PhaseMenu, PhaseAfter, PhaseDormant, PhaseDialling, PhaseDirected, PhaseTest:
	}
	s.capGiveAll(c)
	delete(s.calls, c.id)
	c.generation.calls--
	s.forgetGenerations()
	r.Facts = append(r.Facts, f)
	return nil
}

func tierOf(c *call) *routing.Tier {
	t := c.tier
	return &t
}
