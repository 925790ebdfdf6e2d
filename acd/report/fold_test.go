package report_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/routing"
)

// base is the wall time of log time 0 in these tests.
const base = int64(1_795_401_540_000) // 2026-11-23T02:39:00Z

// tell feeds one story per fact; each comes ms after the start.
type telling struct {
	fold  *report.Fold
	index uint64
}

func (l *telling) at(ms int64, facts ...acd.Fact) {
	l.index++
	l.fold.Take(report.Story{Index: l.index, At: ms, Wall: base + ms, Facts: facts})
}

func arrival(call string) acd.Fact {
	gold := routing.Gold
	return acd.Fact{
		Kind: acd.FactCallArrived, Call: call, Node: "n1", Trunk: "ct", From: "13800138000", To: "10000",
		Flow: "svc10000", Generation: 7, SIPCallID: call + "@sip", Customer: "c1", Tier: &gold, Language: "zh",
	}
}

func fact(kind acd.FactKind, call string, change ...func(*acd.Fact)) acd.Fact {
	f := acd.Fact{Kind: kind, Call: call}
	for _, c := range change {
		c(&f)
	}
	return f
}

// answered is a call with one missed offer, one answered, and a good end.
func answered(l *telling, call string) {
	l.at(1000, arrival(call))
	l.at(1010, fact(acd.FactCallStep, call, func(f *acd.Fact) { f.Step, f.Milestone = "welcome", "greeted" }))
	l.at(4000, fact(acd.FactCallStep, call, func(f *acd.Fact) { f.Step, f.Key, f.Language = "people", "2", "en" }))
	l.at(5000, fact(acd.FactCallQueued, call, func(f *acd.Fact) { f.Queue, f.Language = "human", "en" }))
	l.at(5010, fact(acd.FactCallOffered, call, func(f *acd.Fact) { f.Agent, f.Offer, f.Reason = "1001", 5, "longest idle" }))
	l.at(5200, fact(acd.FactCallRinging, call, func(f *acd.Fact) { f.Offer = 5 }))
	l.at(20000, fact(acd.FactOfferFailed, call, func(f *acd.Fact) { f.Offer, f.Cause, f.SIP = 5, "no_answer", 487 }))
	l.at(20010, fact(acd.FactCallOffered, call, func(f *acd.Fact) { f.Agent, f.Offer = "1002", 8 }))
	l.at(20100, fact(acd.FactCallRinging, call, func(f *acd.Fact) { f.Offer = 8 }))
	l.at(23100, fact(acd.FactCallConnected, call, func(f *acd.Fact) { f.Agent, f.Offer = "1002", 8 }))
	l.at(83100, fact(acd.FactAgentReleased, call, func(f *acd.Fact) {
		f.By, f.Offer, f.Quality = "caller", 8, &acd.Quality{Codec: "PCMA", Lost: 3}
	}), fact(acd.FactCallEnded, call, func(f *acd.Fact) {
		f.Cause, f.By, f.Quality = "normal", "caller", &acd.Quality{Codec: "PCMA", JitterMS: 2}
	}))
}

func TestAnsweredCall(t *testing.T) {
	l := &telling{fold: report.NewFold()}
	answered(l, "a")
	b, err := l.fold.Flush()
	if err != nil {
		t.Fatal(err)
	}
	at := func(ms int64) report.Time { return report.Time(base + ms) }
	want := []report.CDR{{
		Call: "a", Direction: report.Inward, Node: "n1", Trunk: "ct", From: "13800138000", To: "10000", Flow: "svc10000", Generation: 7,
		SIPCallID: "a@sip", Customer: "c1", Tier: routing.Gold, Language: "en",
		Started: at(1000), Ended: at(83100), DurationMS: 82100,
		IVRMS: 4000, WaitMS: 18100, RingMS: 14800 + 3000, TalkMS: 60000,
		Queue: "human", Agent: "1002", Answered: true, Cause: "normal", EndedBy: "caller",
		Path: []report.Step{
			{AfterMS: 10, Step: "welcome", Milestone: "greeted"},
			{AfterMS: 3000, Step: "people", Key: "2"},
		},
		Quality: &acd.Quality{Codec: "PCMA", JitterMS: 2},
		Segments: []report.Segment{
			{Kind: report.IVR, Started: at(1000), Ended: at(5000), DurationMS: 4000},
			{Kind: report.Queue, Started: at(5000), Ended: at(23100), DurationMS: 18100, Queue: "human", Outcome: "answered"},
			{
				Kind: report.Offer, Started: at(5010), Ended: at(20000), DurationMS: 14990, RingMS: 14800,
				Queue: "human", Agent: "1001", Offer: 5, Outcome: "no_answer", SIP: 487, Reason: "longest idle",
			},
			{
				Kind: report.Offer, Started: at(20010), Ended: at(23100), DurationMS: 3090, RingMS: 3000,
				Queue: "human", Agent: "1002", Offer: 8, Outcome: "answered",
			},
			{
				Kind: report.Talk, Started: at(23100), Ended: at(83100), DurationMS: 60000, Queue: "human", Agent: "1002",
				Offer: 8, Outcome: "released", EndedBy: "caller", Quality: &acd.Quality{Codec: "PCMA", Lost: 3},
			},
		},
		FirstIndex: 1, LastIndex: 11,
	}}
	if d := cmp.Diff(want, b.Ended); d != "" {
		t.Errorf("records (-want +got):\n%s", d)
	}
	if len(b.Open) != 0 || l.fold.Open() != 0 {
		t.Errorf("%d open records stored, %d in memory, want none", len(b.Open), l.fold.Open())
	}
	if len(b.Events) != 12 || b.Events[11].Index != 11 || b.Events[11].Seq != 1 || b.Cursor != 11 {
		t.Errorf("%d events up to %+v, cursor %d", len(b.Events), b.Events[len(b.Events)-1], b.Cursor)
	}
}

// history is the real core with a fold behind it.
type history struct {
	t     *testing.T
	state *acd.State
	fold  *report.Fold
	index uint64
}

// do applies an event at a time in seconds.
func (h *history) do(at int64, ev acd.Event) uint64 {
	h.t.Helper()
	h.index++
	r, err := acd.Apply(h.state, acd.Entry{Index: h.index, At: at * 1000, Wall: base + at*1000, Event: ev})
	if err != nil {
		h.t.Fatalf("%+v: %v", ev, err)
	}
	h.fold.Take(report.Story{Index: h.index, At: at * 1000, Wall: base + at*1000, Facts: r.Facts})
	return h.index
}

func TestHowCallsEnd(t *testing.T) {
	type outcome struct {
		Answered, Abandoned bool
		Cause, EndedBy      string
		IVR, Wait, Talk     int64 // seconds
		Segments            []string
	}
	queued := acd.CallQueued{Call: "a", Queue: "human"}
	offer := func(h *history, at int64, more ...string) uint64 {
		return h.do(at, acd.CallOffered{Call: "a", Agent: "1001", More: more})
	}
	tests := map[string]struct {
		then func(h *history) // the call "a" arrived at 1 s
		want outcome
	}{
		"in the menu": {
			func(h *history) { h.do(2, acd.CallEnded{Call: "a", Cause: "normal", By: acd.SideCaller}) },
			outcome{Cause: "normal", EndedBy: "caller", IVR: 1, Segments: []string{"ivr 1 caller"}},
		},
		"abandoned while waiting": {
			func(h *history) {
				h.do(2, queued)
				h.do(5, acd.CallEnded{Call: "a", Cause: "abandoned", By: acd.SideCaller})
			},
			outcome{
				Abandoned: true, Cause: "abandoned", EndedBy: "caller", IVR: 1, Wait: 3,
				Segments: []string{"ivr 1", "queue 3 abandoned caller"},
			},
		},
		"abandoned while an agent rings": {
			func(h *history) {
				h.do(2, queued)
				offer(h, 3)
				h.do(4, acd.CallEnded{Call: "a", Cause: "abandoned", By: acd.SideCaller})
			},
			outcome{
				Abandoned: true, Cause: "abandoned", EndedBy: "caller", IVR: 1, Wait: 2,
				Segments: []string{"ivr 1", "queue 2 abandoned caller", "offer 1 caller_left"},
			},
		},
		"missed, then answered": {
			func(h *history) {
				h.do(2, queued)
				first := offer(h, 3)
				h.do(4, acd.OfferFailed{Offer: first, Outcome: acd.Busy, SIP: 486})
				h.do(5, acd.TimePassed{}) // the agent's back-off ends
				h.do(8, acd.OfferAnswered{Offer: offer(h, 6)})
				h.do(18, acd.CallEnded{Call: "a", Cause: "normal", By: acd.SideCaller})
			},
			outcome{
				Answered: true, Cause: "normal", EndedBy: "caller", IVR: 1, Wait: 6, Talk: 10,
				Segments: []string{"ivr 1", "queue 6 answered", "offer 1 busy", "offer 2 answered", "talk 10 released caller"},
			},
		},
		"timed out of the queue, then hung up on": {
			func(h *history) {
				h.do(2, queued)
				h.do(3, acd.QueueLeft{Call: "a", Cause: acd.LeftKey})
				h.do(5, acd.CallEnded{Call: "a", Cause: "normal", By: acd.SideSwitch})
			},
			outcome{
				Cause: "normal", EndedBy: "switch", IVR: 3, Wait: 1,
				Segments: []string{"ivr 1", "queue 1 key", "ivr 2 switch"},
			},
		},
		"the queue was full": {
			func(h *history) {
				h.do(1, acd.CallArrived{Call: "b", Node: "n2"})
				h.do(2, acd.CallQueued{Call: "b", Queue: "human"})
				h.do(3, queued)
				h.do(5, acd.CallEnded{Call: "a", Cause: "normal", By: acd.SideSwitch})
			},
			outcome{
				Cause: "normal", EndedBy: "switch", IVR: 4,
				Segments: []string{"ivr 4 switch", "queue 0 full"},
			},
		},
		"a ring group": {
			func(h *history) {
				h.do(2, queued)
				o := offer(h, 3, "1002", "1003")
				h.do(4, acd.OfferRang{Offer: o, Agent: "1002"})
				h.do(5, acd.OfferFailed{Offer: o, Agent: "1003", Outcome: acd.Busy, SIP: 486})
				h.do(6, acd.OfferAnswered{Offer: o, Agent: "1002"})
				h.do(8, acd.CallEnded{Call: "a", Cause: "normal", By: acd.SideCaller})
			},
			outcome{
				Answered: true, Cause: "normal", EndedBy: "caller", IVR: 1, Wait: 4, Talk: 2, Segments: []string{
					"ivr 1", "queue 4 answered", "offer 3 lost_race", "offer 3 answered", "offer 2 busy", "talk 2 released caller",
				},
			},
		},
		"the menu goes on after the agent": {
			func(h *history) {
				h.do(2, queued)
				o := offer(h, 3)
				h.do(4, acd.OfferAnswered{Offer: o})
				h.do(6, acd.AgentReleased{Offer: o, By: acd.SideAgent})
				h.do(6, acd.CallStepped{Call: "a", Step: "survey"})
				h.do(9, acd.CallEnded{Call: "a", Cause: "normal", By: acd.SideCaller})
			},
			outcome{
				Answered: true, Cause: "normal", EndedBy: "caller", IVR: 4, Wait: 2, Talk: 2,
				Segments: []string{"ivr 1", "queue 2 answered", "offer 1 answered", "talk 2 released agent", "ivr 3 caller"},
			},
		},
		"the node died": {
			func(h *history) {
				h.do(2, queued)
				h.do(3, acd.NodeRestarted{Node: "n1"})
			},
			outcome{
				Cause: "node_lost", EndedBy: "switch", IVR: 1, Wait: 1, Segments: []string{"ivr 1", "queue 1 ended switch"},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := &history{t: t, state: acd.NewState(), fold: report.NewFold()}
			h.do(0, acd.ConfigPublished{Config: acd.Config{
				Queues: []acd.QueueConfig{{Name: "human", RingTime: 15_000, MaxLength: 1, RingGroup: 3}},
				Agents: phones("1001", "1002", "1003"),
			}})
			h.do(1, acd.CallArrived{Call: "a", Node: "n1"})
			tt.then(h)
			b, err := h.fold.Flush()
			if err != nil || len(b.Ended) != 1 {
				t.Fatalf("%d records, error %v", len(b.Ended), err)
			}
			c := b.Ended[0]
			got := outcome{
				Answered: c.Answered, Abandoned: c.Abandoned, Cause: c.Cause, EndedBy: c.EndedBy,
				IVR: c.IVRMS / 1000, Wait: c.WaitMS / 1000, Talk: c.TalkMS / 1000,
			}
			for _, s := range c.Segments {
				line := fmt.Sprintf("%s %d %s %s", s.Kind, s.DurationMS/1000, s.Outcome, s.EndedBy)
				got.Segments = append(got.Segments, strings.Join(strings.Fields(line), " "))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("record (-want +got):\n%s", d)
			}
		})
	}
}

// What the core doesn't end by name is closed when its node comes back.
func TestACallThatDiedWithItsNodeIsClosed(t *testing.T) {
	l := &telling{fold: report.NewFold()}
	l.at(1000, arrival("a"))
	l.at(2000, acd.Fact{Kind: acd.FactNodeRestarted, Node: "n2"})
	l.at(3000, acd.Fact{Kind: acd.FactNodeRestarted, Node: "n1"})
	b, err := l.fold.Flush()
	if err != nil || len(b.Ended) != 1 || b.Ended[0].Cause != "node_lost" || b.Ended[0].LastIndex != 3 {
		t.Errorf("records %+v (%v), want one that ended at index 3", b.Ended, err)
	}
}

func TestStrangeStoriesDoNoHarm(t *testing.T) {
	l := &telling{fold: report.NewFold()}
	l.at(10, fact(acd.FactCallEnded, "unknown"), fact(acd.FactCallStep, "unknown"))
	l.at(20, fact(acd.FactAgentState, "", func(f *acd.Fact) { f.Agent = "1001" }))
	l.at(30, arrival("a"), arrival("a"), fact(acd.FactCallConnected, "a"), fact(acd.FactOfferFailed, "a"))
	l.at(40, fact(acd.FactCallEnded, "a"), fact(acd.FactCallEnded, "a"))
	b, err := l.fold.Flush()
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Ended) != 1 || len(b.Events) != 9 {
		t.Errorf("%d records and %d events, want 1 and 9", len(b.Ended), len(b.Events))
	}
}

func TestAnEndlessMenuKeepsABoundedPath(t *testing.T) {
	l := &telling{fold: report.NewFold()}
	l.at(0, arrival("a"))
	for i := range int64(1000) {
		l.at(i, fact(acd.FactCallStep, "a", func(f *acd.Fact) { f.Step = "round" }))
	}
	l.at(1000, fact(acd.FactCallEnded, "a"))
	b, err := l.fold.Flush()
	if err != nil || len(b.Ended) != 1 || len(b.Ended[0].Path) != 256 {
		t.Fatalf("path has %d steps, error %v", len(b.Ended[0].Path), err)
	}
}

// Wherever the fold is interrupted and resumed from its stored records, and
// whatever is told twice, the records are the same.
func TestPropertyResumeChangesNothing(t *testing.T) {
	whole := &telling{fold: report.NewFold()}
	answered(whole, "a")
	want, err := whole.fold.Flush()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		cuts := rapid.SliceOfNDistinct(rapid.Uint64Range(1, 11), 0, 11, rapid.ID[uint64]).Draw(t, "cuts")
		back := rapid.Uint64Range(0, 3).Draw(t, "back")
		var told []report.Story
		for i := range want.Events { // regroup the events into their stories
			e := want.Events[i]
			if len(told) == 0 || told[len(told)-1].Index != e.Index {
				told = append(told, report.Story{Index: e.Index, At: int64(e.Wall) - base, Wall: int64(e.Wall)})
			}
			s := &told[len(told)-1]
			s.Facts = append(s.Facts, e.Fact)
		}
		cut := map[uint64]bool{}
		for _, c := range cuts {
			cut[c] = true
		}
		fold, kept := report.NewFold(), map[string]report.OpenCall{}
		var ended []report.CDR
		for i := range told {
			for _, s := range told[max(0, i-int(back)) : i+1] { // repeats what was told
				fold.Take(s)
			}
			if !cut[told[i].Index] {
				continue
			}
			b, err := fold.Flush()
			if err != nil {
				t.Fatal(err)
			}
			ended = append(ended, b.Ended...)
			for _, o := range b.Open {
				kept[o.Call] = o
			}
			var stored []report.OpenCall
			if len(b.Ended) == 0 && len(kept) > 0 {
				stored = append(stored, kept["a"])
			}
			if fold, err = report.Resume(report.Saved{Cursor: b.Cursor, Calls: stored}); err != nil {
				t.Fatal(err)
			}
		}
		b, err := fold.Flush()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want.Ended, append(ended, b.Ended...)); d != "" {
			t.Fatalf("records (-whole +resumed):\n%s", d)
		}
	})
}

func TestTimeKeepsItsWidth(t *testing.T) {
	for ms, want := range map[report.Time]string{
		report.Time(base):       `"2026-11-23T02:39:00.000Z"`,
		report.Time(base + 100): `"2026-11-23T02:39:00.100Z"`,
	} {
		b, err := json.Marshal(ms)
		if err != nil || string(b) != want {
			t.Errorf("%d is written %s (%v), want %s", ms, b, err, want)
		}
		var back report.Time
		if err := json.Unmarshal(b, &back); err != nil || back != ms {
			t.Errorf("%s is read as %d (%v), want %d", b, back, err, ms)
		}
	}
	var zoned report.Time
	if err := zoned.UnmarshalText([]byte("2026-11-23T10:39:00+08:00")); err != nil || zoned != report.Time(base) {
		t.Errorf("a zoned time is read as %s (%v)", zoned, err)
	}
	if err := zoned.UnmarshalText([]byte("yesterday")); err == nil {
		t.Error("yesterday was read as a time")
	}
}
