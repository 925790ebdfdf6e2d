package cli

import (
	"strings"
	"testing"

	"tierline/acd"
	"tierline/cmd/internal/console/wire"
	"tierline/routing"
)

func TestExplainReads(t *testing.T) {
	a := newAPI(t)
	d := acd.Explanation{
		Queue: "human", Tier: routing.Gold, Policy: "deadline", Order: "deadline 12 s ago", Requirement: "billing>=3", Steps: 1,
		Place: acd.Place{Position: 2, Known: true, MinMinutes: 3, MaxMinutes: 5}, Why: "no agent is ready",
		Candidates: []acd.Candidate{{Agent: "1001", Name: "Wang", State: acd.AgentReady, IdleMS: 61_000, Levels: 9, Why: "first choice"}},
		RuledOut:   []acd.Candidate{{Agent: "1002", Name: "Li", State: acd.AgentTalking, Why: "on call c7"}},
		Omitted:    3, Helps: []string{"1002 is free in about 20 s"},
	}
	a.answers["GET /api/v1/explain"] = wire.Explained{
		Trunk: "ct", From: "+8613800138000", To: "10001", At: at, Flow: "svc10001", Known: true, Tier: "gold", Language: "zh",
		Customer: wire.Customer{ID: "c1", Name: "Zhang"}, Queue: "human", Decision: &d,
		Rules:     []wire.RuleVerdict{{Rule: "number 10000", Why: "another number"}, {Rule: "number 10001", Flow: "svc10001", Won: true}},
		Calendars: []wire.Hours{{Calendar: "people", Open: true, Why: "Mon-Sun 08:00-22:00"}, {Calendar: "office", Why: "holiday"}},
		Path: []wire.PathStep{
			{Node: "main", Milestone: "main_menu"}, {AtMS: 2_500, Node: "bill", Key: "1"}, {AtMS: 2_600, Node: "people", Outcome: "ok"},
		},
		Asked:   []wire.AskedSource{{Source: "bss", Request: "GET /v1/bills/1", Answer: "ok"}},
		Assumed: []string{"the secret for pin may be tried"},
	}
	a.answers["GET /api/v1/calls/c1/explain"] = d
	golden(t, "explain", run(t, a.URL, "explain", "--from", "13800138000", "--to", "10001", "--keys", "1,3", "--at", "2026-11-23 02:39").out+
		"----\n"+run(t, a.URL, "explain", "c1").out)
	if got := a.asked()[0]; got != "GET /api/v1/explain?at=2026-11-23T02%3A39%3A00.000Z&from=13800138000&keys=1%2C3&to=10001" {
		t.Errorf("asked %s", got)
	}
	if got := run(t, a.URL, "explain", "--from", "1"); got.code != 1 || !strings.Contains(got.err, "--from NUMBER --to NUMBER") {
		t.Errorf("half a question: %+v", got)
	}
}
