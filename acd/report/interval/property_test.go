package interval_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tierline/acd"
	"tierline/acd/report/interval"
	"tierline/routing"
)

// account is what agents did by the state itself, not by its facts.
type account map[interval.TimeKey]int64

// world does to the core whatever can happen, and keeps the numbers in two
// ways: one fold from the beginning, and one that is flushed and resumed.
type world struct {
	*story
	at     int64
	calls  []string
	offers []uint64

	account  account
	backTalk int64 // ms of agents with call-backs: no queue has them
	resumed  *interval.Fold
	kept     map[string]interval.Open
	stored   interval.Numbers
}

func newWorld(t *rapid.T) *world {
	return &world{
		story: newStory(t), account: account{}, resumed: interval.NewFold(), kept: map[string]interval.Open{},
		stored: interval.NewNumbers(),
	}
}

// apply is put for both folds, with the account.
func (w *world) apply(ev acd.Event) {
	before := map[interval.TimeKey]bool{}
	backs := int64(0)
	for _, a := range w.state.Agents() {
		if _, back := w.state.Callback(a.Call); back && a.State == acd.AgentTalking {
			backs++
		}
		if a.State != acd.AgentSignedOut {
			before[interval.TimeKey{Agent: a.ID, State: a.State.String(), Reason: a.Reason}] = true
		}
	}
	from := w.state.Now()
	w.index++
	r, _ := acd.Apply(w.state, acd.Entry{Index: w.index, At: w.at, Wall: w.wall + w.at, Event: ev})
	for k := range before {
		if d := w.state.Now() - from; d > 0 {
			w.account[k] += d
		}
	}
	w.backTalk += backs * (w.state.Now() - from)
	for _, f := range []*interval.Fold{w.fold, w.resumed} {
		f.Take(w.state.Now(), w.wall+w.at, r.Facts)
	}
	for i := range r.Facts {
		if f := &r.Facts[i]; f.Kind == acd.FactCallOffered {
			w.offers = append(w.offers, f.Offer)
		} else if f.Kind == acd.FactCallArrived || f.Kind == acd.FactCallbackRequested {
			w.calls = append(w.calls, f.Call)
		}
	}
}

// restart commits what the resumed fold has and goes on with a new one.
func (w *world) restart(t *rapid.T) {
	b, err := w.resumed.Flush()
	if err != nil {
		t.Fatal(err)
	}
	w.stored.Add(b.Numbers)
	var open []interval.Open
	for _, o := range b.Open {
		w.kept[o.Kind+o.ID] = o
		if len(o.Record) == 0 {
			delete(w.kept, o.Kind+o.ID)
		}
	}
	for _, o := range w.kept {
		open = append(open, o)
	}
	if w.resumed, err = interval.Resume(open); err != nil {
		t.Fatal(err)
	}
}

// conserve checks the identity: what the numbers say of who waits is what the
// state says, for each queue and tier.
func (w *world) conserve(t *rapid.T, n interval.Numbers) {
	want := map[string]int64{}
	for _, q := range w.state.Queues() {
		for tier, waiting := range q.ByTier {
			if waiting > 0 {
				want[q.Name+" "+routing.Tier(tier).String()] = int64(waiting)
			}
		}
	}
	got := map[string]int64{}
	list, total := n.Queues()
	for _, q := range list {
		left := int64(0)
		for _, v := range q.Left() {
			left += v
		}
		waiting := q.Offered - q.Answered() - q.Abandoned() - left
		if waiting < 0 || waiting != q.Waiting() {
			t.Fatalf("%+v: %d waiting, or %d", q.Key, waiting, q.Waiting())
		}
		if waiting > 0 {
			got[q.Queue+" "+q.Tier] += waiting
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("who waits (-state +numbers):\n%s", d)
	}
	all := int64(0)
	for _, v := range want {
		all += v
	}
	if total.Waiting() != all {
		t.Fatalf("%d wait in total, want %d", total.Waiting(), all)
	}
	open := map[string]int64{}
	for _, b := range w.state.Callbacks() {
		open[b.Queue+" "+b.Tier.String()]++
	}
	for k, c := range n.Callbacks {
		place := k.Queue + " " + k.Tier
		if open[place] -= c.Open(); open[place] == 0 {
			delete(open, place)
		}
	}
	if len(open) > 0 {
		t.Fatalf("call-backs: %v more are open than the numbers say", open)
	}
}

func drawEvent(t *rapid.T, w *world) acd.Event {
	call := func() string {
		if len(w.calls) == 0 || rapid.IntRange(0, 2).Draw(t, "new") == 0 {
			return fmt.Sprint("c", w.index)
		}
		return rapid.SampledFrom(w.calls).Draw(t, "call")
	}
	offer := func() uint64 {
		if len(w.offers) == 0 {
			return 0
		}
		return w.offers[rapid.IntRange(max(0, len(w.offers)-4), len(w.offers)-1).Draw(t, "offer")]
	}
	agent := rapid.SampledFrom([]string{"1001", "1002", "1003"})
	side := acd.Side(rapid.IntRange(1, 3).Draw(t, "side"))
	if rapid.IntRange(0, 3).Draw(t, "beside") == 0 {
		return drawBeside(t, w, call(), offer())
	}
	switch rapid.IntRange(0, 14).Draw(t, "event") {
	case 0, 1:
		return acd.CallArrived{Call: call(), Node: rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "node")}
	case 2, 3, 4:
		return acd.CallQueued{
			Call: call(), Queue: rapid.SampledFrom([]string{"human", "vip"}).Draw(t, "queue"),
			Tier: routing.Tier(rapid.IntRange(0, 3).Draw(t, "tier")), MaxWait: rapid.Int64Range(0, 90_000).Draw(t, "max wait"),
		}
	case 5:
		return acd.OfferRang{Offer: offer()}
	case 6, 7:
		return acd.OfferAnswered{Offer: offer()}
	case 8:
		return acd.OfferFailed{Offer: offer(), Outcome: acd.Outcome(rapid.IntRange(1, 6).Draw(t, "outcome"))}
	case 9:
		return acd.AgentReleased{Offer: offer(), By: side}
	case 10:
		return acd.CallEnded{Call: call(), Cause: "normal", By: side}
	case 11:
		return acd.QueueLeft{Call: call(), Cause: acd.LeaveCause(rapid.IntRange(1, 4).Draw(t, "cause"))}
	case 12:
		return acd.AgentCommanded{
			Agent: agent.Draw(t, "agent"), Command: acd.AgentCommand(rapid.IntRange(1, 5).Draw(t, "command")),
			Reason: rapid.SampledFrom([]string{"lunch", "meeting"}).Draw(t, "reason"),
		}
	case 13:
		if rapid.Bool().Draw(t, "registered") {
			return acd.PhoneRegistered{Agent: "1003", Binding: acd.Binding{Contact: "sip:1003@10.0.0.1", Node: "n1", CSeq: uint32(w.index)}, TTL: 60_000}
		}
		return acd.PhoneUnregistered{Agent: "1003", Contact: "*"}
	default:
		return acd.NodeRestarted{Node: "n2"}
	}
}

// drawBeside draws what is counted beside visits.
func drawBeside(t *rapid.T, w *world, call string, offer uint64) acd.Event {
	switch rapid.IntRange(0, 5).Draw(t, "call-back") {
	case 0, 1:
		ev := acd.CallbackRequested{
			Callback: fmt.Sprint("b", w.index), Node: "n1", Number: fmt.Sprint("138", rapid.IntRange(0, 3).Draw(t, "number")),
			Queue: rapid.SampledFrom([]string{"human", "vip"}).Draw(t, "queue"),
			Tier:  routing.Tier(rapid.IntRange(0, 3).Draw(t, "tier")),
		}
		if rapid.Bool().Draw(t, "from a call") {
			ev.Call = call
		}
		return ev
	case 2:
		return acd.CallbackReached{Offer: offer}
	case 3:
		return acd.CallbackMissed{Offer: offer, Outcome: acd.Outcome(rapid.IntRange(1, 4).Draw(t, "outcome"))}
	case 4:
		return acd.CallbackCancelled{Callback: call}
	default:
		return acd.CallSurveyed{Call: call, Question: "q", Value: rapid.SampledFrom([]string{"1", "5"}).Draw(t, "value")}
	}
}

// Whatever happens, at every moment and for each queue and tier: offered =
// answered + abandoned + left + waiting. Agents' times are those that the
// state shows. Restarts change nothing.
func TestPropertyTheNumbersAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.apply(acd.ConfigPublished{Config: acd.Config{
			Queues: []acd.QueueConfig{
				{
					Name: "human", WrapUp: 20_000, Requirement: "lang.zh>=1",
					Callback: acd.CallbackConfig{Attempts: 1, Spacing: 5000, Expires: 3_600_000},
				}, {Name: "vip", MaxLength: 2, ReofferAfter: 5000},
			},
			Agents: []acd.AgentConfig{
				{ID: "1001", Contact: "sip:1001@127.0.0.1", SignedIn: true, Skills: []routing.SkillLevel{{Skill: "lang.zh", Level: 2}}},
				{ID: "1002", Contact: "sip:1002@127.0.0.1", MaxMisses: 2},
				{ID: "1003", SignedIn: true},
			},
		}})
		all := interval.NewNumbers()
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			w.at += rapid.SampledFrom([]int64{0, 1, 900, 7_000, 61_000, 1_300_000}).Draw(t, "later")
			if rapid.IntRange(0, 30).Draw(t, "clock") == 0 {
				w.wall += rapid.Int64Range(-4_000_000, 4_000_000).Draw(t, "set by")
			}
			for range 50 { // the leader at work
				events := acd.Decide(w.state, w.at)
				for _, ev := range events {
					w.apply(ev)
				}
				if len(events) == 0 {
					break
				}
			}
			w.apply(drawEvent(t, w))
			all.Add(w.flush().Numbers)
			w.conserve(t, all)
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				w.restart(t)
			}
		}
		w.restart(t)
		if d := cmp.Diff(all, w.stored); d != "" {
			t.Fatalf("numbers (-uninterrupted +resumed):\n%s", d)
		}
		w.compareTimes(t)
	})
}

// compareTimes compares the account with the numbers and what is running.
func (w *world) compareTimes(t *rapid.T) {
	var open []interval.Open
	for _, o := range w.kept {
		open = append(open, o)
	}
	running, err := interval.Running(open, w.state.Now(), w.wall+w.at)
	if err != nil {
		t.Fatal(err)
	}
	all := interval.NewNumbers()
	all.Add(w.stored)
	all.Add(running)
	told, talk := account{}, int64(0)
	for k, ms := range all.Times {
		if k.State == acd.AgentTalking.String() {
			talk += ms
		}
		k.Slot, k.Queue = 0, ""
		told[k] += ms
	}
	maps.DeleteFunc(w.account, func(_ interval.TimeKey, ms int64) bool { return ms == 0 })
	if d := cmp.Diff(w.account, told); d != "" {
		t.Fatalf("agents' times (-state +numbers):\n%s", d)
	}
	if _, total := all.Queues(); total.TalkMS+w.backTalk != talk {
		t.Fatalf("queues have %d ms of talk and call-backs %d, agents %d", total.TalkMS, w.backTalk, talk)
	}
}

// A gap in the stories: nobody waits for ever, and the identity holds.
func TestAGapLosesNobody(t *testing.T) {
	s := newStory(t)
	s.do(0, acd.ConfigPublished{Config: acd.Config{
		Queues: []acd.QueueConfig{{Name: "human"}},
		Agents: []acd.AgentConfig{{ID: "1001", Contact: "sip:1001@127.0.0.1", SignedIn: true}},
	}})
	for _, call := range []string{"a", "b"} {
		s.do(1, acd.CallArrived{Call: call, Node: "n1"})
		s.do(1, acd.CallQueued{Call: call, Queue: "human"})
	}
	s.fold.Lose()
	offer := s.do(5, acd.CallOffered{Call: "a", Agent: "1001"})
	s.do(6, acd.OfferAnswered{Offer: offer})
	s.do(9, acd.CallEnded{Call: "a", Cause: "normal", By: acd.SideCaller})
	b := s.flush()
	_, q := b.Queues()
	if q.Offered != 2 || q.Left()["lost"] != 2 || q.Waiting() != 0 || q.Answered() != 0 {
		t.Errorf("%d offered, %v left, %d answered, %d waiting, want two lost", q.Offered, q.Left(), q.Answered(), q.Waiting())
	}
	_, a := b.Agents()
	if want := map[string]int64{"reserved": 1000, "talking": 3000}; !maps.Equal(a.StateMS, want) {
		t.Errorf("agent's time %v, want %v", a.StateMS, want)
	}
	for _, o := range b.Open {
		if o.Kind == "visit" && len(o.Record) > 0 {
			t.Errorf("%s %s is open", o.Kind, o.ID)
		}
	}
}

func TestAClockThatWasYearsBehindMakesNoYearsOfSlots(t *testing.T) {
	s := newStory(t)
	s.do(0, acd.ConfigPublished{Config: acd.Config{
		Agents: []acd.AgentConfig{{ID: "1001", Contact: "sip:1001@127.0.0.1", SignedIn: true}},
	}})
	const years = 50 * 365 * 24 * 3600
	s.do(years, acd.AgentCommanded{Agent: "1001", Command: acd.SignOut})
	b := s.flush()
	_, a := b.Agents()
	if len(b.Times) > 31*96+2 || a.SignedInMS() != years*1000 {
		t.Errorf("%d slots with %d ms, want a month of slots and all the time", len(b.Times), a.SignedInMS())
	}
}

func TestResumeRefusesWhatItCantRead(t *testing.T) {
	for _, kind := range []string{"visit", "callback", "agent"} {
		if _, err := interval.Resume([]interval.Open{{Kind: kind, ID: "x", Record: []byte("{")}}); err == nil {
			t.Errorf("half a record of a %s was read", kind)
		}
	}
}
