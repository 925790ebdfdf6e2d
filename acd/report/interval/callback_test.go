package interval_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/acd/report/interval"
)

// The call-back of the day by hand: asked for at 51:30, tried twice, reached at
// 57:35, which is 365 s later. Its conversation is in no queue's numbers; see
// the agents'.
func TestTheCallBackOfTheDayByHand(t *testing.T) {
	n := theDay(t).flush().Numbers
	slot := base + 3*interval.Slot
	want := map[interval.Key]interval.Callbacks{
		{Slot: slot, Place: interval.Place{Queue: "human", Tier: "standard"}}: {Requested: 1, Attempts: 2, Done: 1, DoneMS: 365_000},
	}
	if d := cmp.Diff(want, n.Callbacks); d != "" {
		t.Errorf("call-backs (-by hand +counted):\n%s", d)
	}
	tallies := map[interval.Tally]int64{
		{Slot: slot, Kind: interval.Survey, Queue: "human", Agent: "1002", Name: "satisfaction", Value: "4"}: 1,
		{Slot: slot, Kind: interval.Transfer, Queue: "human", Name: "shop", Value: "busy"}:                   1,
	}
	if d := cmp.Diff(tallies, n.Tallies); d != "" {
		t.Errorf("tallies (-by hand +counted):\n%s", d)
	}
}

// Each end has its own column, and what is open is what was asked for and has
// none.
func TestEndsOfCallBacks(t *testing.T) {
	s := newStory(t)
	s.do(0, acd.ConfigPublished{Config: acd.Config{
		Queues: []acd.QueueConfig{{Name: "q", Callback: acd.CallbackConfig{Attempts: 1, Expires: 3_600_000}}},
		Agents: []acd.AgentConfig{{ID: "1001", Contact: "sip:1001@127.0.0.1", SignedIn: true}},
	}})
	for i, id := range []string{"failed", "cancelled", "again", "expired", "open"} {
		ev := acd.CallbackRequested{Callback: id, Node: "n1", Number: "138" + string(rune('0'+i)), Queue: "q"}
		if id == "open" {
			ev.NotBefore = base + 7_200_000
		}
		s.do(1, ev)
	}
	offer := s.do(2, acd.CallOffered{Call: "failed", Agent: "1001"})
	s.do(3, acd.OfferAnswered{Offer: offer})
	s.do(4, acd.CallbackMissed{Offer: offer, Outcome: acd.Busy})
	s.do(5, acd.CallbackCancelled{Callback: "cancelled", By: "lead"})
	s.do(6, acd.CallArrived{Call: "c", Node: "n1", From: "1382"})
	s.do(7, acd.CallQueued{Call: "c", Queue: "q"})
	s.pass(3700)
	want := interval.Callbacks{Requested: 5, Attempts: 1, Failed: 1, Cancelled: 1, CalledAgain: 1, Expired: 1}
	k := interval.Key{Slot: base, Place: interval.Place{Queue: "q", Tier: "standard"}}
	got := s.flush().Callbacks[k]
	if got != want || got.Open() != 1 {
		t.Errorf("%+v with %d open, want %+v with one", got, got.Open(), want)
	}
	s.fold.Lose() // nobody knows what became of the last one
	if got = s.flush().Callbacks[k]; got != (interval.Callbacks{Lost: 1}) {
		t.Errorf("after a gap %+v, want one lost", got)
	}
}

func TestScores(t *testing.T) {
	n := interval.NewNumbers()
	add := func(queue, agent, question, value string, times int64) {
		n.Tallies[interval.Tally{Kind: interval.Survey, Queue: queue, Agent: agent, Name: question, Value: value}] += times
	}
	add("human", "1001", "satisfaction", "5", 3)
	add("human", "1002", "satisfaction", "2", 1)
	add("vip", "1001", "satisfaction", "4", 1)
	add("human", "1001", "why", "price", 2) // no number
	n.Tallies[interval.Tally{Kind: interval.Transfer, Name: "shop", Value: "5"}]++
	scores := n.Scores(false, false)
	if len(scores) != 2 || scores[0].Question != "satisfaction" {
		t.Fatalf("%v", scores)
	}
	s := scores[0]
	if s.Count() != 5 || s.Mean() != (interval.Ratio{Of: 21, All: 5}) {
		t.Errorf("%d answers, mean %v, want 5 and 21/5", s.Count(), s.Mean())
	}
	if s = scores[1]; s.Count() != 2 || s.Mean() != (interval.Ratio{}) {
		t.Errorf("%d answers, mean %v, want 2 and none", s.Count(), s.Mean())
	}
	var keys []string
	for _, s := range n.Scores(true, true) {
		keys = append(keys, fmt.Sprintf("%s %s %s %d", s.Queue, s.Agent, s.Question, s.Count()))
	}
	want := []string{
		"human 1001 satisfaction 3", "human 1001 why 2", "human 1002 satisfaction 1", "vip 1001 satisfaction 1",
	}
	if d := cmp.Diff(want, keys); d != "" {
		t.Errorf("by queue and agent (-want +got):\n%s", d)
	}
}
