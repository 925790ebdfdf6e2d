package acd

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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

func TestViews(t *testing.T) {
	s := busyState(t)
	a, _ := s.Agent("1001")
	want := AgentView{
		ID: "1001", Name: "王芳", State: AgentTalking, Cause: "answered", Since: 10_000, Call: "talks", Offer: 9,
		Next: AgentNotReady, NextReason: "lunch",
		Skills: []routing.SkillLevel{{Skill: "billing", Level: 7}, {Skill: "lang.en", Level: 2}},
		Bindings: []Binding{{
			Contact: "sip:1001@198.51.100.1", Received: "198.51.100.1:5060", Transport: "udp", CallID: "reg", CSeq: 7,
			Node: "n1", UserAgent: "phone/1", Expires: 302_000,
		}},
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("agent 1001 (-want +got):\n%s", diff)
	}
	if _, ok := s.Agent("nobody"); ok || s.BindingsOf("nobody") != nil {
		t.Error("an unknown agent is known")
	}

	c, _ := s.Call("waits")
	if c.Key == nil || c.Key.Deadline != 19_000 || c.Requirement != "billing>=3 and lang.en>=1" ||
		c.Why != "no agent with billing>=3 and lang.en>=1 is ready: 1 on a call, 0 in wrap-up, 0 backing off, 0 not ready, 0 unreachable" {
		t.Errorf("call waits: %+v", c)
	}
	if _, ok := s.Call("nobody"); ok {
		t.Error("an unknown call is known")
	}
	var order []string
	for _, c := range s.Calls() {
		one, _ := s.Call(c.ID)
		if diff := cmp.Diff(one, c); diff != "" {
			t.Errorf("Call and Calls differ:\n%s", diff)
		}
		order = append(order, c.ID+" "+c.Phase.String()+" "+c.Agent)
	}
	if got := strings.Join(order, ", "); got != "talks talking 1001, rings offered 1002, waits waiting , walks menu " {
		t.Errorf("calls %s", got)
	}

	queues := []QueueView{
		{
			Name: "billing", Requirement: "billing>=3", Waiting: 1, ByTier: [routing.TierCount]int{1, 0, 0, 0},
			LongestMS: 1000, Generation: 1, Agents: AgentCount{SignedIn: 1, Talking: 1},
		},
		{
			Name: "human", Waiting: 1, ByTier: [routing.TierCount]int{0, 0, 0, 1}, LongestMS: 7000, Generation: 1,
			Agents: AgentCount{SignedIn: 4, BackOff: 1, Alerting: 1, Talking: 1, Unreachable: 1},
		},
	}
	if diff := cmp.Diff(queues, s.Queues()); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}

	b, ok := s.GenerationBundle(1)
	if !ok || string(b.Data) != "documents" || s.Generation() != 1 || b.Wall != 1_700_000_000_000 {
		t.Errorf("generation %d: %+v", s.Generation(), b)
	}
	b.Data = nil
	if diff := cmp.Diff([]Bundle{b}, s.Generations()); diff != "" {
		t.Errorf("generations (-want +got):\n%s", diff)
	}
	if _, ok := s.GenerationBundle(0); ok || NewState().Generation() != 0 {
		t.Error("generation 0 exists")
	}
	if s.Now() != 20_000 {
		t.Errorf("now %d", s.Now())
	}
}

// TestViewsAreCopies: who keeps a view and writes into it doesn't change the
// state.
func TestViewsAreCopies(t *testing.T) {
	s := busyState(t)
	before := s.Hash()
	for _, a := range s.Agents() {
		for i := range a.Skills {
			a.Skills[i].Level = 1
		}
		for i := range a.Bindings {
			a.Bindings[i].Contact = "x"
		}
	}
	for _, c := range s.Calls() {
		for i := range c.Attach {
			c.Attach[i].Value = "x"
		}
		if c.Key != nil {
			c.Key.Deadline = 0
		}
	}
	if s.Hash() != before {
		t.Error("the state changed")
	}
}

// TestSnapshotFormat pins the bytes: if it fails, snapshots of the release
// before can't be read any more. Then the version must grow, and the reader of
// the old one stay.
func TestSnapshotFormat(t *testing.T) {
	hash := busyState(t).Hash()
	const want = "a05379eb7602c96e8e18dad6a79671d1bef5a0392cb42b1c4cfe73ae7fc29f4a"
	if got := hex.EncodeToString(hash[:]); got != want {
		t.Errorf("the snapshot's hash is %s", got)
	}
}

func TestSnapshotRoundTrip(t *testing.T) {
	s := busyState(t)
	again := reload(t, s)
	if again.Hash() != s.Hash() {
		t.Fatal("another state")
	}
	// What take-over needs is there.
	c := again.calls["talks"]
	if agent := again.offers[c.offer].leg; string(c.leg) != "leg1" || string(agent) != "leg2" || string(c.menu) != "session" {
		t.Errorf("legs %q, %q, menu %q", c.leg, agent, c.menu)
	}
	// Both go on in the same way.
	for _, ev := range []Event{
		OfferAnswered{Offer: 16},
		CallEnded{Call: "talks", Cause: "normal", By: SideCaller},
		TimePassed{},
	} {
		if diff := cmp.Diff(drive(t, s, ev), drive(t, again, ev)); diff != "" {
			t.Errorf("%T:\n%s", ev, diff)
		}
	}
	if again.Hash() != s.Hash() {
		t.Error("they part")
	}
}

func TestDecodeRefuses(t *testing.T) {
	var b bytes.Buffer
	if err := busyState(t).Encode(&b); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	for i := range whole {
		broken := bytes.Clone(whole)
		broken[i] ^= 0x41
		if _, err := Decode(bytes.NewReader(broken)); err == nil {
			t.Fatalf("byte %d of %d is changed and nobody minds", i, len(whole))
		}
		if _, err := Decode(bytes.NewReader(whole[:i])); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	newer := sealed([]byte("\x0ctierline acd\x02rest"))
	if _, err := Decode(bytes.NewReader(newer)); !errors.Is(err, ErrSnapshot) || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("newer version: %v", err)
	}
	if _, err := Decode(strings.NewReader("\x04json{}")); !errors.Is(err, ErrSnapshot) {
		t.Errorf("something else: %v", err)
	}
}

func sealed(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(bytes.Clone(body), sum[:]...)
}

// FuzzDecode: whatever a snapshot says, reading it gives an error or a state
// that stands and can go on.
func FuzzDecode(f *testing.F) {
	for _, s := range []*State{NewState(), busyState(f)} {
		var b bytes.Buffer
		if err := s.Encode(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes()[:b.Len()-sha256.Size])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := Decode(bytes.NewReader(sealed(body)))
		if err != nil {
			return
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		s.Calls()
		s.Queues()
		s.Agents()
		again := reload(t, s)
		if again.Hash() != s.Hash() {
			t.Fatal("the snapshot of a snapshot is another state")
		}
		for id := range s.offers {
			_, _ = Apply(s, Entry{Index: s.index + 1, At: s.now, Event: OfferAnswered{Offer: id}})
			_, _ = Apply(s, Entry{Index: s.index + 1, At: s.now, Event: AgentReleased{Offer: id}})
		}
		if due, ok := s.NextDue(); ok {
			_, _ = Apply(s, Entry{Index: s.index + 1, At: due, Event: TimePassed{}})
		}
		_, _ = Apply(s, Entry{Index: s.index + 1, At: s.now, Event: NodeRestarted{Node: "n1"}})
	})
}

type fullDisk struct{ after int }

func (w *fullDisk) Write(p []byte) (int, error) {
	if w.after -= len(p); w.after < 0 {
		return 0, errFull
	}
	return len(p), nil
}

var errFull = errors.New("no space left")

func TestEncodeReportsFullDisk(t *testing.T) {
	s := busyState(t)
	for _, after := range []int{0, 600} {
		if err := s.Encode(&fullDisk{after: after}); !errors.Is(err, errFull) {
			t.Errorf("after %d bytes: %v", after, err)
		}
	}
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
	want := []Event{CallOffered{Call: "c", Agent: "y", Why: "deadline -57000; 1 of 2 ready, idle 2000 ms, levels 8"}}
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
