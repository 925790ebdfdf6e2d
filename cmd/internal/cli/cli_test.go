package cli

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/cmd/internal/console/wire"
	"tierline/routing"
)

var update = flag.Bool("update", false, "write testdata/cli anew")

// TestMain puts the tests into one zone, wherever they run.
func TestMain(m *testing.M) {
	time.Local = time.UTC
	m.Run()
}

// at is a moment that the tests' answers are about: 2026-11-23 02:39:00 UTC.
const at = report.Time(1_795_401_540_000)

// api is a node's API with prepared answers.
type api struct {
	*httptest.Server

	mu       sync.Mutex
	answers  map[string]any // "GET /path"
	status   map[string]int
	requests []string // "GET /path?query body"
}

func newAPI(t *testing.T) *api {
	t.Helper()
	a := &api{answers: map[string]any{}, status: map[string]int{}}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *api) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body := make([]byte, 200)
	n, _ := r.Body.Read(body)
	text := r.Method + " " + r.URL.RequestURI()
	if r.Header.Get("Content-Type") == "application/json" {
		text += " " + string(body[:n])
	}
	a.requests = append(a.requests, text)
	key := r.Method + " " + r.URL.Path
	if r.URL.Query().Get("dry_run") != "" {
		key = "PLAN"
	}
	answer, ok := a.answers[key]
	if !ok {
		answer = wire.ProblemError{Title: "Not Found", Status: 404, Detail: "not prepared: " + key}
		rw.WriteHeader(http.StatusNotFound)
	} else if status := a.status[key]; status != 0 {
		rw.WriteHeader(status)
	}
	if err := json.NewEncoder(rw).Encode(answer); err != nil {
		panic(err)
	}
}

func (a *api) asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.requests
}

// outcome is what a command did.
type outcome struct {
	code     int
	out, err string
}

// run runs a command line against a server.
func run(t *testing.T, server string, args ...string) outcome {
	t.Helper()
	t.Setenv("USER", "tester")
	root := Root("v1.2.3")
	var out, errs strings.Builder
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs(append([]string{"--server", server}, args...))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	root.SetContext(ctx)
	return outcome{code: Main(root), out: out.String(), err: errs.String()}
}

// golden compares with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("../../../testdata/cli", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-file +now; -update writes it anew):\n%s", path, d)
	}
}

func views() map[string]any {
	key := int64(1)
	return map[string]any{
		"GET /api/v1/calls": wire.Calls{Calls: []wire.Call{
			{ID: "c-1", Phase: "menu", From: "13800138000", To: "10001", Tier: "diamond", Step: "bill", AgeMS: 8_000},
			{
				ID: "c-2", Phase: "waiting", From: "13900139000", To: "10000", Tier: "gold", Queue: "human", WaitedMS: 80_000,
				AgeMS: 95_000, Why: "none of 3 agents is ready: 2 on a call, 1 in wrap-up, 0 not ready, 0 unreachable", Key: &key,
			},
			{ID: "c-3", Phase: "offered", To: "10000", Tier: "silver", Queue: "human", Agent: "1003", WaitedMS: 3_725_000, AgeMS: 3_800_000},
			{ID: "c-4", Phase: "talking", From: "13700137000", To: "10000", Tier: "standard", Queue: "human", Agent: "1001", AgeMS: 200_000_000},
			{ID: "c-5", Phase: "after", From: "13600136000", To: "10000", Tier: "standard", Queue: "human", Step: "survey", AgeMS: 61_000},
		}},
		"GET /api/v1/agents": wire.Agents{Agents: []wire.Agent{
			{
				ID: "1001", Name: "张伟", State: "talking", ForMS: 75_000, Call: "c-4", Next: "not_ready", NextReason: "lunch",
				Skills: []routing.SkillLevel{{Skill: "billing", Level: 7}, {Skill: "lang.en", Level: 3}}, Phones: []wire.Phone{{}, {}},
			},
			{ID: "1002", Name: "Grace Miller", State: "wrap_up", ForMS: 5_000, EndsInMS: 25_000, Call: "c-0", Phones: []wire.Phone{{}}},
			{ID: "1003", Name: "Li", State: "alerting", ForMS: 3_000, Call: "c-3", Phones: []wire.Phone{{Fixed: true}}},
			{ID: "1004", State: "not_ready", Reason: "missed", ForMS: 600_000},
			{ID: "1005", Name: "Wang", State: "unreachable", Next: "ready"},
			{ID: "1006", Name: "Zhao", State: "signed_out", ForMS: 90_000_000},
			{ID: "1007", Name: "Sun", State: "reserved", Phones: []wire.Phone{{}}},
			{ID: "1008", Name: "Zhou", State: "ready", ForMS: 59_999, Phones: []wire.Phone{{}}},
		}},
		"GET /api/v1/queues": wire.Queues{ServiceLevel: wire.ServiceLevel{Variant: "E", WithinS: 20, ShortS: 5}, Queues: []wire.Queue{
			{
				Today: &wire.Today{Offered: 120, Answered: 100, Abandoned: 17, ServiceLevel: new(0.8125), ASAMS: new(int64(14_600))},
				Name:  "human", Requirement: "lang.zh>=3", Waiting: 3, ByTier: map[string]int{"gold": 1, "silver": 2}, LongestMS: 3_725_000,
				Agents: acd.AgentCount{SignedIn: 7, Ready: 1, Reserved: 1, Alerting: 1, Talking: 1, WrapUp: 1, NotReady: 1, Unreachable: 1},
			},
			{Name: "quiet", ByTier: map[string]int{}, Today: &wire.Today{}},
			{Name: "unread", ByTier: map[string]int{}},
		}},
		"GET /api/v1/generations": wire.Generations{Generations: []wire.Generation{
			{Generation: 7, Current: true, Published: at, By: "tester", Calls: 12, Note: "longer waits"},
			{Generation: 6, Published: at - 86_400_000, Calls: 1},
		}},
		"GET /api/v1/cdrs": wire.CDRs{CDRs: []report.CDR{
			{Call: "c-9", Started: at, From: "13800138000", To: "10000", Tier: routing.Gold, Queue: "human", WaitMS: 80_000, Agent: "1001", Answered: true, TalkMS: 125_000, Cause: "normal", EndedBy: "caller"},
			{Call: "c-8", Started: at - 1000, From: "13900139000", To: "10000", Queue: "human", WaitMS: 300_000, Abandoned: true, Cause: "abandoned", EndedBy: "caller"},
			{Call: "c-7", Started: at - 2000, To: "10001", Cause: "normal", EndedBy: "switch"},
			{Call: "c-6", Started: at - 3000, From: "13700137000", To: "10000", Queue: "human", WaitMS: 5_000, Cause: "node_lost", EndedBy: "switch"},
		}},
	}
}

// What newcomers see, and the same as JSON.
func TestViews(t *testing.T) {
	a := newAPI(t)
	a.answers = views()
	for _, view := range []string{"calls", "agents", "queues", "generations", "cdrs"} {
		got := run(t, a.URL, view)
		if got.code != 0 || got.err != "" {
			t.Errorf("%s: exit %d, %s", view, got.code, got.err)
		}
		golden(t, view, got.out)
		got = run(t, a.URL, view, "-o", "json")
		if !json.Valid([]byte(got.out)) || got.code != 0 {
			t.Errorf("%s -o json: exit %d, %s", view, got.code, got.out)
		}
	}
}

func TestEmptyViewsSayWhatToDo(t *testing.T) {
	a := newAPI(t)
	a.answers = map[string]any{
		"GET /api/v1/calls": wire.Calls{}, "GET /api/v1/agents": wire.Agents{}, "GET /api/v1/queues": wire.Queues{},
		"GET /api/v1/generations": wire.Generations{}, "GET /api/v1/cdrs": wire.CDRs{},
	}
	var all strings.Builder
	for _, view := range []string{"calls", "agents", "queues", "generations", "cdrs"} {
		all.WriteString(run(t, a.URL, view).out)
	}
	golden(t, "empty", all.String())
}

func TestErrorsSayWhatToDo(t *testing.T) {
	a := newAPI(t)
	a.answers["POST /api/v1/agents/1001/state"] = wire.ProblemError{Title: "Conflict", Status: 409, Detail: "agent is not in wrap-up"}
	a.status["POST /api/v1/agents/1001/state"] = http.StatusConflict
	dead := httptest.NewServer(nil)
	dead.Close()
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = rw.Write([]byte("<html>")) // the test sees what is missing
	}))
	defer web.Close()
	tests := map[string]struct {
		server string
		args   []string
		want   string
	}{
		"no node":        {dead.URL, []string{"calls"}, "no node answers at " + dead.URL + "\n  Start one with `tierline demo`"},
		"no events":      {dead.URL, []string{"events"}, "no node answers at"},
		"refused":        {a.URL, []string{"agent", "1001", "end-wrap-up"}, "tierline: agent is not in wrap-up\n"},
		"no such word":   {a.URL, []string{"agent", "1001", "dance"}, `"dance" is no state to ask for: ready, not-ready, `},
		"no such format": {a.URL, []string{"calls", "-o", "xml"}, "-o xml: there are table and json"},
		"no such time":   {a.URL, []string{"cdrs", "--from", "yore"}, `--from: "yore" is no time (2026-11-23 08:00) and no age (2h)`},
		"no such thing":  {a.URL, []string{"cals"}, `unknown command "cals"`},
		"no argument":    {a.URL, []string{"trace"}, "usage: tierline trace CALL"},
		"another server": {web.URL, []string{"calls"}, "is perhaps no tierline node"},
		"not there":      {a.URL, []string{"queues"}, "not prepared"},
		"no directory":   {a.URL, []string{"check", "/nonexistent"}, "/nonexistent: 1 error in 0 documents and 0 sounds"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := run(t, tt.server, tt.args...)
			if got.code != 1 || !strings.Contains(got.err, tt.want) {
				t.Errorf("exit %d, %q, want 1 and %q", got.code, got.err, tt.want)
			}
		})
	}
}

func TestAgentCommand(t *testing.T) {
	a := newAPI(t)
	a.answers["POST /api/v1/agents/1001/state"] = wire.Agent{ID: "1001", Name: "Wang", State: "not_ready", Reason: "lunch"}
	got := run(t, a.URL, "agent", "1001", "not-ready", "--reason", "lunch")
	want := "AGENT  NAME  STATE              FOR  CALL  THEN  PHONE  SKILLS\n1001   Wang  not ready (lunch)  0s   -     -     none\n"
	if got.code != 0 || got.out != want {
		t.Errorf("exit %d:\n%s", got.code, got.out)
	}
	asked := []string{`POST /api/v1/agents/1001/state {"command":"not_ready","reason":"lunch","by":"tester"}`}
	if d := cmp.Diff(asked, a.asked()); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}

func TestRecordsAreAskedForInPages(t *testing.T) {
	a := newAPI(t)
	a.answers["GET /api/v1/cdrs"] = wire.CDRs{CDRs: make([]report.CDR, 1000), Next: "more"}
	got := run(t, a.URL, "cdrs", "--limit", "2500", "--number", "138", "--from", "2026-11-23T10:00:00+08:00", "-o", "json")
	var list wire.CDRs
	if err := json.Unmarshal([]byte(got.out), &list); err != nil || len(list.CDRs) != 3000 {
		t.Fatalf("%d records (%v)", len(list.CDRs), err)
	}
	want := []string{
		"GET /api/v1/cdrs?from=2026-11-23T02%3A00%3A00.000Z&limit=1000&number=138",
		"GET /api/v1/cdrs?from=2026-11-23T02%3A00%3A00.000Z&limit=1000&number=138&page=more",
		"GET /api/v1/cdrs?from=2026-11-23T02%3A00%3A00.000Z&limit=500&number=138&page=more",
	}
	if d := cmp.Diff(want, a.asked()); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}

func TestMoments(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	zone := time.FixedZone("CST", 8*3600)
	for text, want := range map[string]string{
		"2h": "2026-11-23T10:00:00Z", "2026-11-23 08:00": "2026-11-23T00:00:00Z", "2026-11-23": "2026-11-22T16:00:00Z",
		"2026-11-23 08:00:30": "2026-11-23T00:00:30Z", "2026-11-23T08:00:00Z": "2026-11-23T08:00:00Z",
	} {
		got, err := moment(text, now, zone)
		if err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%q is %s (%v), want %s", text, got, err, want)
		}
	}
}

func TestSpans(t *testing.T) {
	for ms, want := range map[int64]string{
		0: "0s", 999: "0s", 8_000: "8s", 59_999: "59s", 80_000: "1m20s", 3_600_000: "1h00m", 3_725_000: "1h02m", 273_600_000: "3d04h",
	} {
		if got := span(ms); got != want {
			t.Errorf("%d ms is %s, want %s", ms, got, want)
		}
	}
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"--version"}} {
		if got := run(t, DefaultServer, args...); got.out != "tierline v1.2.3\n" {
			t.Errorf("%v: %q", args, got.out)
		}
	}
}
