package acd

import (
	"maps"
	"slices"
	"strconv"

	"tierline/routing/rank"
	"tierline/routing/rank/ordered"
)

// presentMarks are the agents who may come to serve a call: signed in, with a
// phone, whatever they do. A break is no absence.
const presentMarks = 1<<AgentNotReady | staffMarks

// present is the same of one agent.
func (a AgentState) present() bool {
	return a != 0 && a != AgentSignedOut && a != AgentUnreachable
}

// vigil is the calls of a queue that ask for the same, and leave when nobody who
// could ever serve them has been there for a while.
type vigil struct {
	key    string
	nobody bool  // is there
	since  int64 // log time since when

	// What follows is derived.

	need  *rank.Requirement // after the last step
	leave int64             // ms
	at    int64             // of the timer; 0 = none
	calls *ordered.List[*call]
}

// vigilKey names the vigil of a call: what it asks for depends on nothing else.
func vigilKey(c *call) string {
	return strconv.FormatUint(c.generation.Generation, 10) + " " + c.queue.Name + " " + c.need
}

// staffed reports whether somebody is there who could serve a call, if only
// after its last step.
func (s *State) staffed(c *call) bool {
	need, err := s.demand(c, len(c.queue.Steps))
	return err != nil || s.board.Anybody(need, presentMarks)
}

// watch begins to look whether anybody is there for a call that waits.
func (s *State) watch(c *call) {
	if c.queue.NoStaffLeave == 0 || c.callback != nil {
		return
	}
	key := vigilKey(c)
	v := s.vigils[key]
	if v == nil {
		v = &vigil{key: key, nobody: !s.staffed(c), since: s.now}
		s.vigils[key] = v
	}
	s.enlist(v, c)
}

// enlist adds a call to its vigil.
func (s *State) enlist(v *vigil, c *call) {
	if v.calls == nil {
		v.calls = ordered.New(byJoining)
		v.leave = c.queue.NoStaffLeave
		v.need, _ = s.demand(c, len(c.queue.Steps)) // was read before: no error
	}
	v.calls.Insert(c)
	s.arm(v)
}

// unwatch is the opposite of watch.
func (s *State) unwatch(c *call) {
	if c.queue.NoStaffLeave == 0 || c.callback != nil {
		return
	}
	v := s.vigils[vigilKey(c)]
	v.calls.Delete(c)
	s.arm(v)
	if v.calls.Len() == 0 {
		delete(s.vigils, v.key)
	}
}

// arm sets a vigil's timer to when its first call leaves.
func (s *State) arm(v *vigil) {
	at := int64(0)
	if first, ok := v.calls.First(); ok && v.nobody {
		at = max(v.since, first.queuedAt) + v.leave
	}
	s.setTimer(timerNoStaff, v.key, v.at, at)
	v.at = at
}

// noStaff lets calls go that nobody has been there for long enough.
func (s *State) noStaff(v *vigil, r *Result) {
	v.at = 0 // the timer has fired
	var gone []*call
	for c := range v.calls.All() {
		if max(v.since, c.queuedAt)+v.leave > s.now {
			break
		}
		gone = append(gone, c)
	}
	for _, c := range gone {
		s.abandon(c, LeftNoStaff, r)
		r.Effects = append(r.Effects, LeaveQueue{Node: c.node, Call: c.id, Cause: LeftNoStaff})
	}
}

// restaff looks again who is there, after an agent came or went. Nil stands for
// any agent.
func (s *State) restaff(a *agent) {
	for _, key := range slices.Sorted(maps.Keys(s.vigils)) {
		v := s.vigils[key]
		if a != nil {
			_, able := v.need.Able(a.config.Skills)
			if !able || a.state.present() == !v.nobody {
				continue // makes no difference
			}
		}
		if nobody := !s.board.Anybody(v.need, presentMarks); nobody != v.nobody {
			v.nobody, v.since = nobody, s.now
			s.arm(v)
		}
	}
}
