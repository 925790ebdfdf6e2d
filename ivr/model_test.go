package ivr

import (
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
	case Requeued:
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
			w.far = in.Result == TransferAnswered && (!t.Refer || in.Bridged)
		}
		delete(w.pending, in.ID)
	case TransferStands: // another process's
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
