package ivr

import (
	"maps"
	"strings"
	"time"
)

// maxPath bounds the milestones that are kept of one call.
const maxPath = 100

// Session is one caller's place in a flow. Not safe for concurrent use: the
// call that owns it is its only user.
type Session struct {
	flow *Flow
	st   state

	// ---- only while an input is handled ----
	now     time.Time
	out     []Action
	next    string // where to go next, empty: stay
	key     string // what was pressed to get there
	outcome string // how the node ended
}

// state is everything that another node needs to go on.
type state struct {
	Caller     Caller         `json:"caller"`
	At         string         `json:"at"`
	Came       int64          `json:"came"` // Unix ms
	Place      place          `json:"place"`
	Last       uint64         `json:"last"` // id of the last prompt or timer
	Language   string         `json:"lang"`
	Vars       map[string]any `json:"vars,omitempty"`
	Path       []string       `json:"path,omitempty"`    // milestones
	History    []string       `json:"history,omitempty"` // menus, for @back
	Typed      string         `json:"typed,omitempty"`   // keys that wait for their node
	Swallow    int64          `json:"swallow,omitempty"` // until when (Unix ms) SwallowKey is dropped
	SwallowKey int32          `json:"swallow_key,omitempty"`
	Steps      int            `json:"steps"`
	Visits     map[string]int `json:"visits,omitempty"`
	Exceeded   bool           `json:"exceeded,omitempty"`
	Ended      bool           `json:"ended,omitempty"`
	Guard      uint64         `json:"guard,omitempty"` // timer of max_duration, 0: it stands still
	GuardEnd   int64          `json:"guard_end"`       // Unix ms; while it stands still: ms left
}

// place is the state within one node.
type place struct {
	Phase    int    `json:"phase,omitempty"`
	Speaking uint64 `json:"speaking,omitempty"` // id of the prompt being spoken
	Music    bool   `json:"music,omitempty"`
	Timer    uint64 `json:"timer,omitempty"`
	Attempts int    `json:"attempts,omitempty"`
	Heard    bool   `json:"heard,omitempty"`
	Digits   string `json:"digits,omitempty"` // of an entry that isn't complete
	Since    int64  `json:"since,omitempty"`  // Unix ms of its first key
	Queued   bool   `json:"queued,omitempty"`
}

// Start puts a caller at the start of a flow.
func Start(f *Flow, c Caller, now time.Time) (*Session, []Action) {
	s := &Session{flow: f, st: state{
		Caller: c, Language: f.languages[0], Vars: f.vars.start(c), Visits: map[string]int{},
	}}
	return s, s.step(now, func() {
		s.st.GuardEnd = f.limits.maxDuration.Milliseconds()
		s.resumeGuard()
		s.goTo("", f.start)
	})
}

// Language is the one that prompts are spoken in.
func (s *Session) Language() string { return s.st.Language }

// Handle takes one input and returns what to do next. An input that does not
// belong to the current node (a key pressed too late, an old timer) is
// ignored; after the end everything is.
func (s *Session) Handle(in Input, now time.Time) []Action {
	if s.st.Ended {
		return nil
	}
	return s.step(now, func() { s.dispatch(in) })
}

func (s *Session) dispatch(in Input) {
	switch in := in.(type) {
	case HungUp:
		s.finish()
		return
	case TimerFired:
		if in.ID == s.st.Guard {
			s.st.Guard = 0
			s.exceed()
			return
		}
	case Key, PromptDone, QueueLeft, AgentConnected, AgentDone:
	}
	s.flow.nodes[s.st.At].node.handle(s, in)
}

// step runs f and then walks until a node waits or the call ends. The limits
// of the flow bound the walk.
func (s *Session) step(now time.Time, f func()) []Action {
	s.now, s.out, s.next, s.key, s.outcome = now, nil, "", "", ""
	f()
	for s.next != "" && !s.st.Ended {
		to := s.next
		s.next = ""
		s.follow(to)
	}
	out := s.out
	s.out = nil
	return out
}

// goTo goes on at a target as soon as the node has returned. The outcome says
// why, in as few words as there are ways out.
func (s *Session) goTo(outcome, to string) { s.outcome, s.next = outcome, to }

func (s *Session) follow(to string) {
	switch to {
	case targetHangup:
		s.disconnect(CauseNormal)
	case targetRepeat:
		s.repeat()
	case targetBack:
		s.back()
	default:
		s.enter(to)
	}
}

// repeater is a node that can be heard again.
type repeater interface{ again(s *Session) }

func (s *Session) repeat() {
	s.st.Steps++
	if s.st.Steps > s.flow.limits.maxSteps {
		s.exceed()
		return
	}
	s.key = ""
	if r, ok := s.flow.nodes[s.st.At].node.(repeater); ok {
		r.again(s)
	}
}

// back goes to the menu before this one; from the first it repeats.
func (s *Session) back() {
	h := s.st.History
	if len(h) > 0 && h[len(h)-1] == s.st.At {
		h = h[:len(h)-1]
	}
	if len(h) == 0 {
		s.repeat()
		return
	}
	s.enter(h[len(h)-1])
}

// enter begins a node. Every entry is a checkpoint.
func (s *Session) enter(id string) {
	n := s.flow.nodes[id]
	s.leave()
	s.st.Steps++
	s.st.Visits[id]++
	most := s.flow.limits.maxVisits
	if n.maxVisits > 0 {
		most = n.maxVisits
	}
	if s.st.Steps > s.flow.limits.maxSteps || s.st.Visits[id] > most {
		s.exceed()
		return
	}
	note := Note{Step: id, Milestone: n.milestone, Key: s.key, Language: s.st.Language, Outcome: s.outcome}
	if s.st.At != "" {
		note.Took = time.Duration(s.now.UnixMilli()-s.st.Came) * time.Millisecond
	}
	s.st.At, s.st.Place, s.st.Came = id, place{}, s.now.UnixMilli()
	if n.milestone != "" {
		s.reached(n.milestone)
	}
	s.act(note)
	s.key, s.outcome = "", ""
	if s.assign(n.set) {
		n.node.enter(s)
	}
}

func (s *Session) reached(milestone string) {
	if n := len(s.st.Path); n > maxPath || (n > 0 && s.st.Path[n-1] == milestone) {
		return
	}
	s.st.Path = append(s.st.Path, milestone)
}

// leave ends what the current node started.
func (s *Session) leave() {
	s.stopSpeaking()
	if s.st.Place.Queued { // a fault while waiting
		s.st.Place.Queued = false
		s.act(Unqueue{Cause: CauseFault})
	}
	s.cancelTimer(&s.st.Place.Timer)
	s.resumeGuard()
}

// Outcomes that every node can have.
const (
	outcomeNext     = "next"
	outcomeKey      = "key"      // the caller chose
	outcomeExceeded = "exceeded" // a limit, or an internal fault
)

// exceed handles limits and internal faults: once the flow says where the
// caller goes, then the call ends.
func (s *Session) exceed() {
	if s.st.Exceeded {
		s.disconnect(CauseFault)
		return
	}
	s.st.Exceeded = true
	s.st.Steps, s.st.Visits, s.st.Typed = 0, map[string]int{}, ""
	s.pauseGuard()
	s.st.GuardEnd = s.flow.limits.maxDuration.Milliseconds()
	s.resumeGuard()
	s.goTo(outcomeExceeded, s.flow.limits.onExceeded)
}

// assign sets variables; false if an expression failed.
func (s *Session) assign(list []assignment) bool {
	for _, a := range list {
		v, err := a.value.eval(s.environment())
		if err != nil {
			s.exceed()
			return false
		}
		s.st.Vars[a.name] = v
	}
	return true
}

// environment is what expressions see.
func (s *Session) environment() map[string]any {
	env := map[string]any{
		"call": map[string]any{
			"ani": s.st.Caller.ANI, "dnis": s.st.Caller.DNIS, "id": s.st.Caller.Call,
			"language": s.st.Language, "path": strings.Join(s.st.Path, " > "),
		},
		"cust": s.st.Caller.fields(),
	}
	maps.Copy(env, s.st.Vars) // a declared cust replaces the caller's profile
	return env
}
