package call

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"tierline/acd"
	"tierline/call/registration"
	"tierline/routing"
	"tierline/routing/trunk"
)

// trunkState is what a trunk does on this node. The switch's mu guards it.
type trunkState struct {
	trunk.Load
	screened  uint64            // callers whose number was not believed
	abroad    uint64            // calls that we made to other countries …
	abroadAt  time.Time         // … the last one
	refused   map[string]uint64 // callers of the trunk, by reason
	made      map[string]uint64 // calls that we made, by outcome
	targets   map[trunk.Target]*targetState
	lastError string
	lastAt    time.Time
}

// TrunkView is a trunk as the documents say, and what it does on this node.
type TrunkView struct {
	trunk.Trunk
	Targets   []TargetView
	Lines     []registration.View // where it is registered
	Gone      bool                // not in the current documents; its calls finish
	In, Out   int                 // running calls
	All       int                 // on all nodes, if their number is limited
	Screened  uint64              // callers whose number was not believed
	Abroad    uint64              // calls that we made to other countries
	Refused   map[string]uint64   // callers refused, by reason
	Made      map[string]uint64   // calls that we made, by outcome
	LastError string              // "" none since the start
	LastAt    time.Time
}

// State says in a word how a trunk is: what a person would look at first.
func (v TrunkView) State() string {
	up, registered := 0, 0
	for _, t := range v.Targets {
		if t.Health != Down {
			up++
		}
	}
	for _, l := range v.Lines {
		if l.Phase == registration.Registered {
			registered++
		}
	}
	full := func(n, most int) bool { return most > 0 && n >= most }
	switch {
	case v.Gone:
		return "gone"
	case len(v.Lines) > 0 && registered == 0:
		return "unregistered"
	case len(v.Targets) > 0 && up == 0:
		return "down"
	case full(max(v.All, v.In+v.Out), v.Limits.Calls), full(v.In, v.Limits.In.Calls), full(v.Out, v.Limits.Out.Calls):
		return "full"
	case up < len(v.Targets) || registered < len(v.Lines):
		return "impaired"
	}
	return "ok"
}

// trunkState returns a trunk's state. mu is held.
func (s *Switch) trunkState(name string) *trunkState {
	st := s.trunks[name]
	if st == nil {
		st = &trunkState{
			refused: map[string]uint64{}, made: map[string]uint64{},
			targets: map[trunk.Target]*targetState{},
		}
		s.trunks[name] = st
	}
	return st
}

// refuseFrom refuses a call of a known trunk.
func (s *Switch) refuseFrom(name string, in Invite, status int, reason string) {
	s.mu.Lock()
	st := s.trunkState(name)
	st.refused[reason]++
	st.fail(fmt.Sprintf("caller refused: %d %s", status, reason))
	s.mu.Unlock()
	s.refuse(in, status, reason)
}

// quietAbroad is how long nobody may have called abroad until the next who does
// is news: stolen phones call abroad, and at night.
const quietAbroad = 24 * time.Hour

// notesAbroad notes a call to another country.
func (s *Switch) notesAbroad(t trunk.Trunk, number, agent string) {
	if t.Numbers.Home(number) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, now := s.trunkState(t.Name), time.Now()
	if now.Sub(st.abroadAt) >= quietAbroad {
		s.cfg.Log.Warn("first call abroad for a day", "trunk", t.Name, "to", routing.Mask(number), "agent", agent)
	}
	st.abroad, st.abroadAt = st.abroad+1, now
}

// screened notes a caller whose number was not believed.
func (s *Switch) screened(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trunkState(name).screened++
}

// fail notes what went wrong last. mu of the switch is held.
func (st *trunkState) fail(text string) { st.lastError, st.lastAt = text, time.Now() }

// trunkFailed notes what a target did with a call of ours.
func (s *Switch) trunkFailed(name, text string) {
	if name == "" {
		return // a fixed address is nobody's target
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trunkState(name).fail(text)
}

// madeBy counts the end of a call that we made through a trunk.
func (s *Switch) madeBy(name, outcome string) {
	s.stats.count(&s.stats.outward, outcome)
	if name == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trunkState(name).made[outcome]++
}

// blames says whether a final status is the trunk's doing and not that of the
// number: a failure of the server, or a refusal of ours as a client.
func blames(status int) bool {
	return status >= 500 && status < 600 || status == 401 || status == 403 || status == 407
}

// Trunks shows the trunks in the order of the documents, then those that have
// left the documents and still carry calls.
func (s *Switch) Trunks() []TrunkView {
	gen := s.cfg.Services.Current()
	out := s.trunkViews(gen)
	s.cfg.Queue.Read(func(st *acd.State) {
		for i := range out {
			out[i].All = int(st.CapLive(capName(out[i].Name)))
		}
	})
	return out
}

func (s *Switch) trunkViews(gen *Generation) (out []TrunkView) {
	lines := s.keeper.Views()
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[string]bool{}
	if gen != nil {
		for _, t := range gen.Trunks.Trunks() {
			seen[t.Name] = true
			of := slices.DeleteFunc(slices.Clone(lines), func(v registration.View) bool { return v.Trunk != t.Name })
			out = append(out, s.trunkState(t.Name).view(TrunkView{Trunk: t, Lines: of}))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.trunks)) {
		if st := s.trunks[name]; !seen[name] && st.In()+st.Out() > 0 {
			out = append(out, st.view(TrunkView{Trunk: trunk.Trunk{Name: name}, Gone: true}))
		}
	}
	return out
}

// view adds what the trunk does. mu of the switch is held.
func (st *trunkState) view(v TrunkView) TrunkView {
	v.In, v.Out = st.In(), st.Out()
	v.Screened, v.Abroad = st.screened, st.abroad
	v.Refused, v.Made = maps.Clone(st.refused), maps.Clone(st.made)
	v.LastError, v.LastAt = st.lastError, st.lastAt
	for _, line := range v.Lines {
		if line.Trouble != "" && line.Failed.After(v.LastAt) {
			v.LastError, v.LastAt = line.Registrar+": not registered: "+line.Trouble, line.Failed
		}
	}
	for _, target := range v.Outward.Targets {
		v.Targets = append(v.Targets, st.health(v.Trunk, target))
	}
	return v
}
