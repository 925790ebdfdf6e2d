package ivr

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const (
	allFlow = "../testdata/ivr/all.yaml"
	subFlow = "../testdata/ivr/sub.yaml"
)

// next draws an input that the world could report, or one that it couldn't.
func (w *world) next(t *rapid.T) Input {
	var possible []Input
	for _, k := range "0123456789*#A" {
		possible = append(possible, Key{k}, Key{k})
	}
	late := rapid.Uint64Range(0, 40).Draw(t, "late")
	if _, now := w.pending[late]; !now && late != w.recording {
		possible = append(possible, LookedUp{ID: late, Status: LookupOK, Body: []byte("{}")}, Notified{ID: late, OK: true},
			PlaceKnown{ID: late, Position: 1}, CallbackAnswer{ID: late, OK: true}, Attempt{late, AttemptLocked},
			Recorded{ID: late, Ref: "old", Voice: true}, Transferred{ID: late, Result: TransferBusy})
	}
	if _, runs := w.timers[late]; !runs {
		possible = append(possible, TimerFired{late})
	}
	if late != w.speaking {
		possible = append(possible, PromptDone{late})
	}
	for i := 0; i < 40 && w.speaking != 0; i++ {
		possible = append(possible, PromptDone{w.speaking})
	}
	if w.queued {
		for range 3 {
			possible = append(possible, AgentConnected{}, QueueLeft{LeftTimeout}, QueueLeft{LeftFull}, QueueLeft{LeftLong},
				QueueLeft{"news"})
		}
	}
	for range 20 {
		if w.talking {
			possible = append(possible, AgentDone{}, Requeued{Queue: "q"})
		}
		if w.far {
			possible = append(possible, TransferDone{})
		}
		if w.recording != 0 {
			possible = append(possible, Recorded{ID: w.recording, Ref: "r", Voice: true, Length: time.Minute},
				Recorded{ID: w.recording}, Recorded{ID: w.recording, Voice: true})
		}
	}
	ids := make([]uint64, 0, len(w.pending))
	for id := range w.pending {
		ids = append(ids, id)
	}
	slices.Sort(ids) // the draw must be repeatable
	for _, id := range ids {
		possible = append(possible, answersTo(w.pending[id])...)
	}
	in := rapid.SampledFrom(possible).Draw(t, "input")
	return in
}

// answersTo are the answers that a question may get, each several times.
func answersTo(a Action) []Input {
	var out []Input
	switch a := a.(type) {
	case Lookup:
		for _, body := range []string{
			`{"id":"8812","tier":"gold","total":"123.45","month":"2026-10-01","count":3,"paid":true,"name":"Plan"}`,
			`"T-1"`, `{}`, `null`, ``, `[`, `{"total":1.5}`, `{"month":"tomorrow"}`, `{"count":"3"}`, `7`, strings.Repeat("[", 5000),
			`{"name":"` + strings.Repeat("x", 2000) + `"}`,
		} {
			out = append(out, LookedUp{ID: a.ID, Status: LookupOK, Body: []byte(body)})
		}
		out = append(out, LookedUp{ID: a.ID, Status: LookupNotFound}, LookedUp{ID: a.ID, Status: LookupRefused},
			LookedUp{ID: a.ID, Status: LookupError}, LookedUp{ID: a.ID})
	case Notify:
		out = []Input{Notified{a.ID, true}, Notified{a.ID, false}}
	case TryAuth:
		out = []Input{Attempt{a.ID, AttemptAllowed}, Attempt{a.ID, AttemptLocked}, Attempt{a.ID, AttemptUnknown}}
	case AskPlace:
		out = []Input{
			PlaceKnown{ID: a.ID},
			PlaceKnown{ID: a.ID, Position: 7},
			PlaceKnown{ID: a.ID, Position: 2, Wait: WaitRange{true, 5 * time.Minute, 8 * time.Minute}},
		}
	case RequestCallback:
		out = []Input{CallbackAnswer{ID: a.ID, OK: true}, CallbackAnswer{ID: a.ID, Reason: "exists"}, CallbackAnswer{ID: a.ID, Reason: "full"}}
	case Transfer:
		for _, r := range []TransferResult{TransferAnswered, TransferBusy, TransferNoAnswer, TransferFailed, "news"} {
			out = append(out, Transferred{ID: a.ID, Result: r})
		}
	default: // no question
	}
	return slices.Repeat(out, 1+20/max(1, len(out)))
}

func randomFlows(t *testing.T) []*Flow {
	t.Helper()
	return []*Flow{
		loadAll(t, allFlow, subFlow), loadAll(t, allFlow, subFlow), loadAll(t, allFlow, subFlow),
		loadAll(t, "../testdata/ivr/keys.yaml"),
		loadAll(t, "../testdata/demo/flows/svc10000.yaml"),
		loadAll(t, "../testdata/demo/flows/svc10001.yaml"),
		loadAll(t, "../testdata/bench/flows/bench.yaml"),
	}
}

func drawCaller(t *rapid.T) Caller {
	return Caller{Call: "c", ANI: rapid.SampledFrom([]string{"", "13800138000", "+8613800138000"}).Draw(t, "ani"), Customer: Customer{
		ID:       rapid.SampledFrom([]string{"", "8812"}).Draw(t, "customer"),
		Tier:     rapid.SampledFrom([]string{"", "standard", "gold", "diamond"}).Draw(t, "tier"),
		Language: rapid.SampledFrom([]string{"", "zh", "en"}).Draw(t, "language"),
	}}
}

// TestRandomCalls: whatever happens, in whatever order, the session never
// panics, never leaves a caller in silence, ends what it began, and a session
// that was encoded and read back behaves like the original.
func TestRandomCalls(t *testing.T) {
	flows := randomFlows(t)
	rapid.Check(t, func(rt *rapid.T) {
		r := begin(rt, flows[rapid.IntRange(0, len(flows)-1).Draw(rt, "flow")], drawCaller(rt), time.Unix(1_700_000_000, 0))
		for range rapid.IntRange(0, 80).Draw(rt, "steps") {
			if r.ended {
				break
			}
			r.later(r.passable(rapid.SampledFrom([]time.Duration{0, 300 * time.Millisecond, 5 * time.Second}).Draw(rt, "later")))
			var in Input
			if due := r.due(); len(due) > 0 {
				in = TimerFired{due[0]}
			} else {
				in = r.next(rt)
			}
			r.twins(rt, in)
		}
		r.finish(rt)
	})
}

// twins gives an input to the session and to its copy. Secrets aren't in the
// copy: where they matter only the original goes on.
func (r *run) twins(t *rapid.T, in Input) {
	code := r.s.Encode()
	twin, err := Resume(r.s.root, code)
	if err != nil {
		t.Fatal(err)
	}
	whole := r.s.st.Typed == twin.st.Typed && cmp.Equal(r.s.st.Place, twin.st.Place) && cmp.Equal(r.s.st.Vars, twin.st.Vars) &&
		!slices.ContainsFunc(r.s.st.Stack, func(f frame) bool { return f.Vars["pin"] != nil && f.Vars["pin"] != "" })
	r.take()
	r.give(in)
	got := twin.Handle(in, r.now)
	if !whole {
		return
	}
	if diff := cmp.Diff(r.take(), got, cmp.Comparer(sameFailure)); diff != "" {
		t.Fatalf("the resumed session behaves differently:\n%s", diff)
	}
	if !bytes.Equal(r.s.Encode(), twin.Encode()) {
		t.Fatalf("the resumed session is different:\n%s\n%s", r.s.Encode(), twin.Encode())
	}
}

func sameFailure(a, b Trouble) bool { return a.Step == b.Step }

// finish hangs up: what must end ends, and nothing happens any more.
func (r *run) finish(t *rapid.T) {
	if !r.ended {
		r.happen(HungUp{})
		r.do(r.s.Handle(HungUp{}, r.now))
		r.ended = true
		if len(r.timers) > 0 {
			t.Fatalf("%d timers run after the end", len(r.timers))
		}
		for _, a := range r.pending {
			if l, ok := a.(Lookup); ok && !l.Finish {
				t.Fatalf("lookup %d is still asked for", l.ID)
			}
		}
	}
	for _, in := range []Input{Key{'1'}, HungUp{}, LookedUp{ID: r.s.st.Last, Status: LookupOK}, TimerFired{1}, AgentConnected{}} {
		if got := r.s.Handle(in, r.now); got != nil {
			t.Fatalf("acts after the end: %v", got)
		}
	}
	if got := r.s.Restart(r.now); got != nil {
		t.Fatalf("restarts after the end: %v", got)
	}
}

// reacts is what a caller and the world do by themselves, decided by where the
// call is and not by when.
func (r *run) reacts(seed int) Input {
	pick := func(n int) int { return (seed*7919 + len(r.notes)*104729 + r.s.st.Visit*31) % n }
	for _, id := range sortedIDs(r.pending) {
		answers := answersTo(r.pending[id])
		return answers[pick(len(answers))]
	}
	switch {
	case r.recording != 0:
		return Recorded{ID: r.recording, Ref: "r", Voice: true, Length: time.Minute}
	case r.speaking != 0:
		return PromptDone{r.speaking}
	case r.talking:
		return AgentDone{}
	case r.far:
		return TransferDone{}
	case r.queued && r.s.st.Place.Phase == phaseMusic:
		return []Input{AgentConnected{}, QueueLeft{LeftTimeout}, Key{'1'}, Key{'2'}, QueueLeft{LeftFull}}[pick(5)]
	}
	return nil
}

func sortedIDs(m map[uint64]Action) []uint64 {
	out := make([]uint64, 0, len(m))
	for id := range m {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// journey is what a caller who presses what he is asked for goes through. At
// some steps the call moves to another node.
func journey(t *rapid.T, f *Flow, c Caller, seed int, moves func(step int) bool) string {
	r := begin(t, f, c, time.Unix(1_700_000_000, 0))
	for step := range 60 {
		if r.ended {
			break
		}
		if moves(step) {
			r.move()
		}
		in := r.reacts(seed)
		if in == nil { // his turn: a whole entry at once
			p := r.s.st.Place
			keys := []string{"1", "2", "3", "4", "5", "6", "7", "8", "123456", "1", "12345678", "1", "#", ""}
			entry := keys[(seed>>3+(seed%8+1)*len(r.notes)+p.Phase*5+p.Attempts*3+p.Index)%len(keys)]
			if entry == "" {
				r.pass(6 * time.Second)
				continue
			}
			for _, k := range entry {
				if !r.ended && r.s.st.Place.Stage == stageWaiting {
					r.give(Key{k})
				}
			}
			if !r.ended && r.s.st.Place.Digits != "" {
				r.pass(4 * time.Second)
			}
			continue
		}
		r.give(in)
	}
	var out strings.Builder
	for _, n := range r.notes {
		if n.Step == "lost" {
			return out.String() + "lost"
		}
		if n.Outcome == outcomeExists { // made twice because of a move, it is there
			n.Outcome = outcomeOK
		}
		fmt.Fprintf(&out, "%s>%s(%s) ", n.Outcome, n.Step, n.Key)
	}
	return out.String()
}

// move takes the call over to another node.
func (r *run) move() {
	s, err := Resume(r.s.root, r.s.Encode())
	if err != nil {
		r.t.Fatal(err)
	}
	talking, far, notes := r.talking, r.far, r.notes
	r.world = newWorld(r.t, r.now)
	r.talking, r.far, r.notes, r.s = talking, far, notes, s
	r.tries = 1 // allowed on the other node, if at all
	r.do(s.Restart(r.now))
	r.check(s)
}

// TestMoveAnywhere: a call that other nodes take over, at whatever moments,
// goes the way that it would have gone.
func TestMoveAnywhere(t *testing.T) {
	f := loadAll(t, allFlow, subFlow)
	rapid.Check(t, func(rt *rapid.T) {
		c, seed := drawCaller(rt), rapid.IntRange(0, 1<<16).Draw(rt, "seed")
		at := rapid.SliceOfN(rapid.Bool(), 60, 60).Draw(rt, "moves")
		want := journey(rt, f, c, seed, func(int) bool { return false })
		got := journey(rt, f, c, seed, func(i int) bool { return at[i] })
		// What is spoken again takes steps of the test; a secret that stayed behind
		// ends the comparison.
		got, _, _ = strings.Cut(got, "lost")
		if n := min(len(got), len(want)); got[:n] != want[:n] {
			rt.Fatalf("without moves: %s\nwith moves:    %s", want, got)
		}
	})
}
