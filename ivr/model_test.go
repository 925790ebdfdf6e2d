package ivr

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// failer is a test, or one of rapid's.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
	Fatal(args ...any)
}

// loadAll reads flows that can call each other; the first is the one to run.
func loadAll(t failer, paths ...string) *Flow {
	t.Helper()
	flows := map[string]*Flow{}
	var first *Flow
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f := loadText(t, path, string(src), Environment{Flows: func(name string) *Flow { return flows[name] }})
		flows[f.Name()] = f
		if first == nil {
			first = f
		}
	}
	for _, p := range CheckCalls(flows, func(name string) string { return name }) {
		if !strings.Contains(p.Text, "in a circle") { // refused, but calls are bounded all the same
			t.Fatal(p)
		}
	}
	return first
}

func loadText(t failer, name, src string, env Environment) *Flow {
	t.Helper()
	f, problems := Load(name, []byte(src), env)
	if f == nil {
		t.Fatal(problems)
	}
	return f
}

// world is what a call does with the actions of a session, as a model. It
// fails the test when the session breaks its side of the contract.
type world struct {
	t         failer
	now       time.Time
	timers    map[uint64]time.Time
	speaking  uint64
	music     bool
	queued    bool
	talking   bool
	far       bool // a transfer is bridged
	ended     bool
	hungUp    bool
	recording uint64
	pending   map[uint64]Action // questions without an answer
	tries     int               // allowed and not settled
	silent    time.Time         // since when nothing is heard
	notes     []Note
	log       []Action
}

func newWorld(t failer, now time.Time) *world {
	return &world{t: t, now: now, timers: map[uint64]time.Time{}, pending: map[uint64]Action{}, silent: now}
}

func (w *world) do(actions []Action) {
	w.t.Helper()
	for _, a := range actions {
		if w.ended {
			w.t.Fatalf("%T after the end", a)
		}
		w.log = append(w.log, a)
		w.act(a)
	}
}

func (w *world) act(a Action) {
	w.t.Helper()
	switch a := a.(type) {
	case Speak:
		if len(a.Prompts) == 0 {
			w.t.Fatal("speaks nothing")
		}
		w.speaking, w.music = a.ID, false
	case StopSpeaking:
		w.hush()
	case PlayMusic:
		w.speaking, w.music = 0, true
	case SetTimer:
		if _, twice := w.timers[a.ID]; twice || a.After < 0 {
			w.t.Fatalf("timer %d set twice or for %v", a.ID, a.After)
		}
		w.timers[a.ID] = w.now.Add(a.After)
	case CancelTimer:
		if _, ok := w.timers[a.ID]; !ok {
			w.t.Fatalf("cancels timer %d, which doesn't run", a.ID)
		}
		delete(w.timers, a.ID)
	case Enqueue:
		if w.queued || w.talking {
			w.t.Fatal("queued twice")
		}
		w.queued = true
	case Unqueue:
		if !w.queued {
			w.t.Fatal("unqueued without being queued")
		}
		w.queued = false
	case CancelLookup:
		if _, ok := w.pending[a.ID].(Lookup); !ok {
			w.t.Fatalf("cancels lookup %d, which nobody made", a.ID)
		}
		delete(w.pending, a.ID)
	case AuthResult:
		w.tries--
		if w.tries < 0 {
			w.t.Fatal("a try ends that wasn't allowed")
		}
	case StopRecording:
		if a.ID != w.recording {
			w.t.Fatalf("stops recording %d, which doesn't run", a.ID)
		}
	case Disconnect:
		w.ended = true
	case Note:
		w.notes = append(w.notes, a)
	case Lookup:
		w.pends(a.ID, a)
	case Notify:
		w.pends(a.ID, a)
	case TryAuth:
		w.pends(a.ID, a)
	case AskPlace:
		w.pends(a.ID, a)
	case RequestCallback:
		w.pends(a.ID, a)
	case Transfer:
		w.pends(a.ID, a)
	case Record:
		w.hush()
		w.recording = a.ID
	case Trouble:
		if strings.Contains(a.Text, "stayed on another node") {
			w.notes = append(w.notes, Note{Step: "lost"})
		}
	case KeepRecording, DropRecording, Answer:
	}
}

func (w *world) pends(id uint64, a Action) {
	if _, twice := w.pending[id]; twice || id == 0 {
		w.t.Fatalf("question %d asked twice", id)
	}
	w.pending[id] = a
}

func (w *world) hush() {
	if w.speaking != 0 || w.music {
		w.silent = w.now
	}
	w.speaking, w.music = 0, false
}

// sounds tells whether there is something to hear, or a reason for silence
// that the caller knows: it is his turn, or he talks to somebody.
func (w *world) sounds(s *Session) bool {
	turn := false
	if a, ok := s.node().(asker); ok && s.st.Place.Stage == stageWaiting && s.st.Place.Pending == 0 {
		turn = a.asks(s) != nil
	}
	if n, ok := s.node().(*transfer); ok && n.rings && s.st.Place.Phase == transferRinging {
		turn = true // the ringing is to be heard
	}
	return w.ended || w.speaking != 0 || w.music || w.recording != 0 || w.talking || w.far || turn
}

// check is the promise to callers: something is bound to happen, and nobody
// hears nothing for more than 800 ms without a reason.
func (w *world) check(s *Session) {
	w.t.Helper()
	if w.hungUp {
		return
	}
	const guard = 1 // max_duration alone is no reason to wait
	bound := w.ended || w.speaking != 0 || w.recording != 0 || w.queued || w.talking || w.far ||
		len(w.pending) > 0 || len(w.timers) > guard
	if !bound {
		w.t.Fatalf("nothing will ever happen at node %s: %+v", s.st.At, s.st.Place)
	}
	if w.sounds(s) {
		w.silent = w.now
		return
	}
	if quiet := w.now.Sub(w.silent); quiet > patience {
		w.t.Fatalf("%v of silence at node %s: %+v", quiet, s.st.At, s.st.Place)
	}
	if due, ok := w.nextTimer(); !ok || due.Sub(w.silent) > patience {
		w.t.Fatalf("silence at node %s that nothing will end in time: %+v", s.st.At, s.st.Place)
	}
}

func (w *world) nextTimer() (due time.Time, ok bool) {
	for _, at := range w.timers {
		if !ok || at.Before(due) {
			due, ok = at, true
		}
	}
	return due, ok
}

// passable is how long time may pass until a timer must fire.
func (w *world) passable(want time.Duration) time.Duration {
	if due, ok := w.nextTimer(); ok {
		return max(0, min(want, due.Sub(w.now)))
	}
	return want
}

// due returns the timers that must fire now, in their order.
func (w *world) due() []uint64 {
	var out []uint64
	for id, at := range w.timers {
		if !at.After(w.now) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// happen is what an input means for the world.
func (w *world) happen(in Input) {
	switch in := in.(type) {
	case PromptDone:
		if in.ID == w.speaking {
			w.hush()
		}
	case TimerFired:
		delete(w.timers, in.ID)
	case AgentConnected:
		w.queued, w.talking = false, true
	case AgentDone:
		w.talking, w.silent = false, w.now
	case QueueLeft:
		w.queued = false
	case LookedUp:
		delete(w.pending, in.ID)
	case Notified:
		delete(w.pending, in.ID)
	case Attempt:
		if _, ok := w.pending[in.ID]; ok && in.Result == AttemptAllowed {
			w.tries++
		}
		delete(w.pending, in.ID)
	case PlaceKnown:
		delete(w.pending, in.ID)
	case CallbackAnswer:
		if _, ok := w.pending[in.ID]; ok && in.OK {
			w.queued = false
		}
		delete(w.pending, in.ID)
	case Transferred:
		if t, ok := w.pending[in.ID].(Transfer); ok {
			w.far = in.Result == TransferAnswered && !t.Refer
		}
		delete(w.pending, in.ID)
	case TransferDone:
		w.far, w.silent = false, w.now
	case Recorded:
		if in.ID == w.recording {
			w.recording, w.silent = 0, w.now
		}
	case HungUp:
		w.hungUp = true
	case Key:
	}
}

// run is a session in its world.
type run struct {
	*world
	s *Session
}

func begin(t failer, f *Flow, c Caller, now time.Time) *run {
	r := &run{world: newWorld(t, now)}
	s, actions := Start(f, c, now)
	r.s = s
	r.do(actions)
	r.check(s)
	return r
}

// later lets time go by in which nothing happens.
func (r *run) later(d time.Duration) {
	r.now = r.now.Add(d)
	if r.sounds(r.s) {
		r.silent = r.now
	}
}

func (r *run) give(in Input) {
	r.t.Helper()
	r.happen(in)
	r.do(r.s.Handle(in, r.now))
	r.check(r.s)
}

func (r *run) press(keys string) {
	r.t.Helper()
	for _, k := range keys {
		r.give(Key{k})
	}
}

// hear lets prompts end until the caller has something to do, or d is over.
func (r *run) hear() {
	r.t.Helper()
	for i := 0; r.speaking != 0; i++ {
		if i > 50 {
			r.t.Fatal("speaks for ever")
		}
		r.give(PromptDone{r.speaking})
	}
}

// pass lets time go by; timers fire, prompts don't end.
func (r *run) pass(d time.Duration) {
	r.t.Helper()
	until := r.now.Add(d)
	for !r.ended {
		due, ok := r.nextTimer()
		if !ok || due.After(until) {
			break
		}
		r.later(due.Sub(r.now))
		for _, id := range r.due() {
			if _, still := r.timers[id]; still {
				r.give(TimerFired{id})
			}
		}
	}
	r.later(until.Sub(r.now))
}

// asked returns the question of a kind that waits for its answer.
func asked[A Action](r *run) A {
	r.t.Helper()
	var out A
	n := 0
	for _, a := range r.pending {
		if x, ok := a.(A); ok {
			out = x
			n++
		}
	}
	if n != 1 {
		r.t.Fatalf("%d questions of type %T at node %s", n, out, r.s.st.At)
	}
	return out
}

// take returns what the session did since.
func (r *run) take() []Action {
	out := r.log
	r.log = nil
	return out
}

// at fails unless the call is at a node.
func (r *run) at(node string) {
	r.t.Helper()
	if r.s.st.At != node {
		r.t.Fatalf("at node %s, not %s; %s", r.s.st.At, node, r.way())
	}
}

// way are the nodes so far with their outcomes.
func (r *run) way() string {
	out := ""
	for _, n := range r.notes {
		if n.Outcome != "" {
			out += fmt.Sprintf(" -%s-> ", n.Outcome)
		}
		out += n.Step
	}
	return out
}

// said are the prompts of a Speak.
func said(actions []Action) (out []string) {
	for _, a := range actions {
		sp, ok := a.(Speak)
		if !ok {
			continue
		}
		for _, p := range sp.Prompts {
			switch {
			case p.Reading != nil:
				out = append(out, p.Reading.Text)
			case p.Recording != "":
				out = append(out, "recording:"+p.Recording)
			case p.Text != "":
				out = append(out, "tts:"+p.Text)
			default:
				out = append(out, p.ID)
			}
		}
	}
	return out
}
