package demo

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tierline/acd/report"
	"tierline/call/phone"
	documents "tierline/testdata/demo"
)

// good is a call that got all it wanted.
func good(want wish) (entry, []talk, *report.CDR) {
	e := entry{
		tone:   1400,
		script: script{want: want, number: "10000", keys: []phone.Keys{{Digits: "1"}}, milestone: "agent"},
		report: phone.Report{
			Status: 200, Answered: 10 * time.Millisecond, Served: 5 * time.Second, Length: 20 * time.Second, Sent: "1",
			Heard: phone.Heard{Sound: 10 * time.Second, Silence: 3 * time.Second},
		},
	}
	t := talk{Handled: phone.Handled{Answered: true, Heard: phone.Heard{Tones: []phone.Tone{{Hz: 1400, For: 2 * time.Second}}}}}
	record := &report.CDR{Answered: true, TalkMS: 5000, Path: []report.Step{{Step: "x", Milestone: "agent"}}}
	return e, []talk{t}, record
}

func TestJudge(t *testing.T) {
	tests := map[string]struct {
		want   wish
		change func(e *entry, talks *[]talk, c **report.CDR)
		unmet  string // part of what is said; "": nothing
	}{
		"agent":           {wantAgent, nil, ""},
		"menu":            {wantMenu, nil, ""},
		"gave up, served": {wantAbandon, nil, ""},
		"gave up": {wantAbandon, func(e *entry, _ *[]talk, c **report.CDR) {
			e.report.Served, e.report.Sent = 0, ""
			(*c).Abandoned, (*c).Answered = true, false
		}, ""},
		"gave up, recorded otherwise": {wantAbandon, func(e *entry, _ *[]talk, c **report.CDR) {
			e.report.Served = 0
			(*c).Cause = "fault"
		}, "recorded as fault"},
		"refused": {wantAgent, func(e *entry, _ *[]talk, _ **report.CDR) {
			e.report.Answered, e.report.Status = 0, 503
		}, "not answered (503"},
		"late":   {wantAgent, func(e *entry, _ *[]talk, _ **report.CDR) { e.report.Answered = 4 * time.Second }, "only after 4"},
		"error":  {wantAgent, func(e *entry, _ *[]talk, _ **report.CDR) { e.report.Err = errors.New("boom") }, "boom"},
		"silent": {wantAgent, func(e *entry, _ *[]talk, _ **report.CDR) { e.report.Heard.Silence = 10 * time.Second }, "silence"},
		"deaf menu": {wantMenu, func(e *entry, _ *[]talk, _ **report.CDR) {
			e.report.Heard.Sound, e.report.Served = 0, 0
		}, "greeting"},
		"unheard":   {wantAgent, func(_ *entry, talks *[]talk, _ **report.CDR) { (*talks)[0].Heard.Tones = nil }, "no agent heard"},
		"no agent":  {wantAgent, func(e *entry, _ *[]talk, _ **report.CDR) { e.report.Served = 0 }, "no agent in 20 s"},
		"no record": {wantAgent, func(_ *entry, _ *[]talk, c **report.CDR) { *c = nil }, "no call record"},
		"no talk":   {wantAgent, func(_ *entry, _ *[]talk, c **report.CDR) { (*c).TalkMS = 0 }, "without a conversation"},
		"key lost":  {wantAgent, func(e *entry, _ *[]talk, _ **report.CDR) { e.report.Sent = "" }, `pressed "" of "1"`},
		"deaf to keys": {wantMenu, func(_ *entry, _ *[]talk, c **report.CDR) {
			(*c).Path = nil
		}, `did not get to "agent"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e, talks, record := good(tt.want)
			if tt.change != nil {
				tt.change(&e, &talks, &record)
			}
			got := strings.Join(judge(e, talks, record), "; ")
			if tt.unmet == "" && got != "" || !strings.Contains(got, tt.unmet) {
				t.Errorf("unmet %q, want %q", got, tt.unmet)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	e, _, _ := good(wantAgent)
	bad := e
	e.from = customer{Tier: "gold", Phone: "137"}
	bad.from, bad.unmet = customer{Phone: "139"}, []string{"no agent in 20 s"}
	l := &ledger{}
	l.add(e)
	l.add(bad)
	l.add(entry{cut: true, from: e.from})
	var out bytes.Buffer
	l.summary(&out)
	for _, want := range []string{"gold", "unknown", "all              3       1          2        5.0 s", "UNMET", "no agent in 20 s", "(1 calls were under way"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("summary lacks %q:\n%s", want, out.String())
		}
	}
	if len(l.unmet()) != 1 {
		t.Errorf("%d unmet", len(l.unmet()))
	}
}

// TestScriptsFollowTheMenus: whatever a customer may draw has a key for each
// menu and a milestone to be checked by.
func TestScriptsFollowTheMenus(t *testing.T) {
	people, err := customers(documents.Files())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, c := range append(people, customer{Phone: "13900000000"}) {
		seen[tierOf(c)]++
		all := scripts(c)
		for _, s := range all {
			if s.weight < 1 || s.milestone == "" || s.patience == 0 || s.number != "10000" && s.number != "10001" {
				t.Errorf("%s: script %+v", c.Name, s)
			}
			if c.Language == "" && len(s.keys) == 0 {
				t.Errorf("%s presses nothing, but is asked for the language", s.name)
			}
		}
		if !slices.ContainsFunc(all, func(s script) bool { return s.want == wantAbandon }) {
			t.Errorf("%s never gives up", c.Name)
		}
	}
	for _, tier := range tiers() {
		if seen[tier] < 5 {
			t.Errorf("only %d customers of tier %s", seen[tier], tier)
		}
	}
	agents, err := accounts(documents.Files())
	if err != nil || len(agents) != 12 || agents[0].ID != "1001" || agents[0].Secret == "" {
		t.Errorf("accounts %v: %v", agents, err)
	}
}
