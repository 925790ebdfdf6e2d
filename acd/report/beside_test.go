package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/acd/report"
)

// core tells a fold what a real core makes of events.
type core struct {
	t     *testing.T
	state *acd.State
	fold  *report.Fold
	index uint64
	now   int64
}

func newCore(t *testing.T) *core {
	t.Helper()
	c := &core{t: t, state: acd.NewState(), fold: report.NewFold()}
	agents := []acd.AgentConfig{
		{ID: "1001", Contact: "sip:1", SignedIn: true}, {ID: "1002", Contact: "sip:2"}, {ID: "1003", Contact: "sip:3"},
	}
	queues := []acd.QueueConfig{{Name: "human", WrapUp: 10_000}}
	c.put(acd.ConfigPublished{Hash: "h", Config: acd.Config{Agents: agents, Queues: queues}})
	return c
}

// put applies an event a second after the last one, and what the leader decides
// then. It returns the entry's index, which names an offer.
func (c *core) put(ev acd.Event) uint64 {
	c.t.Helper()
	c.now += 1000
	index := c.apply(ev)
	for _, more := range acd.Decide(c.state, c.now) {
		index = c.apply(more)
	}
	return index
}

func (c *core) apply(ev acd.Event) uint64 {
	c.t.Helper()
	c.index++
	r, err := acd.Apply(c.state, acd.Entry{Index: c.index, At: c.now, Wall: base + c.now, Event: ev})
	if err != nil {
		c.t.Fatal(err)
	}
	c.fold.Take(report.Story{Index: c.index, At: c.now, Wall: base + c.now, Facts: r.Facts})
	return c.index
}

// segments ends in one line each: kind, agent, length, outcome, reason.
func (c *core) segments() (report.CDR, string) {
	c.t.Helper()
	b, err := c.fold.Flush()
	if err != nil || len(b.Ended) != 1 {
		c.t.Fatalf("%d records, %v", len(b.Ended), err)
	}
	var lines []string
	for _, s := range b.Ended[0].Segments {
		line := fmt.Sprintf("%s %s %d %s %s", s.Kind, s.Agent, s.DurationMS/1000, s.Outcome, s.Reason)
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return b.Ended[0], strings.Join(lines, "\n")
}

// TestHandedOverCall: each agent is credited with what he did, hold and
// consultation stand beside the conversation.
func TestHandedOverCall(t *testing.T) {
	c := newCore(t)
	c.put(acd.CallArrived{Call: "a", Node: "n1", From: "138"})
	offer := c.put(acd.CallQueued{Call: "a", Queue: "human"})
	c.put(acd.OfferAnswered{Offer: offer})
	c.put(acd.AgentCommanded{Agent: "1002", Command: acd.GoReady})
	c.put(acd.TalkChanged{Offer: offer, Held: true, By: "1001"})
	side := c.put(acd.AgentCalled{Call: "a", Agent: "1002", Role: acd.RoleConsult, By: "1001"})
	c.put(acd.OfferRang{Offer: side})
	c.put(acd.OfferAnswered{Offer: side})
	c.put(acd.TalkChanged{Offer: offer, By: "1001"})
	c.put(acd.CallHandedOver{Call: "a", To: side, By: acd.SideAgent})
	c.put(acd.AgentCommanded{Agent: "1003", Command: acd.GoReady})
	third := c.put(acd.AgentCalled{Call: "a", Agent: "1003", Role: acd.RoleConsult, By: "1002"})
	c.put(acd.OfferAnswered{Offer: third})
	c.put(acd.MemberJoined{Offer: third, By: "1002"})
	dial := acd.OutsideChanged{Call: "a", Leg: 1, To: "139", Role: acd.RoleMember, By: "1002", State: acd.OutsideDialled}
	c.put(dial)
	dial.State = acd.OutsideLeft
	c.put(dial)
	c.put(acd.CallEnded{Call: "a", Cause: "normal", By: acd.SideCaller})
	cdr, got := c.segments()
	want := strings.TrimSpace(`
ivr 1
queue 1 answered
offer 1001 1 answered deadline 3000; 1 of 1 ready, idle 2000 ms
talk 1001 7 released
hold 1001 4 resumed 1001
offer 1002 2 answered consult by 1001
consult 1002 2 handed_over 1001
talk 1002 7 released
offer 1003 1 answered consult by 1002
consult 1003 1 answered 1002
member 1003 3 released 1002
outside 1 left member 139`)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("segments (-want +got):\n%s", d)
	}
	if cdr.TalkMS != 14_000 || cdr.Agent != "1001" || cdr.Direction != report.Inward {
		t.Errorf("record %+v", cdr)
	}
}

// TestPlacedCalls: who called whom, and how long they talked.
func TestPlacedCalls(t *testing.T) {
	c := newCore(t)
	c.put(acd.AgentCommanded{Agent: "1002", Command: acd.GoReady})
	c.put(acd.CallPlaced{Call: "a", Node: "n1", Agent: "1001", To: "1002"})
	side := c.put(acd.AgentCalled{Call: "a", Agent: "1002", Role: acd.RoleTransfer, By: "1001"})
	c.put(acd.OfferAnswered{Offer: side})
	c.put(acd.CallEnded{Call: "a", Cause: "normal", By: acd.SideCaller})
	cdr, got := c.segments()
	want := "caller 1001 3 released 1001\noffer 1002 1 answered transfer by 1001\ntalk 1002 1 released"
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("segments (-want +got):\n%s", d)
	}
	if cdr.Direction != report.Internal || cdr.From != "1001" || cdr.To != "1002" || !cdr.Answered {
		t.Errorf("record %+v", cdr)
	}

	c.put(acd.CallPlaced{Call: "b", Node: "n1", Agent: "1001", To: "+86139", Outside: true})
	reached := acd.OutsideChanged{Call: "b", To: "+86139", By: "1001", State: acd.OutsideAnswered}
	c.put(reached)
	c.put(acd.CallEnded{Call: "b", Cause: "normal", By: acd.SideCaller})
	cdr, got = c.segments()
	if d := cmp.Diff("dial 1001 1 reached 1001\ntalk 1001 1 released", got); d != "" {
		t.Errorf("segments (-want +got):\n%s", d)
	}
	if cdr.Direction != report.Outward || !cdr.Answered || cdr.TalkMS != 1000 || cdr.Agent != "1001" {
		t.Errorf("record %+v", cdr)
	}
}

// TestTestsOfTrunks: whom the test called, for how long, and who wanted it.
func TestTestsOfTrunks(t *testing.T) {
	c := newCore(t)
	told := func(state string, status int, q *acd.Quality) {
		c.put(acd.OutsideChanged{Call: "a", To: "+86139", By: "lead", State: state, Trunk: "ct", SIP: status, Quality: q})
	}
	place := acd.TestPlaced{Call: "a", Node: "n1", Trunk: "ct", To: "+86139", By: "lead"}
	c.put(place)
	told(acd.OutsideAnswered, 200, nil)
	told(acd.OutsideLeft, 0, &acd.Quality{Codec: "PCMA", Received: 300})
	c.put(acd.CallEnded{Call: "a", Cause: "normal", By: acd.SideSwitch})
	cdr, got := c.segments()
	if d := cmp.Diff("dial 1 reached\noutside 1 left +86139", got); d != "" {
		t.Errorf("segments (-want +got):\n%s", d)
	}
	if cdr.Direction != report.Test || cdr.From != "lead" || cdr.To != "+86139" || cdr.Trunk != "ct" || cdr.Answered ||
		cdr.TalkMS != 0 || cdr.DurationMS != 3000 || cdr.Segments[1].Quality.Received != 300 {
		t.Errorf("record %+v", cdr)
	}
	place.Call = "b"
	c.put(place)
	c.put(acd.OutsideChanged{Call: "b", To: "+86139", By: "lead", State: acd.OutsideFailed, Trunk: "ct", SIP: 486})
	c.put(acd.CallEnded{Call: "b", Cause: "busy", By: acd.SideSwitch, SIP: 486})
	if cdr, got = c.segments(); got != "dial 1 failed" || cdr.Cause != "busy" || cdr.SIP != 486 || cdr.Segments[0].SIP != 486 {
		t.Errorf("segments %s, record %+v", got, cdr)
	}
}
