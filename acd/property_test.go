package acd

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tierline/routing"
	"tierline/routing/rank"
)

// fataler is what *testing.T and *rapid.T have in common here.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// reload sends a state through a snapshot.
func reload(t fataler, s *State) *State {
	t.Helper()
	var b bytes.Buffer
	if err := s.Encode(&b); err != nil {
		t.Fatal(err)
	}
	again, err := Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// timeless is the digest of a state without its clock: what a refused entry
// must not change.
func timeless(s *State) [32]byte {
	frozen := *s
	frozen.now, frozen.index = 0, 0
	return frozen.Hash()
}

// world drives a state with everything the outside can do to it, at wrong
// moments too, and keeps its own account of what it was told to do.
type world struct {
	s     *State
	now   int64
	log   []Entry
	told  []Result
	calls int

	offers  []uint64          // all that ever were: results may come late and twice
	ringing map[uint64]string // phones that ring, by the effects
	talking map[uint64]string // agents who are connected, by the effects
	node    map[uint64]string // where an offer's legs are

	story map[string]*tale // by call, from the facts
	count struct{ queued, connected, left int }
}

// tale is what the facts have said of one call.
type tale struct {
	queued           bool
	offered, talking uint64
	key              rank.Key // since it was queued; must stay
}

func newWorld() *world {
	return &world{
		s: NewState(), ringing: map[uint64]string{}, talking: map[uint64]string{}, node: map[uint64]string{},
		story: map[string]*tale{},
	}
}

func (w *world) put(t *rapid.T, ev Event) error {
	before := timeless(w.s)
	e := Entry{Index: uint64(len(w.log) + 1), At: w.now, Wall: 1_700_000_000_000 + w.now, Event: ev}
	if rapid.IntRange(0, 19).Draw(t, "clock behind") == 0 {
		e.At -= 500 // a new leader's clock
	}
	w.log = append(w.log, e)
	r, err := Apply(w.s, e)
	w.told = append(w.told, r)
	if fault := w.s.Check(); fault != nil {
		t.Fatalf("after %T%+v: %v", ev, ev, fault)
	}
	if err != nil {
		refused := (*RefusedError)(nil)
		if !errors.As(err, &refused) {
			t.Fatalf("%T: %v", ev, err)
		}
		if len(r.Facts) > 0 || len(r.Effects) > 0 || timeless(w.s) != before {
			t.Fatalf("%T is refused (%s) and changed something", ev, refused.Reason)
		}
		return err
	}
	w.report(ev)
	for _, effect := range r.Effects {
		w.obey(t, effect)
	}
	for _, f := range r.Facts {
		w.hear(t, f)
	}
	w.agree(t)
	return nil
}

// report notes what an accepted event says the outside has done by itself.
func (w *world) report(ev Event) {
	switch ev := ev.(type) {
	case OfferFailed:
		delete(w.ringing, ev.Offer)
	case AgentReleased:
		delete(w.talking, ev.Offer)
	case NodeRestarted:
		dead := func(id uint64, _ string) bool { return w.node[id] == ev.Node }
		maps.DeleteFunc(w.ringing, dead)
		maps.DeleteFunc(w.talking, dead)
	default:
	}
}

func (w *world) obey(t *rapid.T, e Effect) {
	switch e := e.(type) {
	case RingAgent:
		if len(e.Contacts) == 0 || e.For <= 0 {
			t.Fatalf("ring %+v", e)
		}
		w.ringing[e.Offer], w.node[e.Offer] = e.Agent, e.Node
		w.offers = append(w.offers, e.Offer)
	case StopRinging:
		if w.ringing[e.Offer] != e.Agent {
			t.Fatalf("%+v, but that doesn't ring", e)
		}
		delete(w.ringing, e.Offer)
	case ConnectAgent:
		if w.ringing[e.Offer] != e.Agent {
			t.Fatalf("%+v, but that doesn't ring", e)
		}
		delete(w.ringing, e.Offer)
		w.talking[e.Offer] = e.Agent
	case ReleaseAgent:
		if w.talking[e.Offer] != e.Agent {
			t.Fatalf("%+v, but that doesn't talk", e)
		}
		delete(w.talking, e.Offer)
	case LeaveQueue, GenerationChanged:
	}
}

// hear checks that the facts make a story by themselves.
func (w *world) hear(t *rapid.T, f Fact) {
	if f.Call == "" || f.Kind == FactAgentState {
		return
	}
	c := w.story[f.Call]
	if (c == nil) != (f.Kind == FactCallArrived) {
		t.Fatalf("%+v at the wrong moment", f)
	}
	if c == nil {
		w.story[f.Call] = &tale{}
		return
	}
	ok := true
	switch f.Kind {
	case FactCallQueued:
		ok = !c.queued && c.talking == 0
		c.queued, c.key = true, w.s.calls[f.Call].place.Key
		w.count.queued++
	case FactCallLeftQueue:
		if f.Cause == LeftFull.String() {
			ok = !c.queued
			break
		}
		ok = c.queued && c.offered == 0
		c.queued = false
		w.count.left++
	case FactCallOffered:
		ok = c.queued && c.offered == 0
		c.offered = f.Offer
	case FactCallRinging:
		ok = c.offered == f.Offer
	case FactOfferFailed:
		ok = c.offered == f.Offer
		c.offered = 0
	case FactCallConnected:
		ok = c.queued && c.offered == f.Offer
		c.queued, c.offered, c.talking = false, 0, f.Offer
		w.count.connected++
	case FactAgentReleased:
		ok = c.talking == f.Offer
		c.talking = 0
	case FactCallEnded:
		ok = !c.queued && c.offered+c.talking == 0
		delete(w.story, f.Call)
	case FactConfigPublished, FactAgentState, FactAgentNext, FactPhoneRegistered, FactPhoneUnregistered,
		FactCallArrived, FactCallStep, FactNodeRestarted:
	}
	if !ok {
		t.Fatalf("%+v at the wrong moment", f)
	}
}

// agree compares the world's account with the state: nobody rings or talks
// whom the state doesn't know of, nobody does so twice.
func (w *world) agree(t *rapid.T) {
	ringing, talking := map[uint64]string{}, map[uint64]string{}
	busy := map[string]bool{}
	for id, o := range w.s.offers {
		if busy[o.agent] {
			t.Fatalf("agent %s has two offers", o.agent)
		}
		busy[o.agent] = true
		if o.ringing() {
			ringing[id] = o.agent
		} else {
			talking[id] = o.agent
		}
	}
	if !maps.Equal(ringing, w.ringing) || !maps.Equal(talking, w.talking) {
		t.Fatalf("state: ringing %v talking %v, world: %v %v", ringing, talking, w.ringing, w.talking)
	}
	waiting := 0
	for id, c := range w.s.calls {
		told := w.story[id]
		if told == nil || told.queued != c.inQueue() || told.offered+told.talking != c.offer {
			t.Fatalf("call %s is %s, the story says %+v", id, c.phase, told)
		}
		if c.inQueue() {
			waiting++
			if c.place.Key != told.key {
				t.Fatalf("call %s had key %v, now %v", id, told.key, c.place.Key)
			}
		}
	}
	if w.count.queued != w.count.connected+w.count.left+waiting || len(w.story) != len(w.s.calls) {
		t.Fatalf("counts %+v with %d waiting", w.count, waiting)
	}
}

// settle is the leader at work. Before each batch it looks for inversions and
// afterwards for calls that wait though somebody could take them.
func (w *world) settle(t *rapid.T) {
	for range 200 {
		evs := Decide(w.s, w.now)
		if len(evs) == 0 {
			w.nobodyIdle(t)
			return
		}
		for _, ev := range evs {
			if o, ok := ev.(CallOffered); ok {
				w.noInversion(t, o)
			}
			if err := w.put(t, ev); err != nil {
				t.Fatalf("the leader's own %T: %v", ev, err)
			}
		}
	}
	t.Fatal("the leader never stops deciding")
}

func (w *world) noInversion(t *rapid.T, o CallOffered) {
	taken, a := w.s.calls[o.Call], w.s.agents[o.Agent]
	for _, c := range w.s.calls {
		if c == taken || c.phase != PhaseWaiting || !able(a, c) {
			continue
		}
		if c.place.Key.Compare(taken.place.Key) < 0 {
			t.Fatalf("%s goes before %s with a smaller key", taken.id, c.id)
		}
		// Bounded overtaking, in the words of the customer.
		ahead := taken.queuedAt - c.queuedAt
		if limit := headStart(taken.tier) - headStart(c.tier); ahead > 0 && ahead > limit {
			t.Fatalf("%s overtakes %s by %d ms, allowed are %d", taken.id, c.id, ahead, limit)
		}
	}
}

func (w *world) nobodyIdle(t *rapid.T) {
	for _, c := range w.s.calls {
		for _, a := range w.s.agents {
			if c.phase == PhaseWaiting && a.state == AgentReady && a.backOff == 0 && able(a, c) {
				t.Fatalf("%s waits while %s is ready", c.id, a.id)
			}
		}
	}
}

func able(a *agent, c *call) bool {
	_, ok := c.place.Requirement.Able(a.config.Skills)
	return ok
}

func headStart(tier routing.Tier) int64 {
	return [routing.TierCount]int64{0, 30_000, 60_000, 120_000}[tier]
}

// nobodyStuck gives every offer and wrap-up time to run out and expects
// everybody to be free, although nobody outside says a word.
func (w *world) nobodyStuck(t *rapid.T) {
	s := reload(t, w.s)
	for range 1000 {
		at, ok := s.NextDue()
		if !ok {
			break
		}
		if _, err := Apply(s, Entry{Index: s.index + 1, At: at, Event: TimePassed{}}); err != nil {
			t.Fatal(err)
		}
		if next, ok := s.NextDue(); ok && next <= at {
			t.Fatalf("after %d has passed something is due at %d", at, next)
		}
	}
	for _, a := range s.agents {
		if a.state == AgentReserved || a.state == AgentAlerting || a.state == AgentWrapUp || a.backOff != 0 {
			t.Fatalf("agent %s is %s for ever", a.id, a.state)
		}
	}
}

func drawConfig(t *rapid.T) Config {
	var c Config
	for tier := range routing.Tier(routing.TierCount) {
		c.HeadStart[tier] = headStart(tier)
	}
	for _, name := range []string{"human", "fault", "vip"} {
		if name != "human" && rapid.IntRange(0, 3).Draw(t, "no queue") == 0 {
			continue
		}
		c.Queues = append(c.Queues, QueueConfig{
			Name: name, RingTime: 15_000,
			Requirement:  rapid.SampledFrom([]string{"", "a>=3", "a>=1 or b>=2", "b>=1"}).Draw(t, "requirement"),
			WrapUp:       rapid.SampledFrom([]int64{0, 10_000}).Draw(t, "wrap-up"),
			MaxWait:      rapid.SampledFrom([]int64{0, 40_000}).Draw(t, "max wait"),
			MaxLength:    rapid.SampledFrom([]int{0, 3}).Draw(t, "max length"),
			ReofferAfter: rapid.SampledFrom([]int64{0, 30_000}).Draw(t, "reoffer"),
			Fit:          rapid.SampledFrom([]Fit{FitNone, FitMost, FitLeast}).Draw(t, "fit"),
		})
	}
	for _, id := range []string{"a1", "a2", "a3", "a4"} {
		if rapid.IntRange(0, 5).Draw(t, "no agent") == 0 {
			continue
		}
		a := AgentConfig{
			ID: id, MaxMisses: rapid.IntRange(0, 2).Draw(t, "misses"),
			BackOff:  rapid.SampledFrom([]int64{0, 5000}).Draw(t, "back-off"),
			Contact:  rapid.SampledFrom([]string{"", "sip:fixed"}).Draw(t, "contact"),
			SignedIn: rapid.Bool().Draw(t, "signed in"),
		}
		for _, skill := range []routing.Skill{"b", "a"} {
			if level := rapid.SampledFrom([]routing.Level{0, 1, 4}).Draw(t, "level"); level > 0 {
				a.Skills = append(a.Skills, routing.SkillLevel{Skill: skill, Level: level})
			}
		}
		c.Agents = append(c.Agents, a)
	}
	return c
}

// actions are all events of the outside, each also when it makes no sense.
func (w *world) actions() map[string]func(*rapid.T) {
	agent := rapid.SampledFrom([]string{"a1", "a2", "a3", "a4"})
	queue := rapid.SampledFrom([]string{"human", "human", "fault", "vip"})
	tier := rapid.SampledFrom([]routing.Tier{routing.Standard, routing.Silver, routing.Gold, routing.Diamond})
	node := rapid.SampledFrom([]string{"n1", "n2"})
	call := func(t *rapid.T) string {
		return fmt.Sprint("c", rapid.IntRange(max(0, w.calls-8), w.calls).Draw(t, "call"))
	}
	offer := func(t *rapid.T) uint64 {
		if len(w.offers) == 0 {
			return 0
		}
		recent := w.offers[max(0, len(w.offers)-4):]
		return rapid.SampledFrom(recent).Draw(t, "offer")
	}
	arrive := func(t *rapid.T) string {
		w.calls++
		id := fmt.Sprint("c", w.calls)
		_ = w.put(t, CallArrived{Call: id, Node: node.Draw(t, "node"), Customer: Customer{Tier: tier.Draw(t, "tier")}})
		return id
	}
	enqueue := func(t *rapid.T, id string) {
		_ = w.put(t, CallQueued{
			Call: id, Queue: queue.Draw(t, "queue"), Tier: tier.Draw(t, "tier"),
			Requirement: rapid.SampledFrom([]string{"", "", "b>=4", "a>"}).Draw(t, "own"),
			MaxWait:     rapid.SampledFrom([]int64{0, 0, 25_000}).Draw(t, "max wait"),
		})
	}
	return map[string]func(*rapid.T){
		"arrive":           func(t *rapid.T) { arrive(t) },
		"arrive and queue": func(t *rapid.T) { enqueue(t, arrive(t)) },
		"queue":            func(t *rapid.T) { enqueue(t, call(t)) },
		"step":             func(t *rapid.T) { _ = w.put(t, CallStepped{Call: call(t), Step: "menu", Menu: []byte{1}}) },
		"left": func(t *rapid.T) {
			_ = w.put(t, QueueLeft{Call: call(t), Cause: LeaveCause(rapid.IntRange(0, 5).Draw(t, "cause"))})
		},
		"end": func(t *rapid.T) {
			_ = w.put(t, CallEnded{Call: call(t), Cause: "normal", By: Side(rapid.IntRange(1, 3).Draw(t, "by"))})
		},
		"foreign offer": func(t *rapid.T) { _ = w.put(t, CallOffered{Call: call(t), Agent: agent.Draw(t, "agent")}) },
		"rang":          func(t *rapid.T) { _ = w.put(t, OfferRang{Offer: offer(t)}) },
		"answered":      func(t *rapid.T) { _ = w.put(t, OfferAnswered{Offer: offer(t), Leg: []byte("leg")}) },
		"failed": func(t *rapid.T) {
			_ = w.put(t, OfferFailed{Offer: offer(t), Outcome: Outcome(rapid.IntRange(0, 7).Draw(t, "outcome"))})
		},
		"released": func(t *rapid.T) { _ = w.put(t, AgentReleased{Offer: offer(t), By: SideAgent}) },
		"command": func(t *rapid.T) {
			_ = w.put(t, AgentCommanded{
				Agent: agent.Draw(t, "agent"), Command: AgentCommand(rapid.IntRange(0, 6).Draw(t, "command")),
				Reason: rapid.SampledFrom([]string{"lunch", "training"}).Draw(t, "reason"),
			})
		},
		"ready": func(t *rapid.T) {
			_ = w.put(t, AgentCommanded{Agent: agent.Draw(t, "agent"), Command: GoReady})
		},
		"register": func(t *rapid.T) {
			_ = w.put(t, PhoneRegistered{
				Agent: agent.Draw(t, "agent"), TTL: rapid.SampledFrom([]int64{20_000, 60_000}).Draw(t, "ttl"),
				Binding: Binding{
					Contact: rapid.SampledFrom([]string{"sip:p1", "sip:p2"}).Draw(t, "contact"),
					CallID:  rapid.SampledFrom([]string{"x", "y"}).Draw(t, "call id"), CSeq: uint32(len(w.log)),
				},
			})
		},
		"unregister": func(t *rapid.T) {
			_ = w.put(t, PhoneUnregistered{
				Agent: agent.Draw(t, "agent"), Contact: rapid.SampledFrom([]string{"sip:p1", "sip:p2", "*"}).Draw(t, "contact"),
			})
		},
		"publish": func(t *rapid.T) {
			if err := w.put(t, ConfigPublished{Hash: "h", Bundle: []byte("documents"), Config: drawConfig(t)}); err != nil {
				t.Fatal(err)
			}
		},
		"restart": func(t *rapid.T) { _ = w.put(t, NodeRestarted{Node: node.Draw(t, "node")}) },
		"wait":    func(t *rapid.T) { w.now += rapid.SampledFrom([]int64{1, 999, 5000, 17_000}).Draw(t, "ms") },
		"reload":  func(t *rapid.T) { w.s = reload(t, w.s) },
	}
}

// TestProperties lets the outside world do its worst and holds: no
// contradiction after any entry; what is refused changes nothing; at most one
// offer or conversation for an agent and a call, in the state and on the
// phones; no inversion; bounded overtaking; no able agent idle while somebody
// waits; nobody stuck; facts that make a story and add up; a replay of the log
// gives the same state, facts and effects.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
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
		w.nobodyStuck(t)

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
	})
}
