package acd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tierline/routing/rank"
)

// AgentState is what an agent is doing. The zero value means none.
type AgentState uint8

// Agent states. The order is part of the snapshot format.
const (
	AgentSignedOut AgentState = iota + 1
	AgentNotReady
	AgentReady
	AgentReserved // an offer is on its way to the phone
	AgentAlerting // the phone rings
	AgentTalking
	AgentWrapUp
	AgentUnreachable // signed in, but no phone is registered
)

// String returns the state's name in views, facts and reports.
func (a AgentState) String() string {
	switch a {
	case AgentSignedOut:
		return "signed_out"
	case AgentNotReady:
		return "not_ready"
	case AgentReady:
		return "ready"
	case AgentReserved:
		return "reserved"
	case AgentAlerting:
		return "alerting"
	case AgentTalking:
		return "talking"
	case AgentWrapUp:
		return "wrap_up"
	case AgentUnreachable:
		return "unreachable"
	}
	if a == 0 {
		return ""
	}
	return fmt.Sprintf("state(%d)", uint8(a))
}

// MarshalText implements encoding.TextMarshaler.
func (a AgentState) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *AgentState) UnmarshalText(b []byte) error {
	for s := AgentSignedOut; s <= AgentUnreachable; s++ {
		if s.String() == string(b) {
			*a = s
			return nil
		}
	}
	return fmt.Errorf("acd: %q is no state of an agent", b)
}

// Reasons the core itself gives for not ready. Agents give their own.
const (
	ReasonSignedIn    = "signed_in"   // signed in, not ready yet
	ReasonMissed      = "missed"      // let too many offers ring out
	ReasonUnreachable = "unreachable" // the phone didn't react to offers, or fell silent in a call
)

// minBackOff keeps a phone that rejects everything from being rung in a loop.
const minBackOff = 1000 // ms

// agent is one person with one or more phones, in all queues at once.
type agent struct {
	id     string
	config AgentConfig

	stance
	cause string
	since int64

	offer  uint64 // while reserved, alerting or talking: the owner of the state
	call   string // of the offer, or what the wrap-up is about
	before stance // while unreachable: what comes back with the phone
	next   stance // during a call and wrap-up: what follows, if set

	readySince int64 // start of the idle time that counts for longest idle
	backOff    int64 // until then no offers, although ready; 0 = none
	misses     int   // offers in a row that rang out
	bindings   []Binding
	work       work
	gone       bool // no longer in the current generation: leaves after the call

	seat rank.Agent
}

// stance is a state with what belongs to it.
type stance struct {
	state  AgentState
	reason string // of not ready
	until  int64  // log time when it ends by itself; 0 = never
	back   int64  // of not ready: planned log time of return, 0 = none; nothing happens then
}

// change says why a state is entered and who wanted it.
type change struct{ cause, by string }

func (a *agent) reachable() bool { return a.config.Contact != "" || len(a.bindings) > 0 }

func (a *agent) maxMisses() int { return max(a.config.MaxMisses, 1) }

// enter puts an agent who has no call into a stance, or, while no phone is
// registered, remembers it for when one is.
func (s *State) enter(a *agent, to stance, why change, r *Result) {
	a.before = stance{}
	if to.state != AgentReady {
		s.setBackOff(a, 0)
	}
	if to.state != AgentSignedOut && !a.reachable() {
		a.before = to
		to = stance{state: AgentUnreachable, until: to.until}
	}
	if to.state != AgentWrapUp && a.before.state != AgentWrapUp {
		if a.work.begun != 0 {
			s.handled(a.work.queue, s.now-a.work.begun)
		}
		a.call, a.work = "", work{}
	}
	if to.state == AgentReady && a.state != AgentReserved && a.state != AgentAlerting && a.state != AgentReady {
		a.readySince = s.now // an offer that came to nothing costs no idle time
	}
	s.become(a, to, why, r)
}

// become changes the state and everything that depends on it.
func (s *State) become(a *agent, to stance, why change, r *Result) {
	if to == a.stance {
		return
	}
	previous := a.state
	s.setTimer(timerWrapUp, a.id, a.wrapUpEnd(), 0)
	same := to.state == a.state && to.reason == a.reason
	a.stance = to
	s.setTimer(timerWrapUp, a.id, 0, a.wrapUpEnd())
	if same { // an unreachable agent's wrap-up ended
		return
	}
	a.cause, a.since = why.cause, s.now
	s.place(a)
	if previous.present() != to.state.present() {
		s.restaff(a)
	}
	if to.state == AgentSignedOut || to.state == AgentUnreachable {
		s.letGo(a, r)
	}
	r.Facts = append(r.Facts, Fact{
		Kind: FactAgentState, Agent: a.id, State: to.state.String(), Previous: previous.String(), Reason: to.reason,
		Cause: why.cause, By: why.by, Until: to.until, ReturnAt: to.back, Offer: a.offer, Call: a.call,
	})
}

// wrapUpEnd returns when the agent's wrap-up ends, 0 if he is in none. An
// unreachable agent's wrap-up runs on.
func (a *agent) wrapUpEnd() int64 {
	if a.state == AgentWrapUp || a.state == AgentUnreachable {
		return a.until
	}
	return 0
}

// place tells the board where the agent stands.
func (s *State) place(a *agent) {
	mark := uint8(a.state)
	if a.state == AgentReady && a.backOff != 0 {
		mark = markBackOff
	}
	s.board.Mark(&a.seat, mark)
	if mark == uint8(AgentReady) {
		s.board.Ready(&a.seat, a.readySince)
	} else {
		s.board.NotReady(&a.seat)
	}
}

// markBackOff is what the board counts as ready, but not to be offered
// anything yet; all other marks are agent states.
const markBackOff = rank.Marks - 1

// setTimer moves a timer; 0 means none.
func (s *State) setTimer(kind timerKind, id string, from, to int64) {
	if from == to {
		return
	}
	if from != 0 {
		s.timers.Delete(timer{at: from, kind: kind, id: id})
	}
	if to != 0 {
		s.timers.Insert(timer{at: to, kind: kind, id: id})
	}
}

func (s *State) setBackOff(a *agent, until int64) {
	s.setTimer(timerBackOff, a.id, a.backOff, until)
	a.backOff = until
}

func (s *State) backOffOver(a *agent) {
	a.backOff = 0
	s.place(a)
}

// wrapUpOver ends the work after a call: early, or because its time is up.
func (s *State) wrapUpOver(a *agent, why change, r *Result) {
	next := a.next
	a.next = stance{}
	next.state = cmp.Or(next.state, AgentReady)
	s.enter(a, next, why, r)
}

func (s *State) agentCommanded(ev AgentCommanded, r *Result) error {
	a := s.agents[ev.Agent]
	switch {
	case a == nil || a.gone:
		return refuse(ev, "no such agent")
	case ev.For < 0 || ev.For > maxPlanned:
		return refuse(ev, "for %d ms", ev.For)
	}
	var to stance
	switch ev.Command {
	case SignIn:
		if a.state != AgentSignedOut {
			return nil // is signed in already
		}
		to = stance{state: AgentNotReady, reason: ReasonSignedIn}
	case SignOut:
		to = stance{state: AgentSignedOut}
	case GoReady: // signs in as well: one feature code for both
		to = stance{state: AgentReady}
	case GoNotReady:
		var err error
		if to, err = s.notReady(a, ev); err != nil {
			return err
		}
	case EndWrapUp:
		if a.wrapUpEnd() == 0 {
			return refuse(ev, "agent is not in wrap-up")
		}
		s.wrapUpOver(a, change{cause: "command", by: ev.By}, r)
		return nil
	case ExtendWrapUp:
		return s.extendWrapUp(a, ev, r)
	default:
		return refuse(ev, "unknown command %d", ev.Command)
	}
	s.commanded(a, to, change{cause: "command", by: ev.By}, r)
	return nil
}

// notReady checks what an agent says of a break.
func (s *State) notReady(a *agent, ev AgentCommanded) (stance, error) {
	known := s.current().config.Reasons
	switch {
	case a.state == AgentSignedOut:
		return stance{}, refuse(ev, "agent is signed out")
	case ev.Reason != "" && len(known) > 0 && !slices.Contains(known, ev.Reason):
		return stance{}, refuse(ev, "reason %q is not one of %s", ev.Reason, strings.Join(known, ", "))
	}
	to := stance{state: AgentNotReady, reason: ev.Reason}
	if ev.For > 0 {
		to.back = s.now + ev.For
	}
	return to, nil
}

// commanded carries out a wish: at once, or after the conversation. An offer
// that hasn't been answered is withdrawn, unless the agent is to stay ready.
func (s *State) commanded(a *agent, to stance, why change, r *Result) {
	switch a.state {
	case AgentTalking:
		s.setNext(a, to, why, r)
		return
	case AgentReserved, AgentAlerting:
		if to.state == AgentReady {
			a.next = stance{} // after a call of no queue, which may come during a break
			return
		}
		s.withdraw(s.offers[a.offer], a, AgentWithdrawn, r)
	case AgentSignedOut, AgentNotReady, AgentReady, AgentWrapUp, AgentUnreachable:
	}
	if to.state == AgentReady {
		a.misses = 0
		s.setBackOff(a, 0)
		s.place(a)
	}
	a.next = stance{}
	if a.state == AgentUnreachable && a.before == to {
		return
	}
	s.enter(a, to, why, r)
}

// setNext notes what follows the conversation. Ready is what follows anyway.
func (s *State) setNext(a *agent, to stance, why change, r *Result) {
	if to.state == AgentReady {
		to = stance{}
	}
	if a.next == to {
		return
	}
	a.next = to
	r.Facts = append(r.Facts, Fact{
		Kind: FactAgentNext, Agent: a.id, State: to.state.String(), Reason: to.reason, Cause: why.cause, By: why.by,
	})
}
