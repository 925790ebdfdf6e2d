package acd

import (
	"cmp"
	"strings"

	"tierline/routing/rank"
	"tierline/routing/rank/ordered"
)

// State is everything the cluster agrees on. Make one with [NewState] or
// [Decode]; only [Apply] changes it.
type State struct {
	now   int64  // log time of the last entry
	index uint64 // of the last entry: a snapshot says where in the log it belongs

	generations []*generation // ascending; the last one is current
	agents      map[string]*agent
	calls       map[string]*call
	offers      map[uint64]*offer
	lost        []lostPlace // of callers who were cut off, the oldest first
	lockouts    map[string]*lockout
	capCounts   map[string]*capCount // by name
	capPlaces   map[string]*capPlace
	paces       map[string]*pace   // by queue
	served      map[string]*served // last agents, by caller
	vigils      map[string]*vigil
	members     map[string]*member

	// What follows can be derived from the fields above: it is rebuilt by
	// Decode and doesn't show in a snapshot.

	queues map[string]*queue // who waits, by queue name
	timers *ordered.List[timer]
	board  *rank.Board

	callbacks  callbacks
	lockoutAge *ordered.List[*lockout] // who is forgotten first

	servedOrder *ordered.List[*served] // the same of last agents
}

// NewState returns the state before the first entry.
func NewState() *State {
	return &State{
		agents:  map[string]*agent{},
		calls:   map[string]*call{},
		offers:  map[uint64]*offer{},
		paces:   map[string]*pace{},
		served:  map[string]*served{},
		vigils:  map[string]*vigil{},
		members: map[string]*member{},
		queues:  map[string]*queue{},
		timers:  ordered.New(timer.compare),
		board:   rank.NewBoard(),

		capCounts: map[string]*capCount{}, capPlaces: map[string]*capPlace{},
		lockouts: map[string]*lockout{}, lockoutAge: ordered.New((*lockout).older),
		callbacks: newCallbacks(), servedOrder: newServedOrder(),
	}
}

// Now returns the log time of the last entry.
func (s *State) Now() int64 { return s.now }

// At returns the state as it looks at a later log time, if nothing happens
// until then, so that what is told to people counts down between entries. It
// shares everything with the state: read it at once, and only read it.
func (s *State) At(now int64) *State {
	later := *s
	later.now = max(s.now, now)
	return &later
}

// NextDue returns the log time of the earliest expiry.
func (s *State) NextDue() (at int64, ok bool) {
	t, ok := s.timers.First()
	return t.at, ok
}

// current returns the generation in force, nil before the first publication.
func (s *State) current() *generation {
	if len(s.generations) == 0 {
		return nil
	}
	return s.generations[len(s.generations)-1]
}

// timer is one expiry. Its owner remembers the time, so that a timer can be
// found and taken back.
type timer struct {
	at   int64
	kind timerKind
	id   string // of the call or agent
}

// timerKind also orders timers of the same instant, so it is part of the log
// format.
type timerKind uint8

const (
	timerOffer    timerKind = iota + 1 // call: its agent's phone has rung long enough
	timerWrapUp                        // agent
	timerBackOff                       // agent: may be offered calls again
	timerPhone                         // agent: the earliest binding expires
	timerMaxWait                       // call: leaves its queue
	timerChance                        // call: more agents come into question
	timerCallback                      // call-back: is due, expires, or is given up
	timerLockout                       // lockout: its last failure is old enough
	timerNoStaff                       // vigil: nobody has been there for its first call
	timerSide                          // agent: his phone has rung long enough for a call of no queue
)

func (t timer) compare(o timer) int {
	return cmp.Or(cmp.Compare(t.at, o.at), cmp.Compare(t.kind, o.kind), strings.Compare(t.id, o.id))
}

// timePassed fires what is due, in order of due time.
func (s *State) timePassed(r *Result) {
	for {
		t, ok := s.timers.First()
		if !ok || t.at > s.now {
			return
		}
		s.timers.Delete(t)
		switch t.kind {
		case timerOffer:
			s.offerExpired(s.calls[t.id], r)
		case timerWrapUp:
			s.wrapUpOver(s.agents[t.id], change{cause: "wrap_up_over"}, r)
		case timerBackOff:
			s.backOffOver(s.agents[t.id])
		case timerPhone:
			s.bindingsExpired(s.agents[t.id], r)
		case timerMaxWait:
			s.waitExpired(s.calls[t.id], r)
		case timerChance:
			s.again(s.calls[t.id], r)
		case timerCallback:
			s.callbackTimer(s.calls[t.id], r)
		case timerLockout:
			s.lockoutOver(s.lockouts[t.id])
		case timerNoStaff:
			s.noStaff(s.vigils[t.id], r)
		case timerSide:
			s.sideExpired(s.agents[t.id], r)
		}
	}
}
