package acd

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/routing"
)

// backState has call-backs in every phase and lockouts of every kind.
func backState(t testing.TB) *State {
	t.Helper()
	s := busyState(t)
	agents := []AgentConfig{
		{ID: "1001", Contact: "sip:1", Skills: []routing.SkillLevel{{Skill: "billing", Level: 5}}},
		{ID: "2001", Contact: "sip:2", SignedIn: true},
		{ID: "2002", Contact: "sip:3", SignedIn: true},
		{ID: "2003", Contact: "sip:4", SignedIn: true},
	}
	drive(t, s, ConfigPublished{Hash: "back", Config: Config{
		HeadStart: [routing.TierCount]int64{0, 30_000, 60_000, 120_000},
		Queues: []QueueConfig{{
			Name: "human", RingTime: 20_000, Callback: CallbackConfig{Attempts: 4, Spacing: 60_000, Expires: 3_600_000, Max: 9},
		}},
		Agents: agents,
	}})
	ask := func(id string, change func(*CallbackRequested)) {
		ev := CallbackRequested{
			Callback: id, Node: "n1", Number: "+86138" + fmt.Sprint(len(s.callbacks.number)), Queue: "human", Tier: routing.Gold,
			Language: "en", Customer: Customer{ID: "u" + id, Name: "李雷", Tier: routing.Silver}, By: "lead",
			Attach: []Attribute{{"intent", "bill"}},
		}
		change(&ev)
		drive(t, s, ev)
	}
	as := func(*CallbackRequested) {}
	offered := func(id, agent string) uint64 {
		drive(t, s, CallOffered{Call: id, Agent: agent})
		return s.index
	}
	ask("b-talks", as)
	o := offered("b-talks", "2001")
	drive(t, s, OfferAnswered{Offer: o, Leg: []byte("agent")}, CallbackReached{Offer: o, Trunk: "ct", SIPCallID: "x", Leg: []byte("leg")})
	ask("b-dials", as)
	drive(t, s, OfferAnswered{Offer: offered("b-dials", "2002")})
	ask("b-again", as)
	o = offered("b-again", "2003")
	drive(t, s, OfferAnswered{Offer: o}, CallbackMissed{Offer: o, Outcome: Busy, SIP: 486})
	ask("b-rings", func(ev *CallbackRequested) { ev.Call = "walks" })
	offered("b-rings", "2003")
	ask("b-waits", func(ev *CallbackRequested) { ev.Requirement = "lang.en>=1" })
	ask("b-dozes", func(ev *CallbackRequested) { ev.NotBefore = 1_700_000_600_000; ev.NotAfter = 1_700_001_200_000 })
	drive(
		t, s,
		AuthTried{Policy: "pin", Key: "locked", Max: 1, Window: 60_000},
		AuthEnded{Policy: "pin", Key: "locked", Outcome: AuthFailed},
		AuthTried{Policy: "pin", Key: "open", Max: 3, Window: 60_000},
		AuthTried{Policy: "pin", Key: "open", Max: 3, Window: 60_000},
	)
	return s
}

func TestSnapshotOfCallBacks(t *testing.T) {
	s := backState(t)
	phases := map[string]string{}
	for _, b := range s.Callbacks() {
		phases[b.ID] = b.Phase.String()
	}
	if d := cmp.Diff(map[string]string{
		"b-talks": "talking", "b-dials": "dialling", "b-again": "dormant", "b-rings": "offered", "b-waits": "waiting", "b-dozes": "dormant",
	}, phases); d != "" {
		t.Fatalf("phases (-want +got):\n%s", d)
	}
	again := reload(t, s)
	if again.Hash() != s.Hash() {
		t.Fatal("another state")
	}
	if d := cmp.Diff(s.Callbacks(), again.Callbacks()); d != "" {
		t.Errorf("call-backs (-before +after):\n%s", d)
	}
	if d := cmp.Diff(s.Lockouts(), again.Lockouts()); d != "" {
		t.Errorf("lockouts (-before +after):\n%s", d)
	}
	for range 200 { // both go on alike, until nothing is due
		due, ok := s.NextDue()
		if !ok {
			break
		}
		e := Entry{Index: s.index + 1, At: due, Event: TimePassed{}}
		want, _ := Apply(s, e)
		got, _ := Apply(again, e)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("at %d (-before +after):\n%s", due, d)
		}
	}
	if again.Hash() != s.Hash() {
		t.Error("they part")
	}
}

func FuzzDecodeCallbacks(f *testing.F) {
	var b bytes.Buffer
	if err := backState(f).Encode(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes()[:b.Len()-32])
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := Decode(bytes.NewReader(sealed(body)))
		if err != nil {
			return
		}
		for _, v := range s.Callbacks() {
			_, _ = Apply(s, Entry{Index: s.index + 1, At: s.now, Event: CallbackReached{Offer: v.Offer}})
			_, _ = Apply(s, Entry{Index: s.index + 1, At: s.now, Event: CallEnded{Call: v.ID, Cause: "normal"}})
			_, _ = Apply(s, Entry{Index: s.index + 1, At: s.now, Event: CallbackCancelled{Callback: v.ID}})
		}
		for _, l := range s.Lockouts() {
			_, _ = Apply(s, Entry{Index: s.index + 1, At: s.now, Event: AuthEnded{Policy: l.Policy, Key: l.Key, Outcome: AuthVoid}})
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
	})
}

// Times that customers choose are wall times, everything else is log time: a
// clock that is set moves no call-back that has been asked for.
func TestCallBacksDontFollowTheClock(t *testing.T) {
	const hour = 3_600_000
	put := func(s *State, at, clock int64, ev Event) {
		t.Helper()
		if _, err := Apply(s, Entry{Index: s.index + 1, At: at, Wall: clock, Event: ev}); err != nil {
			t.Fatal(err)
		}
	}
	for _, jump := range []int64{0, -5 * hour, 7 * hour, 30 * 24 * hour} {
		s := NewState()
		put(s, 0, wall, ConfigPublished{Config: Config{Queues: []QueueConfig{{Name: "q"}}}})
		put(s, 1000, wall+1000, CallbackRequested{
			Callback: "b", Node: "n", Number: "138", Queue: "q", NotBefore: wall + hour, NotAfter: wall + 2*hour,
		})
		clock := wall + jump
		put(s, hour-1, clock, TimePassed{})
		if v, _ := s.Callback("b"); v.Phase != PhaseDormant || v.Due != hour || v.Expires != 2*hour {
			t.Errorf("clock set by %d: %+v, want it dormant", jump, v)
		}
		put(s, hour, clock, TimePassed{})
		if v, _ := s.Callback("b"); v.Phase != PhaseWaiting {
			t.Errorf("clock set by %d: it is %s when it is due", jump, v.Phase)
		}
		put(s, 2*hour-1, clock, TimePassed{})
		if _, ok := s.Callback("b"); !ok {
			t.Errorf("clock set by %d: it expired early", jump)
		}
		put(s, 2*hour, clock, TimePassed{})
		if _, ok := s.Callback("b"); ok {
			t.Errorf("clock set by %d: it doesn't expire", jump)
		}
	}
}

// A dormant call-back costs a match nothing, however many there are, and each
// finds its customer at once.
func TestDormantCallBacksAreNotOnTheBoard(t *testing.T) {
	s := NewState()
	drive(t, s, ConfigPublished{Config: Config{
		Queues: []QueueConfig{{Name: "q"}}, Agents: []AgentConfig{{ID: "a", Contact: "sip:a", SignedIn: true}},
	}})
	for i := range 2000 {
		_, err := Apply(s, Entry{Index: s.index + 1, At: s.now, Wall: wall, Event: CallbackRequested{
			Callback: fmt.Sprint("b", i), Node: "n", Number: fmt.Sprint(13800000000 + i), Queue: "q", NotBefore: wall + 3_600_000,
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := s.board.Waiting(); n != 0 {
		t.Errorf("%d are on the board", n)
	}
	if evs := Decide(s, s.now); len(evs) != 0 {
		t.Errorf("they are offered: %v", evs)
	}
	drive(t, s, CallArrived{Call: "c", Node: "n", From: "13800001999"}, CallQueued{Call: "c", Queue: "q"})
	if n := len(s.Callbacks()); n != 1999 {
		t.Errorf("%d are left, want one less", n)
	}
}

func TestRefusalsOfCallBacks(t *testing.T) {
	s := backState(t)
	good := CallbackRequested{Callback: "x", Node: "n1", Number: "139", Queue: "human"}
	for name, tt := range map[string]struct {
		change func(*CallbackRequested)
		code   string
	}{
		"no id":             {func(ev *CallbackRequested) { ev.Callback = "" }, ""},
		"no node":           {func(ev *CallbackRequested) { ev.Node = "" }, ""},
		"tier":              {func(ev *CallbackRequested) { ev.Tier = routing.TierCount }, ""},
		"customer's tier":   {func(ev *CallbackRequested) { ev.Customer.Tier = routing.TierCount }, ""},
		"generation":        {func(ev *CallbackRequested) { ev.Generation = 99 }, ""},
		"requirement":       {func(ev *CallbackRequested) { ev.Requirement = "a>" }, ""},
		"number":            {func(ev *CallbackRequested) { ev.Number = "sip:139" }, CodeNumber},
		"plus alone":        {func(ev *CallbackRequested) { ev.Number = "+" }, CodeNumber},
		"endless number":    {func(ev *CallbackRequested) { ev.Number = strings.Repeat("1", 33) }, CodeNumber},
		"number is taken":   {func(ev *CallbackRequested) { ev.Number = "+861380" }, CodeExists},
		"customer has one":  {func(ev *CallbackRequested) { ev.Customer.ID = "ub-waits" }, CodeExists},
		"time that is over": {func(ev *CallbackRequested) { ev.NotAfter = 1 }, CodeSlot},
		"begins never":      {func(ev *CallbackRequested) { ev.NotBefore = math.MaxInt64 }, CodeSlot},
		"ends never":        {func(ev *CallbackRequested) { ev.NotAfter = math.MaxInt64 }, CodeSlot},
		"ended before all":  {func(ev *CallbackRequested) { ev.NotAfter = math.MinInt64 }, CodeSlot},
	} {
		t.Run(name, func(t *testing.T) {
			ev, before := good, timeless(s)
			tt.change(&ev)
			_, err := Apply(s, Entry{Index: s.index + 1, At: s.now, Wall: 1_700_000_000_000, Event: ev})
			var refused *RefusedError
			if !errors.As(err, &refused) || refused.Code != tt.code {
				t.Errorf("error %v with code %q, want code %q", err, refused.Code, tt.code)
			}
			if timeless(s) != before {
				t.Error("the state changed")
			}
		})
	}
	drive(t, s, good)
}

// Call-backs at the limits of what may be configured are refused at publication.
func TestCallbackConfigIsChecked(t *testing.T) {
	for _, b := range []CallbackConfig{
		{Attempts: -1},
		{Attempts: maxAttempts + 1},
		{Spacing: -1},
		{Spacing: maxAhead + 1},
		{Expires: -1},
		{Max: -1},
	} {
		ev := ConfigPublished{Config: Config{Queues: []QueueConfig{{Name: "q", Callback: b}}}}
		if _, err := Apply(NewState(), Entry{Index: 1, Event: ev}); err == nil {
			t.Errorf("%+v is accepted", b)
		}
	}
}
