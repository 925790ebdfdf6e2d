package report_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/routing"
)

// told is the real core with a fold behind it; times are seconds.
type told struct {
	t     *testing.T
	state *acd.State
	fold  *report.Fold
	index uint64
}

func (l *told) do(at int64, ev acd.Event) uint64 {
	l.t.Helper()
	l.index++
	r, err := acd.Apply(l.state, acd.Entry{Index: l.index, At: at * 1000, Wall: base + at*1000, Event: ev})
	if err != nil {
		l.t.Fatalf("%d s: %v", at, err)
	}
	l.fold.Take(report.Story{Index: l.index, At: at * 1000, Wall: base + at*1000, Facts: r.Facts})
	return l.index
}

// A caller answers a question, leaves a message, is sent elsewhere in vain, asks
// to be called back, and is reached at the second try. The node restarts in
// between. There is one record of the call and one of the call-back.
func TestRecordOfACallBack(t *testing.T) {
	l := &told{t: t, state: acd.NewState(), fold: report.NewFold()}
	l.do(0, acd.ConfigPublished{Config: acd.Config{
		Queues: []acd.QueueConfig{{Name: "human", RingTime: 15_000, WrapUp: 10_000, Callback: acd.CallbackConfig{Spacing: 60_000}}},
		Agents: []acd.AgentConfig{{ID: "1001", Contact: "sip:1001@127.0.0.1", SignedIn: true}},
	}})
	l.do(1, acd.AgentCommanded{Agent: "1001", Command: acd.GoNotReady, Reason: "lunch"})
	customer := acd.Customer{ID: "u1", Tier: routing.Gold, Language: "zh"}
	l.do(10, acd.CallArrived{
		Call: "c1", Node: "n1", Trunk: "ct", From: "13800138000", To: "10000", Flow: "f", SIPCallID: "c1@ct", Customer: customer,
	})
	l.do(11, acd.CallStepped{Call: "c1", Step: "welcome"})
	l.do(13, acd.CallStepped{Call: "c1", Step: "main", Key: "0", Outcome: "ok", TookMS: 1900})
	l.do(14, acd.CallSurveyed{Call: "c1", Question: "satisfaction", Value: "4"})
	l.do(15, acd.CallRecorded{Call: "c1", Ref: "c1-1", LengthMS: 3200, Kind: "message", Agent: "1001", SHA256: "9f86", Failed: "disk"})
	l.do(16, acd.CallTransferred{Call: "c1", To: "shop", Result: "busy"})
	l.do(20, acd.CallQueued{Call: "c1", Queue: "human", Tier: routing.Gold})
	l.do(50, acd.CallbackRequested{
		Callback: "b1", Call: "c1", Node: "n1", Number: "13800138000", Queue: "human", Tier: routing.Gold, Customer: customer,
	})
	l.do(52, acd.CallEnded{Call: "c1", Cause: "normal", By: acd.SideCaller})
	l.do(60, acd.AgentCommanded{Agent: "1001", Command: acd.GoReady})
	first := l.do(60, acd.CallOffered{Call: "b1", Agent: "1001", Why: "only one"})
	l.do(61, acd.OfferRang{Offer: first})
	l.do(65, acd.OfferAnswered{Offer: first})
	l.do(85, acd.CallbackMissed{Offer: first, Outcome: acd.Busy, SIP: 486})
	l.do(90, acd.NodeRestarted{Node: "n1"})
	l.do(145, acd.TimePassed{})
	second := l.do(146, acd.CallOffered{Call: "b1", Agent: "1001"})
	l.do(148, acd.OfferAnswered{Offer: second})
	l.do(158, acd.CallbackReached{Offer: second, Trunk: "ct", SIPCallID: "b1@n1"})
	l.do(218, acd.AgentReleased{Offer: second, By: acd.SideAgent})
	l.do(225, acd.CallSurveyed{Call: "b1", Question: "satisfaction", Value: "5"})
	l.do(226, acd.CallEnded{Call: "b1", Cause: "normal", By: acd.SideCaller, Quality: &acd.Quality{Codec: "PCMA"}})
	b, err := l.fold.Flush()
	if err != nil {
		t.Fatal(err)
	}
	if n := l.fold.Open(); n != 0 {
		t.Errorf("%d records stay open", n)
	}
	at := func(s int64) report.Time { return report.Time(base + s*1000) }
	want := []report.CDR{{
		Call: "c1", Direction: report.Inward, Node: "n1", Trunk: "ct", From: "13800138000", To: "10000", Flow: "f",
		Generation: 1, SIPCallID: "c1@ct", Customer: "u1", Tier: routing.Gold, Language: "zh",
		Started: at(10), Ended: at(52), DurationMS: 42_000, IVRMS: 12_000, WaitMS: 30_000, Queue: "human",
		Cause: "normal", EndedBy: "caller", Callback: "b1",
		Path: []report.Step{
			{AfterMS: 1000, Step: "welcome"},
			{AfterMS: 3000, Step: "main", Key: "0", Outcome: "ok", TookMS: 1900},
		},
		Notes: []report.Note{
			{AfterMS: 4000, Kind: report.Survey, Name: "satisfaction", Value: "4"},
			{AfterMS: 5000, Kind: report.Recording, Name: "message", Value: "c1-1", LengthMS: 3200, Agent: "1001", SHA256: "9f86", Failed: "disk"},
			{AfterMS: 6000, Kind: report.Transfer, Name: "shop", Value: "busy"},
		},
		Segments: []report.Segment{
			{Kind: report.IVR, Started: at(10), Ended: at(20), DurationMS: 10_000},
			{Kind: report.Queue, Started: at(20), Ended: at(50), DurationMS: 30_000, Queue: "human", Outcome: "callback"},
			{Kind: report.IVR, Started: at(50), Ended: at(52), DurationMS: 2000, EndedBy: "caller"},
		},
		FirstIndex: 3, LastIndex: 11,
	}, {
		Call: "b1", Direction: report.Outward, Node: "n1", Trunk: "ct", To: "13800138000", Generation: 1,
		SIPCallID: "b1@n1", Customer: "u1", Tier: routing.Gold, Language: "zh",
		Started: at(50), Ended: at(226), DurationMS: 176_000, WaitMS: 15_000 + 3000, RingMS: 4000, TalkMS: 60_000,
		Queue: "human", Agent: "1001", Answered: true, Cause: "done", EndedBy: "caller", Origin: "c1",
		Notes:   []report.Note{{AfterMS: 175_000, Kind: report.Survey, Name: "satisfaction", Value: "5", Agent: "1001"}},
		Quality: &acd.Quality{Codec: "PCMA"},
		Segments: []report.Segment{
			{Kind: report.Queue, Started: at(50), Ended: at(65), DurationMS: 15_000, Queue: "human", Outcome: "answered"},
			{
				Kind: report.Offer, Started: at(60), Ended: at(65), DurationMS: 5000, RingMS: 4000, Queue: "human",
				Agent: "1001", Offer: first, Outcome: "answered", Reason: "only one",
			},
			{
				Kind: report.Dial, Started: at(65), Ended: at(85), DurationMS: 20_000, Queue: "human", Agent: "1001",
				Offer: first, Outcome: "busy", SIP: 486,
			},
			{Kind: report.Queue, Started: at(145), Ended: at(148), DurationMS: 3000, Queue: "human", Outcome: "answered"},
			{
				Kind: report.Offer, Started: at(146), Ended: at(148), DurationMS: 2000, Queue: "human", Agent: "1001",
				Offer: second, Outcome: "answered",
			},
			{
				Kind: report.Dial, Started: at(148), Ended: at(158), DurationMS: 10_000, Queue: "human", Agent: "1001",
				Offer: second, Outcome: "reached",
			},
			{
				Kind: report.Talk, Started: at(158), Ended: at(218), DurationMS: 60_000, Queue: "human", Agent: "1001",
				Offer: second, Outcome: "released", EndedBy: "agent",
			},
		},
		FirstIndex: 10, LastIndex: l.index,
	}}
	if d := cmp.Diff(want, b.Ended); d != "" {
		t.Errorf("records (-want +got):\n%s", d)
	}
}
