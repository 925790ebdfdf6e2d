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
	root *Flow // the call's
	flow *Flow // that runs: the call's, or one that it called
	st   state

	readPlain, readSecret uint64 // keys that questions have taken

	// ---- only while an input is handled ----
	now     time.Time
	out     []Action
	next    string // where to go next, empty: stay
	key     string // what was pressed to get there
	outcome string // how the node ended
}

// Start puts a caller at the start of a flow.
func Start(f *Flow, c Caller, now time.Time) (*Session, []Action) {
	s := &Session{root: f, flow: f, st: state{
		Caller: c, Language: f.languages[0],
		frame: frame{Flow: f.name, Vars: f.vars.start(c), Visits: map[string]int{}},
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
// belong to the current node (a key pressed too late, an old timer, an answer
// that nobody waits for any more) is ignored; after the end everything is.
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
		if in.ID == 0 {
			return // no timer has it
		}
		if in.ID == s.st.Guard {
			s.st.Guard = 0
			s.exceed("the call has been in menus for too long")
			return
		}
	case AgentConnected, QueueLeft:
		if s.elsewhere(in) {
			return
		}
	default:
	}
	s.node().handle(s, in)
}

func (s *Session) node() node { return s.flow.nodes[s.st.At].node }

// step runs f and then walks until a node waits or the call ends. The limits
// of the flow bound the walk.
func (s *Session) step(now time.Time, f func()) []Action {
	s.now, s.out, s.next, s.key, s.outcome = now, nil, "", "", ""
	if !s.quiet() {
		s.st.Quiet = now.UnixMilli()
	}
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
	if s.st.Steps > s.root.limits.maxSteps {
		s.exceed("too many steps")
		return
	}
	s.key = ""
	if r, ok := s.node().(repeater); ok {
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
	s.leaveQueue(id)
	s.st.Steps++
	s.st.Visits[id]++
	most := s.flow.limits.maxVisits
	if n.maxVisits > 0 {
		most = n.maxVisits
	}
	switch {
	case s.st.Steps > s.root.limits.maxSteps:
		s.exceed("too many steps")
		return
	case s.st.Visits[id] > most:
		s.exceed("too many visits of node " + id)
		return
	}
	s.arrive(n)
	if s.assign(n.set) {
		n.node.enter(s)
	}
}

// arrive makes a node the one where the call is.
func (s *Session) arrive(n *step) {
	note := Note{
		Step: s.stepName(n.id), Milestone: n.milestone, Key: s.key, Language: s.st.Language, Outcome: s.outcome,
	}
	if s.st.At != "" {
		note.Took = time.Duration(s.now.UnixMilli()-s.st.Came) * time.Millisecond
	}
	s.st.At, s.st.Place, s.st.Came = n.id, place{}, s.now.UnixMilli()
	s.st.Visit++
	if n.milestone != "" {
		s.reached(n.milestone)
	}
	s.act(note)
	s.key, s.outcome = "", ""
}

// stepName names a node; one of a flow that was called has the flow's name
// before it.
func (s *Session) stepName(id string) string {
	if len(s.st.Stack) == 0 {
		return id
	}
	return s.flow.name + "/" + id
}

func (s *Session) reached(milestone string) {
	if n := len(s.st.Path); n > maxPath || (n > 0 && s.st.Path[n-1] == milestone) {
		return
	}
	s.st.Path = append(s.st.Path, milestone)
}

// quitter is a node that ends what it began when the call leaves it in the
// middle.
type quitter interface{ quit(s *Session) }

// leave ends what the current node started.
func (s *Session) leave() {
	if n, ok := s.flow.nodes[s.st.At]; ok {
		if q, ok := n.node.(quitter); ok {
			q.quit(s)
		}
	}
	s.stopSpeaking()
	s.cancelTimer(&s.st.Place.Timer)
	s.resumeGuard()
}

// Outcomes that many nodes have.
const (
	outcomeNext      = "next"
	outcomeOK        = "ok"
	outcomeNotFound  = "not_found"
	outcomeError     = "error"
	outcomeKey       = "key" // the caller chose
	outcomeExhausted = "exhausted"
	outcomeExceeded  = "exceeded" // a limit, or an internal fault
)

// exceed handles limits and internal faults: once the flow says where the
// caller goes, then the call ends.
func (s *Session) exceed(why string) {
	s.trouble(why)
	if s.st.Exceeded {
		s.disconnect(CauseFault)
		return
	}
	s.st.Exceeded = true
	s.unwind()
	s.st.Steps, s.st.Visits, s.st.Typed = 0, map[string]int{}, ""
	s.pauseGuard()
	s.st.GuardEnd = s.root.limits.maxDuration.Milliseconds()
	s.resumeGuard()
	s.goTo(outcomeExceeded, s.root.limits.onExceeded)
}

// assign sets variables; false if an expression failed.
func (s *Session) assign(list []assignment) bool {
	for _, a := range list {
		v, err := a.value.eval(s.environment())
		if err != nil {
			s.exceed(err.Error())
			return false
		}
		s.put(a.name, v)
	}
	return true
}

// put gives a variable a value.
func (s *Session) put(name string, v any) {
	s.st.Vars[name] = v
	s.st.Lost = without(s.st.Lost, name)
}

// environment is what expressions see.
func (s *Session) environment() map[string]any {
	env := map[string]any{
		"call": map[string]any{
			"ani": s.st.Caller.ANI, "dnis": s.st.Caller.DNIS, "id": s.st.Caller.Call,
			"language": s.st.Language, "path": strings.Join(s.st.Path, " > "),
			"position": s.st.Line.Position, "wait": s.st.Line.Max,
		},
		"cust":  s.st.Caller.fields(),
		"auth":  map[string]any{"account": s.st.Auth.Account},
		"value": s.st.Place.Value,
	}
	maps.Copy(env, s.st.Vars) // a declared cust replaces the caller's profile
	return env
}
