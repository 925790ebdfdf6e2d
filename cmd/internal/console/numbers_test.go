package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/cmd/internal/console/wire"
	"tierline/routing"
)

// visit lets a caller wait and tells how it ends: an agent answers after a
// wait, or the caller hangs up, or leaves by a key.
func (b *bed) visit(id string, tier routing.Tier, waitMS, talkMS int64, end acd.Event) {
	b.t.Helper()
	b.core.must(b.t, acd.CallArrived{Call: id, Node: "n1", Trunk: "ct", Customer: acd.Customer{Tier: tier}},
		acd.CallQueued{Call: id, Queue: "human", Tier: tier})
	if talkMS > 0 {
		b.core.must(b.t, acd.CallOffered{Call: id, Agent: "1001"})
		offer := uint64(len(b.core.stories))
		b.core.now += waitMS
		b.core.must(b.t, acd.OfferAnswered{Offer: offer})
		b.core.now += talkMS
		b.core.must(b.t, acd.AgentReleased{Offer: offer, By: acd.SideCaller})
	} else {
		b.core.now += waitMS
	}
	b.core.must(b.t, end)
}

// aDay is one story with every kind of number, over three hours.
func (b *bed) aDay() {
	b.centre()
	hungUp := func(id string) acd.Event { return acd.CallEnded{Call: id, Cause: "normal", By: acd.SideCaller} }
	for i, waited := range []int64{4_000, 20_000, 20_001, 70_000, 1_000, 8_000} {
		id := fmt.Sprint("a", i)
		b.visit(id, routing.Tier(i%2+1), waited, 100_000+int64(i)*1000, hungUp(id))
		b.core.now += 1_500_000
	}
	for i, waited := range []int64{2_000, 5_000, 5_001, 19_000, 45_000} {
		id := fmt.Sprint("b", i)
		b.visit(id, routing.Silver, waited, 0, hungUp(id))
	}
	b.visit("k", routing.Diamond, 33_000, 0, acd.QueueLeft{Call: "k", Cause: acd.LeftKey})
	b.visit("s", routing.Diamond, 1_000, 0, acd.CallEnded{Call: "s", Cause: "node_stopped", By: acd.SideSwitch})
	b.core.must(b.t, acd.CallArrived{Call: "w", Node: "n1", Trunk: "ct"}, acd.CallQueued{Call: "w", Queue: "human"})
}

// sums adds up the values of a metric over the labels that aren't named.
func sums(lines map[string]string, metric string, labels ...string) float64 {
	total := 0.0
	for name, value := range lines {
		ok := strings.HasPrefix(name, "tierline_"+metric+"{")
		for _, l := range labels {
			ok = ok && strings.Contains(name, l)
		}
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil {
			total += v
		}
	}
	return total
}

// One story gives the same numbers in the report, in the live view and in the
// metrics.
func TestOneStoryHasOneSetOfNumbers(t *testing.T) {
	b := newBed(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.meter.Run(ctx) }()
	for sums(b.scrape(), "calls_arrived_total") == 0 { // until it follows
		b.core.must(t, acd.ConfigPublished{Hash: "h"}, acd.CallArrived{Call: fmt.Sprint("f", len(b.core.stories)), Node: "n1"})
	}
	b.aDay()
	b.store()
	want := get[wire.QueueReport](b, "/api/v1/stats/queues?variant=B").Total
	if want.Offered != 14 || want.Answered != 6 || want.Abandoned != 5 || want.Waiting != 1 || want.AnsweredIn != 4 ||
		want.ShortAbandoned != 2 || want.AnsweredWaitMS != 123_001 || want.TalkMS != 615_000 {
		t.Errorf("the report says %+v", want)
	}
	if d := cmp.Diff(map[string]int64{"key": 1, "ended": 1}, want.Left); d != "" {
		t.Errorf("left (-want +got):\n%s", d)
	}
	metrics := func() string {
		m := b.scrape()
		return fmt.Sprint(sums(m, "calls_queued_total"), sums(m, "calls_answered_total"), sums(m, "calls_abandoned_total"),
			sums(m, "calls_left_queue_total"), sums(m, "queue_waiting"), sums(m, "wait_seconds_bucket", `le="20"`),
			sums(m, "abandoned_wait_seconds_bucket", `le="5"`), sums(m, "abandoned_wait_seconds_bucket", `le="20"`),
			sums(m, "wait_seconds_sum"), sums(m, "talk_seconds_sum"))
	}
	report := fmt.Sprint(want.Offered, want.Answered, want.Abandoned, want.Left["key"]+want.Left["ended"], want.Waiting,
		want.AnsweredIn, want.ShortAbandoned, want.AbandonedIn, float64(want.AnsweredWaitMS)/1000, want.TalkMS/1000)
	for end := time.Now().Add(10 * time.Second); metrics() != report; {
		if time.Now().After(end) {
			t.Fatalf("metrics %s, report %s", metrics(), report)
		}
	}
	b.config.Target.Variant, b.config.Target.Within, b.config.Target.Short = "B", 20, 5
	b.start()
	live := get[wire.Queues](b, "/api/v1/queues")
	today := wire.Today{
		Offered: want.Offered, Answered: want.Answered, Abandoned: want.Abandoned, ServiceLevel: want.ServiceLevel, ASAMS: want.ASAMS,
	}
	if d := cmp.Diff(&today, live.Queues[0].Today); d != "" || live.Queues[0].Waiting != int(want.Waiting) {
		t.Errorf("%d wait, today (-report +live):\n%s", live.Queues[0].Waiting, d)
	}
	if d := cmp.Diff(wire.ServiceLevel{Variant: "B", WithinS: 20, ShortS: 5}, live.ServiceLevel); d != "" {
		t.Errorf("service level (-want +got):\n%s", d)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// However the time, tiers and skills are told apart, the rows add up to the
// same total.
func TestRowsAddUp(t *testing.T) {
	b := newBed(t)
	b.aDay()
	b.store()
	whole := get[wire.QueueReport](b, "/api/v1/stats/queues")
	if whole.From.String() != "2026-11-23T00:00:00.000Z" || len(whole.Rows) != 1 {
		t.Errorf("%d rows since %s, want one since midnight", len(whole.Rows), whole.From)
	}
	for query, rows := range map[string]int{
		"interval=15m": 8, "interval=30m": 6, "interval=1h": 4, "interval=1d": 1, "by=tier": 4, "by=tier,skill": 4,
		"interval=1d&from=2026-11-22T21:00:00-05:00": 2, "queue=human": 1,
	} {
		got := get[wire.QueueReport](b, "/api/v1/stats/queues?"+query)
		if len(got.Rows) != rows {
			t.Errorf("%s: %d rows, want %d", query, len(got.Rows), rows)
		}
		for i, r := range got.Rows {
			if r.Began >= r.Ended || r.Began < got.From || r.Ended > got.Until || i > 0 && r.Began < got.Rows[i-1].Began {
				t.Errorf("%s: a row from %s until %s", query, r.Began, r.Ended)
			}
		}
		got.Total.Began, got.Total.Ended = whole.Total.Began, whole.Total.Ended
		if d := cmp.Diff(whole.Total, got.Total); d != "" {
			t.Errorf("%s: total (-whole +got):\n%s", query, d)
		}
	}
	if got := get[wire.QueueReport](b, "/api/v1/stats/queues?queue=vip"); len(got.Rows) != 0 || got.Total.Offered != 0 {
		t.Errorf("a queue without calls has %+v", got)
	}
}

func TestServiceLevelsAsAskedFor(t *testing.T) {
	b := newBed(t)
	b.aDay()
	b.store()
	for query, want := range map[string]string{
		"variant=A": "0.667 A 20 5", "variant=B": "0.364 B 20 5", "variant=C": "0.571 C 20 5", "variant=D": "0.727 D 20 5",
		"": "0.444 E 20 5", "within=21&short=6": "0.625 E 21 6", "variant=A&within=120": "1.000 A 120 5",
	} {
		r := get[wire.QueueReport](b, "/api/v1/stats/queues?"+query)
		got := fmt.Sprintf("%.3f %s %d %d", *r.Total.ServiceLevel, r.ServiceLevel.Variant, r.ServiceLevel.WithinS, r.ServiceLevel.ShortS)
		if got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if r := get[wire.QueueReport](b, "/api/v1/stats/queues?until=2026-11-23T00:15:00Z"); r.Total.ServiceLevel != nil || r.Total.ASAMS != nil {
		t.Errorf("a night without calls has %v, %v", r.Total.ServiceLevel, r.Total.ASAMS)
	}
}

// What an agent is doing counts before it is over.
func TestAgentsNumbersAreOfThisMoment(t *testing.T) {
	b := newBed(t)
	b.aDay()
	b.core.must(t, acd.AgentCommanded{Agent: "1001", Command: acd.GoNotReady, Reason: "lunch", By: "1001"})
	b.store()
	b.core.now += 600_000
	b.core.must(t, acd.TimePassed{}) // the log's clock goes on, the records know nothing of it
	got := get[wire.AgentReport](b, "/api/v1/stats/agents")
	if len(got.Rows) != 1 || got.Rows[0].Agent != "1001" {
		t.Fatalf("rows %+v", got.Rows)
	}
	a := got.Rows[0]
	near := func(ms, want int64) bool { return ms >= want && ms < want+60_000 } // the test runs on
	if !near(a.NotReady["lunch"], 600_000) || !near(a.SignedInMS, b.core.now) || a.TalkingMS != 615_000 || a.Offers != 6 ||
		a.Answered != 6 || *a.AHTMS != 102_500 || a.ReservedMS != 123_001 || *a.Occupancy <= 0 || *a.Occupancy >= 1 {
		t.Errorf("agent %+v", a)
	}
	for query, rows := range map[string]int{"by=queue": 2, "agent=1002": 0, "interval=1h&agent=1001": 4} {
		if got := get[wire.AgentReport](b, "/api/v1/stats/agents?"+query); len(got.Rows) != rows {
			t.Errorf("%s: %d rows, want %d", query, len(got.Rows), rows)
		}
	}
}

func TestBadQueriesOfNumbers(t *testing.T) {
	b := newBed(t)
	for _, query := range []string{
		"from=2026-11-24T00:00:00Z", "from=2025-01-01T00:00:00Z&interval=15m", "interval=5m", "by=agent", "within=121",
		"within=-1", "short=121", "variant=F", "from=yesterday", "since=8h",
	} {
		b.problem(http.MethodGet, "/api/v1/stats/queues?"+query, "", http.StatusUnprocessableEntity)
	}
	from := url.QueryEscape("2026-11-23T10:00:00+08:00")
	if got := get[wire.QueueReport](b, "/api/v1/stats/queues?from="+from); got.From.String() != "2026-11-23T02:00:00.000Z" {
		t.Errorf("from %s", got.From)
	}
}

// Call-backs and surveys are counted apart: neither the queue's other numbers
// nor its metrics know of the conversation.
func TestCallBacksAndSurveysInTheNumbers(t *testing.T) {
	b := newBed(t)
	b.centre()
	ask := func(id, number string) {
		b.core.must(t, acd.CallbackRequested{Callback: id, Node: "n1", Number: number, Queue: "human", Tier: routing.Gold})
	}
	ask("b1", "138")
	ask("b2", "139")
	b.core.now += 60_000
	b.core.must(t, acd.CallOffered{Call: "b1", Agent: "1001"})
	offer := uint64(len(b.core.stories))
	b.core.must(t, acd.OfferAnswered{Offer: offer}, acd.CallbackReached{Offer: offer})
	b.core.now += 30_000
	b.core.must(t, acd.AgentReleased{Offer: offer, By: acd.SideAgent},
		acd.CallSurveyed{Call: "b1", Question: "satisfaction", Value: "4"},
		acd.CallEnded{Call: "b1", Cause: "normal", By: acd.SideCaller})
	b.store()
	got := get[wire.QueueReport](b, "/api/v1/stats/queues?by=tier")
	want := &wire.CallbackNumbers{Requested: 2, Attempts: 1, Done: 1, Open: 1, DoneAfterMS: new(int64(60_000))}
	if len(got.Rows) != 1 || got.Rows[0].Tier != "gold" {
		t.Fatalf("rows %+v", got.Rows)
	}
	for _, row := range []wire.QueueNumbers{got.Rows[0], got.Total} {
		if d := cmp.Diff(want, row.Callbacks); d != "" {
			t.Errorf("call-backs (-want +got):\n%s", d)
		}
		if row.Offered+row.Answered+row.Handled+row.TalkMS != 0 {
			t.Errorf("the queue's other numbers are %+v", row)
		}
	}
	survey := []wire.Survey{{
		Began: got.From, Ended: got.Until, Queue: "human", Question: "satisfaction", Answers: map[string]int64{"4": 1},
		Count: 1, Mean: new(4.0),
	}}
	if d := cmp.Diff(survey, got.Surveys); d != "" {
		t.Errorf("surveys (-want +got):\n%s", d)
	}
	agents := get[wire.AgentReport](b, "/api/v1/stats/agents")
	survey[0].Queue, survey[0].Agent = "", "1001"
	if d := cmp.Diff(survey, agents.Surveys); d != "" {
		t.Errorf("surveys by agent (-want +got):\n%s", d)
	}
	if r := get[wire.QueueReport](b, "/api/v1/stats/queues?queue=vip"); r.Total.Callbacks != nil || len(r.Surveys) != 0 {
		t.Errorf("another queue has %+v, %+v", r.Total.Callbacks, r.Surveys)
	}
	if r := get[wire.AgentReport](b, "/api/v1/stats/agents?agent=1002"); len(r.Surveys) != 0 {
		t.Errorf("another agent has %+v", r.Surveys)
	}
}
