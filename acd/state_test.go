package acd

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/routing"
)

// drive applies events in order, a second apart, and expects none to be
// refused. Index and time count from the state's.
func drive(t testing.TB, s *State, evs ...Event) (out []Result) {
	t.Helper()
	for _, ev := range evs {
		r, err := Apply(s, Entry{Index: s.index + 1, At: s.now + 1000, Wall: 1_700_000_000_000, Event: ev})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// busyState has something of everything in it.
func busyState(t testing.TB) *State {
	t.Helper()
	s := NewState()
	config := Config{
		HeadStart: [routing.TierCount]int64{0, 30_000, 60_000, 120_000},
		Queues: []QueueConfig{
			{Name: "human", RingTime: 20_000, WrapUp: 10_000, MaxWait: 600_000, ReofferAfter: 30_000},
			{Name: "billing", Requirement: "billing>=3", Fit: FitLeast, MaxLength: 50},
		},
		Agents: []AgentConfig{
			{ID: "1003", Name: "李雷", Contact: "sip:1003@192.0.2.3", MaxMisses: 2, BackOff: 5000},
			{ID: "1001", Name: "王芳", Skills: []routing.SkillLevel{{Skill: "lang.en", Level: 2}, {Skill: "billing", Level: 7}}},
			{ID: "1002", Contact: "sip:1002@192.0.2.2", SignedIn: true},
			{ID: "1004"},
		},
	}
	phone := Binding{
		Contact: "sip:1001@198.51.100.1", Received: "198.51.100.1:5060", Transport: "udp", CallID: "reg", CSeq: 7, Node: "n1",
		UserAgent: "phone/1",
	}
	drive(
		t, s,
		ConfigPublished{Hash: "abc", By: "chen", Note: "first", Bundle: []byte("documents"), Config: config},
		PhoneRegistered{Agent: "1001", Binding: phone, TTL: 300_000},
		AgentCommanded{Agent: "1001", Command: GoReady},
		AgentCommanded{Agent: "1003", Command: GoReady},
		AgentCommanded{Agent: "1004", Command: SignIn},
		CallArrived{
			Call: "talks", Node: "n1", Trunk: "t", From: "13800138000", To: "10000", Flow: "f", SIPCallID: "x", Leg: []byte("leg1"),
			Customer: Customer{ID: "c1", Name: "n", Tier: routing.Gold, Language: "zh"},
		},
		CallStepped{Call: "talks", Step: "menu", Language: "en", Menu: []byte("session")},
		CallQueued{Call: "talks", Queue: "billing", Tier: routing.Gold, Attach: []Attribute{{"z", "1"}, {"a", "2"}}},
		CallOffered{Call: "talks", Agent: "1001"},
		OfferAnswered{Offer: 9, Leg: []byte("leg2")},
		AgentCommanded{Agent: "1001", Command: GoNotReady, Reason: "lunch"},
		CallArrived{Call: "rings", Node: "n2", Customer: Customer{Tier: routing.Diamond}},
		CallQueued{Call: "rings", Queue: "human", Tier: routing.Diamond},
		CallOffered{Call: "rings", Agent: "1003"},
		OfferFailed{Offer: 14, Outcome: Rejected},
		CallOffered{Call: "rings", Agent: "1002"},
		OfferRang{Offer: 16},
		CallArrived{Call: "waits", Node: "n2"},
		CallQueued{Call: "waits", Queue: "billing", Requirement: "lang.en>=1"},
		CallArrived{Call: "walks", Node: "n1"},
	)
	return s
}

func TestUnknownEventPanics(t *testing.T) {
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "too old for the log") {
			t.Errorf("panic %q", got)
		}
	}()
	_, _ = Apply(NewState(), Entry{Index: 1, Event: nil})
}

func TestRefusalNamesEventAndReason(t *testing.T) {
	_, err := Apply(NewState(), Entry{Index: 1, At: 5, Event: OfferRang{Offer: 3}})
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Event != (OfferRang{Offer: 3}) {
		t.Fatalf("error %#v", err)
	}
	if got := err.Error(); got != "acd: acd.OfferRang refused: offer 3 is over" {
		t.Errorf("error %q", got)
	}
}

// TestNothingBeforeTheFirstGeneration: no state has no current generation by
// accident.
func TestNothingBeforeTheFirstGeneration(t *testing.T) {
	s := NewState()
	for _, ev := range []Event{
		AgentCommanded{Agent: "a", Command: GoReady},
		PhoneRegistered{Agent: "a", Binding: Binding{Contact: "sip:a"}, TTL: 1000},
		CallArrived{Call: "c", Node: "n"},
		CallQueued{Call: "c", Queue: "q"},
		CallOffered{Call: "c", Agent: "a"},
		AgentReleased{Offer: 1},
		CallEnded{Call: "c"},
		NodeRestarted{},
	} {
		if _, err := Apply(s, Entry{Index: s.index + 1, Event: ev}); err == nil {
			t.Errorf("%T is accepted", ev)
		}
	}
	if Decide(s, 1000) != nil || len(s.Queues())+len(s.Calls())+len(s.Agents())+len(s.Generations()) > 0 {
		t.Error("an empty state has something in it")
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

func TestRefusedArguments(t *testing.T) {
	s := busyState(t)
	before := timeless(s)
	for _, ev := range []Event{
		CallArrived{Call: "x", Node: ""},
		CallArrived{Call: "x", Node: "n", Customer: Customer{Tier: 4}},
		CallQueued{Call: "walks", Queue: "human", Tier: 4},
		CallQueued{Call: "walks", Queue: "human", MaxWait: -1},
		PhoneRegistered{Agent: "1001", Binding: Binding{Contact: "*"}, TTL: 1000},
		PhoneRegistered{Agent: "1001", Binding: Binding{Contact: "sip:x"}},
		PhoneUnregistered{Agent: "1001", Contact: "*", CallID: "reg", CSeq: 7},
		AgentCommanded{Agent: "1001", Command: 99},
		CallOffered{Call: "waits", Agent: "1001"},
	} {
		if _, err := Apply(s, Entry{Index: s.index + 1, At: s.now, Event: ev}); err == nil {
			t.Errorf("%+v is accepted", ev)
		}
	}
	if timeless(s) != before {
		t.Error("the state changed")
	}
}

func TestContactsAreBounded(t *testing.T) {
	s := busyState(t)
	for i := range 20 {
		_, err := Apply(s, Entry{Index: s.index + 1, At: s.now, Event: PhoneRegistered{
			Agent: "1004", Binding: Binding{Contact: fmt.Sprint("sip:", i)}, TTL: 60_000,
		}})
		if (err != nil) != (i >= maxBindings) {
			t.Errorf("contact %d: %v", i, err)
		}
	}
	if n := len(s.BindingsOf("1004")); n != maxBindings {
		t.Errorf("%d contacts", n)
	}
}

// TestDecideInBatches: a shift that signs in at once is matched in several
// short steps, without gaps or repetitions.
func TestDecideInBatches(t *testing.T) {
	s := NewState()
	config := Config{Queues: []QueueConfig{{Name: "q"}}}
	for i := range 150 {
		config.Agents = append(config.Agents, AgentConfig{ID: fmt.Sprintf("a%03d", i), Contact: "sip:a", SignedIn: true})
	}
	drive(t, s, ConfigPublished{Config: config})
	for i := range 200 {
		id := fmt.Sprintf("c%03d", i)
		drive(t, s, CallArrived{Call: id, Node: "n"}, CallQueued{Call: id, Queue: "q"})
	}
	var sizes []int
	for evs := Decide(s, s.now); len(evs) > 0; evs = Decide(s, s.now) {
		sizes = append(sizes, len(evs))
		for i, ev := range evs {
			n := (len(sizes)-1)*matchLimit + i
			if o, ok := ev.(CallOffered); !ok || o.Call != fmt.Sprintf("c%03d", n) || o.Agent != fmt.Sprintf("a%03d", n) {
				t.Fatalf("offer %d is %+v", n, ev)
			}
			if _, err := Apply(s, Entry{Index: s.index + 1, At: s.now, Event: ev}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff([]int{64, 64, 22}, sizes); diff != "" {
		t.Error(diff)
	}
}

// TestWhyExplainsTheChoice: an offer carries what it was chosen from.
func TestWhyExplainsTheChoice(t *testing.T) {
	s := NewState()
	drive(
		t, s,
		ConfigPublished{Config: Config{
			HeadStart: [routing.TierCount]int64{0, 0, 60_000, 0},
			Queues:    []QueueConfig{{Name: "q", Requirement: "a>=1", Fit: FitMost}},
			Agents: []AgentConfig{
				{ID: "x", Contact: "sip:x", SignedIn: true, Skills: []routing.SkillLevel{{Skill: "a", Level: 3}}},
				{ID: "y", Contact: "sip:y", SignedIn: true, Skills: []routing.SkillLevel{{Skill: "a", Level: 8}}},
				{ID: "z", Contact: "sip:z", SignedIn: true},
			},
		}},
		CallArrived{Call: "c", Node: "n"},
		CallQueued{Call: "c", Queue: "q", Tier: routing.Gold},
	)
	want := []Event{CallOffered{Call: "c", Agent: "y", Why: "deadline -57000; 1 of 2 ready, idle 2000 ms, levels 8; not x: levels 3"}}
	if diff := cmp.Diff(want, Decide(s, s.now)); diff != "" {
		t.Error(diff)
	}
}

// TestQualityReachesTheFacts: what RTP and RTCP said of both legs is in the
// story, whoever hung up.
func TestQualityReachesTheFacts(t *testing.T) {
	s := busyState(t)
	agent, caller := &Quality{Codec: "PCMA", Lost: 1}, &Quality{Codec: "PCMA", Lost: 2}
	r := drive(t, s, CallEnded{Call: "talks", Cause: "normal", By: SideCaller, Quality: caller, AgentQuality: agent})[0]
	got := map[FactKind]*Quality{}
	for _, f := range r.Facts {
		got[f.Kind] = f.Quality
	}
	want := map[FactKind]*Quality{FactAgentReleased: agent, FactAgentState: nil, FactCallEnded: caller}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Of the nodes that a flow walks at once only the last brings the session's
// state: until then the call can be taken over where it was before.
func TestStepWithoutStateKeepsTheOneBefore(t *testing.T) {
	s := &State{calls: map[string]*call{"c": {id: "c"}}}
	for _, ev := range []CallStepped{{Call: "c", Step: "a", Menu: []byte("at a")}, {Call: "c", Step: "b"}} {
		if err := s.callStepped(ev, &Result{}); err != nil {
			t.Fatal(err)
		}
	}
	if c := s.calls["c"]; c.step != "b" || string(c.menu) != "at a" {
		t.Errorf("at %s with state %q", c.step, c.menu)
	}
}
