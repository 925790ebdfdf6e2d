package console_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tierline/acd"
	"tierline/acd/report/cursor"
	"tierline/cluster"
	"tierline/cmd/internal/console"
	"tierline/cmd/internal/console/wire"
	"tierline/routing"
)

// scrape returns the lines of /metrics that are ours.
func (b *bed) scrape() map[string]string {
	b.t.Helper()
	_, text := b.do(http.MethodGet, "/metrics", "")
	found := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(name, "tierline_") {
			found[name] = value
		}
	}
	return found
}

// The counters, the state and the call records are made from the same facts
// and show the same numbers.
func TestMetricsAgreeWithTheRecords(t *testing.T) {
	b := newBed(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.meter.Run(ctx) }()
	for len(b.scrape()) == 0 {
		t.Log("waiting for the first scrape")
	}
	b.centre()
	calls := 0
	arrive := func(tier routing.Tier) string {
		calls++
		id := fmt.Sprint("c", calls)
		b.core.must(t, acd.CallArrived{Call: id, Node: "n1", Trunk: "ct", Customer: acd.Customer{Tier: tier}},
			acd.CallQueued{Call: id, Queue: "human", Tier: tier})
		return id
	}
	for range 3 {
		id := arrive(routing.Gold)
		b.core.must(t, acd.CallOffered{Call: id, Agent: "1001"})
		offer := uint64(len(b.core.stories))
		b.core.now += 4000
		b.core.must(t, acd.OfferAnswered{Offer: offer})
		b.core.now += 100_000
		b.core.must(t, acd.CallEnded{Call: id, Cause: "normal", By: acd.SideCaller})
	}
	b.core.must(t, acd.CallEnded{Call: arrive(routing.Silver), Cause: "abandoned", By: acd.SideCaller})
	id := arrive(routing.Diamond)
	b.core.must(t, acd.CallStepped{Call: id, Step: "main"}, acd.CallStepped{Call: id, Step: "bill", Outcome: "key"},
		acd.CallTransferred{Call: id, To: "desk", Result: "busy"},
		acd.CallSurveyed{Call: id, Question: "satisfaction", Value: "5"},
		acd.CallbackRequested{Callback: "k", Node: "n1", Number: "+8613800138000", Queue: "human", Generation: 1},
		acd.CallbackCancelled{Callback: "k", By: "test"})
	want := map[string]string{
		`tierline_flow_steps_total{flow="none",node="main",outcome="key"}`:            "1",
		`tierline_transfers_total{destination="desk",result="busy"}`:                  "1",
		`tierline_survey_answers_total{question="satisfaction",value="5"}`:            "1",
		`tierline_callbacks_requested_total{queue="human"}`:                           "1",
		`tierline_callbacks_ended_total{cause="cancelled",queue="human"}`:             "1",
		`tierline_calls_arrived_total{trunk="ct"}`:                                    "5",
		`tierline_calls_queued_total{queue="human",tier="gold"}`:                      "3",
		`tierline_calls_answered_total{queue="human",tier="gold"}`:                    "3",
		`tierline_calls_abandoned_total{queue="human",tier="silver"}`:                 "1",
		`tierline_calls_left_queue_total{queue="human",reason="ended",tier="silver"}`: "", // abandoned
		`tierline_calls_ended_total{cause="normal"}`:                                  "3",
		`tierline_calls_ended_total{cause="abandoned"}`:                               "1",
		`tierline_wait_seconds_sum{queue="human",tier="gold"}`:                        "12",
		`tierline_wait_seconds_bucket{queue="human",tier="gold",le="2"}`:              "0",
		`tierline_talk_seconds_sum{queue="human"}`:                                    "300",
		`tierline_queue_waiting{queue="human",tier="diamond"}`:                        "1",
		`tierline_calls{phase="waiting"}`:                                             "1",
		`tierline_agents{state="ready"}`:                                              "1",
		`tierline_generation`:                                                         "1",
		`tierline_queue_agents_signed_in{queue="human"}`:                              "1",
		`tierline_calls{phase="talking"}`:                                             "0",
		`tierline_queue_agents_ready{queue="human"}`:                                  "1",
		`tierline_calls_answered_total{queue="human",tier="diamond"}`:                 "",
		`tierline_wait_seconds_bucket{queue="human",tier="gold",le="+Inf"}`:           "3",
	}
	for end := time.Now().Add(10 * time.Second); ; {
		got := b.scrape()
		wrong := ""
		for name, value := range want {
			if got[name] != value {
				wrong += fmt.Sprintf("%s = %q, want %q\n", name, got[name], value)
			}
		}
		if wrong == "" {
			break
		}
		if time.Now().After(end) {
			t.Fatal(wrong)
		}
	}
	b.store()
	records := get[wire.CDRs](b, "/api/v1/cdrs?limit=100")
	answered := 0
	for _, c := range records.CDRs {
		if c.Answered && c.Tier == routing.Gold {
			answered++
		}
	}
	if answered != 3 || len(records.CDRs) != 5 { // the call-back has one of its own
		t.Errorf("records: %d of %d answered, want 3 of 5", answered, len(records.CDRs))
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLabelsAreBounded(t *testing.T) {
	b := newBed(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = b.meter.Run(ctx) }()
	b.centre()
	for b.scrape()[`tierline_calls_arrived_total{trunk="first"}`] == "" { // until it follows
		id := fmt.Sprint("f", len(b.core.stories))
		b.core.must(t, acd.CallArrived{Call: id, Node: "n1", Trunk: "first"})
	}
	for i := range 200 {
		b.core.must(t, acd.CallArrived{Call: fmt.Sprint("c", i), Node: "n1", Trunk: fmt.Sprintf("t%d", i)})
	}
	for end := time.Now().Add(10 * time.Second); ; {
		got := b.scrape()
		trunks := 0
		for name := range got {
			if strings.HasPrefix(name, "tierline_calls_arrived_total") {
				trunks++
			}
		}
		if got[`tierline_calls_arrived_total{trunk="other"}`] == "137" {
			if trunks != 65 {
				t.Errorf("%d trunks, want 64 and other", trunks)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d trunks, other %s", trunks, got[`tierline_calls_arrived_total{trunk="other"}`])
		}
	}
}

func TestFigures(t *testing.T) {
	b := newBed(t)
	b.config.Metrics.MustRegister(console.Collector(func() []console.Figure {
		out := console.ClusterFigures(cluster.Stats{Leader: true, Applied: 42, Refused: 7})
		out = append(out, console.RecordFigures(cursor.Stats{Index: 40, Failing: "disk full"})...)
		return append(out, console.Counters("calls_refused_total", "New calls refused", "reason", map[string]uint64{"drain": 3, "full": 2})...)
	}))
	b.meter.Committed(3 * time.Millisecond)
	got := b.scrape()
	for name, want := range map[string]string{
		"tierline_cluster_leader": "1", "tierline_cluster_applied_index": "42", "tierline_cluster_refused_total": "7",
		"tierline_records_index": "40", "tierline_records_failing": "1", "tierline_commit_seconds_count": "1",
		`tierline_calls_refused_total{reason="drain"}`: "3", `tierline_calls_refused_total{reason="full"}`: "2",
	} {
		if got[name] != want {
			t.Errorf("%s = %q, want %q", name, got[name], want)
		}
	}
}
