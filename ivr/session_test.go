package ivr

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func mustLoad(t *testing.T, path string) *Flow {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, problems := Load(path, src, Environment{})
	if f == nil {
		t.Fatal(problems)
	}
	return f
}

// world is what a call does with the actions of a session, as a model.
type world struct {
	timers   map[uint64]time.Duration
	speaking uint64
	queued   bool
	talking  bool
	music    bool
	ended    bool
}

func (w *world) do(t *rapid.T, actions []Action) {
	for _, a := range actions {
		if w.ended {
			t.Fatalf("%T after the end", a)
		}
		switch a := a.(type) {
		case Speak:
			if len(a.Prompts) == 0 {
				t.Fatal("speaks nothing")
			}
			w.speaking, w.music = a.ID, false
		case StopSpeaking:
			w.speaking, w.music = 0, false
		case PlayMusic:
			w.speaking, w.music = 0, true
		case SetTimer:
			if _, twice := w.timers[a.ID]; twice || a.After < 0 {
				t.Fatalf("timer %d set twice or for %v", a.ID, a.After)
			}
			w.timers[a.ID] = a.After
		case CancelTimer:
			if _, ok := w.timers[a.ID]; !ok {
				t.Fatalf("cancels timer %d, which doesn't run", a.ID)
			}
			delete(w.timers, a.ID)
		case Enqueue:
			if w.queued || w.talking {
				t.Fatal("queued twice")
			}
			w.queued = true
		case Unqueue:
			if !w.queued {
				t.Fatal("unqueued without being queued")
			}
			w.queued = false
		case Note:
		case Disconnect:
			w.ended = true
		}
	}
}

// waits tells whether something is bound to happen.
func (w *world) waits() bool {
	guard := 1 // max_duration alone is no reason to be silent
	if w.queued || w.talking {
		return true
	}
	return w.ended || w.speaking != 0 || len(w.timers) > guard
}

// next draws an input that the world could report, or one that it couldn't.
func (w *world) next(t *rapid.T) Input {
	var possible []Input
	for _, k := range "0123456789*#A" {
		possible = append(possible, Key{k})
	}
	possible = append(possible, PromptDone{rapid.Uint64Range(0, 40).Draw(t, "stale prompt")},
		TimerFired{rapid.Uint64Range(1000, 2000).Draw(t, "no timer")})
	for i := 0; i < 12 && w.speaking != 0; i++ {
		possible = append(possible, PromptDone{w.speaking})
	}
	for id := range uint64(1000) { // in order: the draw must be repeatable
		if _, ok := w.timers[id]; ok {
			possible = append(possible, TimerFired{id}, TimerFired{id}, TimerFired{id})
		}
	}
	if w.queued {
		possible = append(possible, AgentConnected{}, QueueLeft{LeftTimeout}, QueueLeft{LeftFull}, QueueLeft{"news"})
	}
	if w.talking {
		possible = append(possible, AgentDone{}, AgentDone{})
	}
	in := rapid.SampledFrom(possible).Draw(t, "input")
	w.happen(in)
	return in
}

func (w *world) happen(in Input) {
	switch in := in.(type) {
	case PromptDone:
		if in.ID == w.speaking {
			w.speaking = 0
		}
	case TimerFired:
		delete(w.timers, in.ID)
	case AgentConnected:
		w.queued, w.talking = false, true
	case AgentDone:
		w.talking = false
	case QueueLeft:
		w.queued = false
	case HungUp:
		w.ended = true
	case Key:
	}
}

// TestRandomCalls: whatever happens, in whatever order, the session never
// panics, never leaves a caller in silence, sets and cancels its timers
// rightly, and a session that another node takes over behaves like the
// original.
func TestRandomCalls(t *testing.T) {
	flows := []*Flow{
		mustLoad(t, "../testdata/ivr/keys.yaml"),
		mustLoad(t, "../testdata/demo/flows/svc10000.yaml"),
		mustLoad(t, "../testdata/demo/flows/svc10001.yaml"),
		mustLoad(t, "../testdata/bench/flows/bench.yaml"),
	}
	rapid.Check(t, func(rt *rapid.T) {
		f := rapid.SampledFrom(flows).Draw(rt, "flow")
		now := time.Unix(1_700_000_000, 0)
		c := Caller{Call: "c", ANI: "1", Customer: Customer{
			Tier:     rapid.SampledFrom([]string{"", "standard", "gold", "diamond"}).Draw(rt, "tier"),
			Language: rapid.SampledFrom([]string{"", "zh", "en"}).Draw(rt, "language"),
		}}
		w := &world{timers: map[uint64]time.Duration{}}
		s, actions := Start(f, c, now)
		w.do(rt, actions)
		for range rapid.IntRange(0, 60).Draw(rt, "steps") {
			twin, err := Resume(f, s.Encode())
			if err != nil {
				rt.Fatal(err)
			}
			if !w.waits() {
				rt.Fatalf("dead air at node %s", s.st.At)
			}
			in := w.next(rt)
			now = now.Add(rapid.SampledFrom([]time.Duration{0, 300 * time.Millisecond, 5 * time.Second}).Draw(rt, "later"))
			actions = s.Handle(in, now)
			w.do(rt, actions)
			if diff := cmp.Diff(actions, twin.Handle(in, now)); diff != "" {
				rt.Fatalf("the resumed session behaves differently:\n%s", diff)
			}
			if !bytes.Equal(s.Encode(), twin.Encode()) {
				rt.Fatalf("the resumed session is different:\n%s\n%s", s.Encode(), twin.Encode())
			}
		}
		s.Handle(HungUp{}, now)
		if got := s.Handle(Key{'1'}, now); got != nil {
			rt.Fatalf("acts after the end: %v", got)
		}
	})
}

// TestSilenceEnds: a caller who does nothing at all gets out of every menu.
func TestSilenceEnds(t *testing.T) {
	for _, path := range []string{"../testdata/ivr/keys.yaml", "../testdata/demo/flows/svc10000.yaml"} {
		f := mustLoad(t, path)
		now := time.Unix(0, 0)
		s, actions := Start(f, Caller{}, now)
		for range 100 {
			var in Input
			for _, a := range actions {
				switch a := a.(type) {
				case Speak:
					in = PromptDone{a.ID}
				case SetTimer:
					if a.ID != s.st.Guard {
						in = TimerFired{a.ID}
					}
				case Enqueue:
					return
				case StopSpeaking, CancelTimer, Unqueue, PlayMusic, Note, Disconnect:
				}
			}
			if in == nil {
				break
			}
			actions = s.Handle(in, now)
		}
		t.Errorf("%s: nobody came", path)
	}
}

func TestSecretsStayHere(t *testing.T) {
	src := strings.Replace(soundFlow, `vars: {intent: '"fault"'}`, `vars: {pin: '"4711"', intent: '"fault"'}`, 1)
	f, problems := Load("f.yaml", []byte(src), soundEnvironment())
	if f == nil {
		t.Fatal(problems)
	}
	now := time.Unix(0, 0)
	s, _ := Start(f, Caller{}, now)
	actions := s.Handle(Key{'3'}, now)
	if s.st.Vars["pin"] != "4711" {
		t.Fatal("the test doesn't set the secret")
	}
	if b := s.Encode(); bytes.Contains(b, []byte("4711")) {
		t.Errorf("the encoded session has the secret: %s", b)
	}
	if strings.Contains(cmp.Diff(nil, actions), "4711") {
		t.Error("an action has the secret")
	}
	if s.st.Vars["pin"] != "4711" {
		t.Error("encoding took the secret away")
	}
}

// TestDeclaredCustomer: a flow that declares cust, as later releases fill it,
// begins with what is known of the caller, and all its fields have a type.
func TestDeclaredCustomer(t *testing.T) {
	src := strings.Replace(soundFlow, "vars:\n",
		"vars:\n  cust: {type: object, fields: {tier: string, arrears: money, locked: bool}}\n", 1)
	src = strings.Replace(src, "tries > 3", "cust.arrears > 0 || cust.locked", 1)
	f, problems := Load("f.yaml", []byte(src), soundEnvironment())
	if f == nil {
		t.Fatal(problems)
	}
	s, _ := Start(f, Caller{Customer: Customer{Tier: "diamond"}}, time.Unix(0, 0))
	if s.st.At != "line" {
		t.Errorf("a diamond customer is at %s", s.st.At)
	}
	twin, err := Resume(f, s.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.st.Vars, twin.st.Vars); diff != "" {
		t.Error(diff)
	}
}

func TestResumeRefuses(t *testing.T) {
	f := mustLoad(t, "../testdata/ivr/keys.yaml")
	s, _ := Start(f, Caller{}, time.Unix(0, 0))
	good := s.Encode()
	other, problems := Load("f.yaml", []byte(soundFlow), soundEnvironment())
	if other == nil {
		t.Fatal(problems)
	}
	for name, tc := range map[string]struct {
		flow *Flow
		data []byte
		want error
	}{
		"empty":         {f, nil, ErrVersion},
		"newer version": {f, append([]byte{9}, good[1:]...), ErrVersion},
		"another flow":  {other, good, ErrFlow},
		"unknown node":  {f, bytes.Replace(good, []byte(`"at":"main"`), []byte(`"at":"nain"`), 1), ErrFlow},
	} {
		if _, err := Resume(tc.flow, tc.data); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := Resume(f, good[:len(good)-3]); err == nil {
		t.Error("half a session was resumed")
	}
}

func BenchmarkHandle(b *testing.B) {
	src, err := os.ReadFile("../testdata/demo/flows/svc10001.yaml")
	if err != nil {
		b.Fatal(err)
	}
	f, problems := Load("f", src, Environment{})
	if f == nil {
		b.Fatal(problems)
	}
	now := time.Unix(0, 0)
	b.ReportAllocs()
	for b.Loop() {
		s, _ := Start(f, Caller{}, now)
		for _, k := range "150" {
			s.Handle(Key{k}, now)
		}
		s.Encode()
	}
}
