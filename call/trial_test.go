package call

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/call/sipua"
	"tierline/routing/trunk"
)

func TestTrunkIsAsked(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.answers("sip:192.0.2.9;transport=udp", 404)
		got, err := l.sw.TestTrunk("carrier")
		want := []Try{
			{Target: "sip:192.0.2.9;transport=udp", Status: 404, Reason: "As Said", Took: 20 * time.Millisecond},
			{Target: "sip:192.0.2.10;transport=tcp", Trouble: "no answer within 4s", Took: 4 * time.Second},
		}
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%v (-want +got):\n%s", err, d)
		}
		if _, err = l.sw.TestTrunk("nobody"); !errors.Is(err, ErrNoTrunk) {
			t.Error(err)
		}
		if _, err = l.sw.TestTrunk("proven"); !errors.Is(err, ErrNoTargets) {
			t.Error(err)
		}
	})
}

func TestTestCallTellsWhatCameOfIt(t *testing.T) {
	const first, second = customerAddress, "sip:13800138000@192.0.2.10;transport=tcp"
	for name, tt := range map[string]struct {
		first, second habit
		outcome, why  string
		tries         []int
	}{
		"busy":             {first: habit{after: time.Second, status: 486}, outcome: "busy", why: "486 : the line is busy; the trunk works", tries: []int{486}},
		"not known":        {first: habit{after: time.Second, status: 404}, outcome: "unreachable", why: "as we write it, 13800138000", tries: []int{404}},
		"refused":          {first: habit{after: time.Second, status: 403}, outcome: "rejected", why: "May the trunk show 87650000, and", tries: []int{403}},
		"wants a password": {first: habit{after: time.Second, status: 407}, outcome: "unreachable", why: "account", tries: []int{407}},
		"second target":    {first: habit{after: time.Second, status: 500}, second: habit{after: time.Second, status: 600}, outcome: "busy", why: "600 : the line is busy", tries: []int{600}},
		"nobody answers":   {outcome: "no_answer", why: "nobody answered in time", tries: []int{408}},
		"no way there":     {first: habit{status: 503}, second: habit{status: 503}, outcome: "switch_failed", why: "sip:192.0.2.10;transport=tcp: no route", tries: []int{0, 0}},
		"answered":         {first: habit{after: 2 * time.Second, status: 200}, outcome: "answered", why: "one-way audio: no sound came", tries: []int{200}},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.phone.habits[first], l.phone.habits[second] = tt.first, tt.second
				got, err := l.sw.TestCall(l.t.Context(), Trial{
					Trunk: "carrier", Number: "13800138000", Ring: 20 * time.Second, Talk: 3 * time.Second,
				})
				if err != nil || got.Outcome != tt.outcome || !strings.Contains(strings.Join(got.Findings, "\n"), tt.why) {
					t.Errorf("%v %+v", err, got)
				}
				var tries []int
				for _, try := range got.Tries {
					tries = append(tries, try.Status)
				}
				if d := cmp.Diff(tt.tries, tries); d != "" && name != "second target" {
					t.Errorf("tries (-want +got):\n%s", d)
				}
				if got.Number != "+8613800138000" || got.Called != "13800138000" || got.Shown != "87650000" {
					t.Errorf("numbers %q %q %q", got.Number, got.Called, got.Shown)
				}
				if name == "answered" && (got.Rang != 20*time.Millisecond || got.Answered != 2*time.Second) {
					t.Errorf("rang after %v, answered after %v", got.Rang, got.Answered)
				}
				l.gone()
			})
		})
	}
}

// It is a call like any other: nobody is called whom the documents don't let
// call, and one that nobody waits for any more is hung up.
func TestTestCallHasNoPrivileges(t *testing.T) {
	inLab(t, func(l *lab) {
		if _, err := l.sw.TestCall(l.t.Context(), Trial{Trunk: "carrier", Number: "0014155550100"}); !errors.Is(err, trunk.ErrNotAllowed) {
			t.Error("abroad:", err)
		}
		capped, _ := l.sw.cfg.Services.Current().Trunks.Trunk("capped")
		if _, err := l.sw.admitOutward(capped, false); err != nil {
			t.Fatal(err)
		}
		got, err := l.sw.TestCall(l.t.Context(), Trial{Trunk: "capped", Number: "+86893123456"})
		if err != nil || got.Outcome != "switch_failed" || got.Findings[0] != errTrunksFull.Error() {
			t.Errorf("at a limit: %v %+v", err, got)
		}
		ctx, cancel := context.WithCancel(l.t.Context())
		time.AfterFunc(time.Second, cancel)
		got, err = l.sw.TestCall(ctx, Trial{Trunk: "carrier", Number: "13800138000", Ring: time.Minute})
		if err != nil || got.Findings[0] != "the test was ended before its time: test_left" {
			t.Errorf("left: %v %+v", err, got)
		}
		l.saw("hang up far")
		l.phone.habits[customerAddress] = habit{after: time.Second, status: 200}
		time.AfterFunc(3*time.Second, func() { l.farSays(sipua.Hungup{Q850: 16}) })
		got, err = l.sw.TestCall(l.t.Context(), Trial{Trunk: "carrier", Number: "13800138000", Ring: time.Minute, Talk: time.Minute})
		if err != nil || !got.HungUp || got.Findings[0] != "they hung up before us" {
			t.Errorf("they hang up: %v %+v", err, got)
		}
	})
}

// It costs something: there is a record of it, and none is made that nobody can
// write down.
func TestTestCallHasARecord(t *testing.T) {
	inLab(t, func(l *lab) {
		want := Trial{Trunk: "carrier", Number: "13800138000", By: "lead", Ring: 20 * time.Second, Talk: 3 * time.Second}
		l.phone.habits[customerAddress] = habit{after: 2 * time.Second, status: 200}
		got, err := l.sw.TestCall(l.t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		l.saw("0s log call.arrived", "0s call sip:13800138000@192.0.2.9", "5s hang up far", "5s log call.ended normal")
		l.phone.habits[customerAddress] = habit{after: time.Second, status: 486}
		if _, err = l.sw.TestCall(l.t.Context(), want); err != nil {
			t.Fatal(err)
		}
		l.saw("log call.ended busy")
		written := strings.Join(l.log.written, "\n")
		for _, part := range []string{
			`{"call":"` + got.Call + `","node":"n1","trunk":"carrier","to":"+8613800138000","by":"lead","generation":1}`,
			`"state":"answered","trunk":"carrier","sip":200`, `"state":"left"`, `"state":"failed","trunk":"carrier","sip":486`,
		} {
			if !strings.Contains(written, part) {
				t.Errorf("the log lacks %s:\n%s", part, written)
			}
		}
		l.forgetLines()
		l.log.broken = errors.New("no leader")
		if got, err = l.sw.TestCall(l.t.Context(), want); err == nil {
			t.Errorf("made without the log: %+v", got)
		}
		l.want()
		l.log.repair()
		l.gone()
	})
}

// Whom a test calls isn't left on the line by a node that dies: his leg stands in
// the log from the first INVITE on. The lists of calls say what the call is.
func TestWhomATestCallsIsKnownToTheOthers(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits[customerAddress] = habit{after: 2 * time.Second, status: 200}
		want := Trial{Trunk: "carrier", Number: "13800138000", Ring: 20 * time.Second, Talk: 3 * time.Second}
		for after, about := range map[time.Duration]string{
			time.Second:     `{"number":"+8613800138000","trunk":"carrier","rings":true}`,
			3 * time.Second: `{"number":"+8613800138000","trunk":"carrier"}`,
		} {
			time.AfterFunc(after, func() {
				l.log.mu.Lock()
				defer l.log.mu.Unlock()
				call := l.log.state.Calls()[0]
				legs, _ := l.log.state.Legs(call.ID)
				if call.Phase != acd.PhaseTest || len(legs.Others) != 1 || string(legs.Others[0].About) != about {
					t.Errorf("after %v it is %v with %+v", after, call.Phase, legs.Others)
				}
			})
		}
		if _, err := l.sw.TestCall(l.t.Context(), want); err != nil {
			t.Error(err)
		}
		l.gone()
	})
}

func TestSoundIsExplained(t *testing.T) {
	for want, q := range map[string]acd.Quality{
		"": {Sent: 100, Received: 100, Lost: 1},
		"one-way audio: we hear nothing. 9 packets came from an address that their SDP doesn't name": {Sent: 100, Strangers: 9},
		"bad line: 10 of 100 packets were lost":                                                      {Sent: 100, Received: 90, Lost: 10},
		"they report that 100 of our 100 packets were lost":                                          {Sent: 100, Received: 100, RemoteLost: 100},
	} {
		if got := strings.Join(explainSound(q), "; "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
