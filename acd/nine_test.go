package acd

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tierline/routing"
)

// property is one of the nine of design/acd.md. The ninth, that the matcher
// equals a naive one, is routing/rank's.
type property int

const (
	boundedOvertaking property = iota + 1
	stepsOnlyWiden
	noIdleAgent
	noInversion
	oneOfferEach
	sameLogSameState
	endsOfDeadline
	conservation
)

// minds reports whether a property is to be looked for.
func (w *world) minds(p property) bool { return w.only == 0 || w.only == p }

// look checks a state that an entry has led to.
func (w *world) look(t *rapid.T, e Entry, r Result) {
	if w.minds(oneOfferEach) {
		w.oneEach(t)
	}
	if w.minds(conservation) {
		w.conserved(t)
	}
	if w.only == 0 {
		w.places(t)
	}
	if w.minds(stepsOnlyWiden) {
		w.widens(t, e)
	}
	w.follow(t, e, r)
}

// reach is who came into question for a call's present wait.
type reach struct {
	wait   uint64 // index of its key
	agents map[string]bool
}

// widens holds each waiting call's agents against those it had before. New
// documents change what agents can do, so they begin anew.
func (w *world) widens(t *rapid.T, e Entry) {
	if _, ok := e.Event.(ConfigPublished); ok || w.reach == nil {
		w.reach = map[string]reach{}
	}
	for id, c := range w.s.calls {
		if !c.inQueue() { // a call-back that dozes begins a new wait, by new rules
			delete(w.reach, id)
		}
		if c.phase != PhaseWaiting {
			continue
		}
		now := reach{wait: c.place.Key.Index, agents: map[string]bool{}}
		for _, a := range w.s.agents {
			if w.s.board.Able(&a.seat, &c.place) && (c.keptUntil == 0 || c.preferred == a.id) {
				now.agents[a.id] = true
			}
		}
		if was := w.reach[id]; was.wait == now.wait {
			for a := range was.agents {
				if w.s.agents[a] != nil && !now.agents[a] {
					t.Fatalf("%s could go to %s, and can't any more: %+v", id, a, c.chances)
				}
			}
		}
		w.reach[id] = now
	}
}

// follow lets another node apply the same entry. Now and then it begins anew
// from a snapshot.
func (w *world) follow(t *rapid.T, e Entry, r Result) {
	if w.only != sameLogSameState {
		return
	}
	if w.replica == nil || rapid.IntRange(0, 20).Draw(t, "the other node restarts") == 0 {
		w.replica = NewState()
		if len(w.log) > 1 {
			w.replica = w.saved
		}
	}
	got, _ := Apply(w.replica, e)
	if diff := cmp.Diff(r, got); diff != "" {
		t.Fatalf("%T comes to something else there:\n%s", e.Event, diff)
	}
	if w.replica.Hash() != w.s.Hash() {
		t.Fatalf("%T leads to another state there", e.Event)
	}
	w.saved = reload(t, w.s)
}

// act runs a world with a property in mind.
func act(t *testing.T, p property) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		w.only = p
		if err := w.put(t, ConfigPublished{Hash: "h", Config: drawConfig(t)}); err != nil {
			t.Fatal(err)
		}
		actions := w.actions()
		actions[""] = func(t *rapid.T) {
			if rapid.IntRange(0, 3).Draw(t, "leader asleep") > 0 {
				w.settle(t)
			}
		}
		t.Repeat(actions)
		w.settle(t)
		if p == 0 {
			w.nobodyStuck(t)
			w.replayed(t)
		}
	})
}

// replayed applies the whole log once more.
func (w *world) replayed(t *rapid.T) {
	replay := NewState()
	for i, e := range w.log {
		r, _ := Apply(replay, e)
		if diff := cmp.Diff(w.told[i], r); diff != "" {
			t.Fatalf("entry %d gives something else on replay:\n%s", i, diff)
		}
	}
	if replay.Hash() != w.s.Hash() {
		t.Fatal("replay of the log gives another state")
	}
}

// TestProperties lets the outside world do its worst and holds: no
// contradiction after any entry; what is refused changes nothing; all the
// properties below; nobody stuck; facts that make a story; a replay of the log
// gives the same state, facts and effects.
func TestProperties(t *testing.T) { act(t, 0) }

// Each property of design/acd.md by itself, in its order: random commands,
// results that come late, twice or not at all, clocks that go back, new
// documents, restarts of nodes and of the leader.

// TestProperty1BoundedOvertaking: who overtakes another of the same band came
// later by no more than the difference of head starts and credits.
func TestProperty1BoundedOvertaking(t *testing.T) { act(t, boundedOvertaking) }

// TestProperty2StepsOnlyWiden: who may be offered a call goes on being so while
// it waits.
func TestProperty2StepsOnlyWiden(t *testing.T) { act(t, stepsOnlyWiden) }

// TestProperty3NoIdleAgent: after a match no ready agent is eligible for a
// waiting call, unless he is kept for higher tiers.
func TestProperty3NoIdleAgent(t *testing.T) { act(t, noIdleAgent) }

// TestProperty4NoInversion: no call is offered to an agent while one with a
// smaller key is eligible for him.
func TestProperty4NoInversion(t *testing.T) { act(t, noInversion) }

// TestProperty5OneOfferEach: an agent has one offer or conversation, a call one
// offer, whose agents are a ring group, or one conversation.
func TestProperty5OneOfferEach(t *testing.T) { act(t, oneOfferEach) }

// TestProperty6SameLogSameState: another node that applies the same entries,
// from the beginning or from a snapshot, is in the same state, byte by byte.
func TestProperty6SameLogSameState(t *testing.T) { act(t, sameLogSameState) }

// TestProperty8Conservation: offered = answered + abandoned + left + waiting.
func TestProperty8Conservation(t *testing.T) { act(t, conservation) }

// TestProperty7EndsOfDeadline: with equal head starts deadline is first come,
// first served; with huge ones it is strict. Two centres with the same log make
// the same offers.
func TestProperty7EndsOfDeadline(t *testing.T) {
	const huge = 1 << 40
	for _, ends := range []struct {
		name  string
		start [routing.TierCount]int64
		same  Policy
	}{
		{"equal", [routing.TierCount]int64{5000, 5000, 5000, 5000}, PolicyFIFO},
		{"huge", [routing.TierCount]int64{0, huge, 2 * huge, 3 * huge}, PolicyStrict},
	} {
		t.Run(ends.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				config := drawConfig(t)
				for i := range config.Queues {
					config.Queues[i].HeadStart = nil
				}
				config.Policy, config.HeadStart = PolicyDeadline, ends.start
				one, other := newWorld(), newWorld()
				if err := one.put(t, ConfigPublished{Config: config}); err != nil {
					t.Fatal(err)
				}
				config.Policy = ends.same
				if err := other.put(t, ConfigPublished{Config: config}); err != nil {
					t.Fatal(err)
				}
				one.only, other.only = endsOfDeadline, endsOfDeadline
				actions := one.actions()
				delete(actions, "publish")
				delete(actions, "reload")
				actions[""] = func(t *rapid.T) { one.same(t, other) }
				t.Repeat(actions)
			})
		})
	}
}

// same lets another centre catch up with the log, and compares what both would
// offer next.
func (w *world) same(t *rapid.T, other *world) {
	for range 200 {
		for _, e := range w.log[len(other.log):] {
			other.log = append(other.log, e)
			_, _ = Apply(other.s, e)
		}
		var got [2][]string
		for i, s := range []*State{w.s, other.s} {
			for _, ev := range Decide(s, w.now) {
				if o, ok := ev.(CallOffered); ok {
					got[i] = append(got[i], fmt.Sprint(o.Call, o.Agent, o.More))
				}
			}
		}
		if diff := cmp.Diff(got[1], got[0]); diff != "" {
			t.Fatalf("they differ (-%s +deadline):\n%s", other.s.board.Order().Policy, diff)
		}
		evs := Decide(w.s, w.now)
		if len(evs) == 0 {
			return
		}
		for _, ev := range evs {
			if err := w.put(t, ev); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Fatal("the leader never stops deciding")
}
