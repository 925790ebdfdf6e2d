package console_test

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tierline/acd"
	"tierline/call/service"
	"tierline/cluster"
	"tierline/cmd/internal/console/wire"
	"tierline/routing"
)

var update = flag.Bool("update", false, "write docs/reference/openapi.json anew")

func TestHealth(t *testing.T) {
	b := newBed(t)
	if status, text := b.do(http.MethodGet, "/healthz", ""); status != 200 || text != "{\"status\":\"ok\"}\n" {
		t.Errorf("healthz: %d %s", status, text)
	}
	b.centre()
	if got, want := get[wire.Readiness](b, "/readyz"), (wire.Readiness{Node: "n1", Version: "test", Ready: true, Generation: 1}); !cmp.Equal(got, want) {
		t.Errorf("readyz: %+v, want %+v", got, want)
	}
	b.ready = errors.Join(errors.New("draining"), errors.New("no leader"))
	status, text := b.do(http.MethodGet, "/readyz", "")
	want := `{"node":"n1","version":"test","ready":false,"reasons":["draining","no leader"],"generation":1}` + "\n"
	if status != 503 || text != want {
		t.Errorf("readyz: %d %s, want 503 %s", status, text, want)
	}
}

func TestLiveViews(t *testing.T) {
	b := newBed(t)
	b.centre()
	b.core.now = 10_000
	b.core.must(t, acd.CallArrived{
		Call: "a", Node: "n1", Trunk: "ct", From: "13800138000", To: "10000", Flow: "svc10000",
		Customer: acd.Customer{ID: "c1", Name: "Zhang", Tier: routing.Gold},
	}, acd.CallQueued{
		Call: "a", Queue: "human", Tier: routing.Gold, Attach: []acd.Attribute{{Name: "intent", Value: "bill"}},
	})
	b.core.now = 90_000
	b.core.must(t, acd.TimePassed{})
	calls := get[wire.Calls](b, "/api/v1/calls").Calls
	key := int64(10_000)
	want := []wire.Call{{
		ID: "a", Phase: "waiting", Trunk: "ct", From: "13800138000", To: "10000", Customer: wire.Customer{ID: "c1", Name: "Zhang"},
		Tier: "gold", Flow: "svc10000", Queue: "human", Arrived: 1_795_401_550_000, WaitedMS: 80_000, LeavesInMS: 520_000,
		Key: &key, Why: "about to be offered", Attributes: map[string]string{"intent": "bill"}, Generation: 1, Node: "n1",
	}}
	for _, ms := range []*int64{&calls[0].WaitedMS, &calls[0].LeavesInMS} {
		*ms = (*ms + 500) / 1000 * 1000 // time goes on while the test runs
	}
	if d := cmp.Diff(want, calls, cmpopts.IgnoreFields(wire.Call{}, "AgeMS")); d != "" {
		t.Errorf("calls (-want +got):\n%s", d)
	}
	if n := len(get[wire.Calls](b, "/api/v1/calls?queue=other").Calls); n != 0 {
		t.Errorf("%d calls in another queue", n)
	}
	agent := get[wire.Agent](b, "/api/v1/agents/1001")
	agent.ForMS = agent.ForMS / 1000 * 1000
	wantAgent := wire.Agent{
		ID: "1001", Name: "Wang", State: "ready", Cause: "published", ForMS: 90_000, Skills: []routing.SkillLevel{},
		Phones: []wire.Phone{{Contact: "sip:1001@127.0.0.1", Fixed: true}},
	}
	if d := cmp.Diff(wantAgent, agent); d != "" {
		t.Errorf("agent (-want +got):\n%s", d)
	}
	if all := get[wire.Agents](b, "/api/v1/agents").Agents; len(all) != 2 || all[1].State != "signed_out" {
		t.Errorf("agents %+v", all)
	}
	queues := get[wire.Queues](b, "/api/v1/queues").Queues
	if len(queues) != 1 || queues[0].Waiting != 1 || queues[0].ByTier["gold"] != 1 || queues[0].Agents.Ready != 1 {
		t.Errorf("queues %+v", queues)
	}
}

func TestAgentCommands(t *testing.T) {
	b := newBed(t)
	b.centre()
	state := func(id, body string) wire.Agent {
		t.Helper()
		status, text := b.do(http.MethodPost, "/api/v1/agents/"+id+"/state", body)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", body, status, text)
		}
		var a wire.Agent
		decode(t, text, &a)
		return a
	}
	if a := state("1001", `{"command":"not_ready","reason":"lunch"}`); a.State != "not_ready" || a.Reason != "lunch" {
		t.Errorf("after not_ready: %+v", a)
	}
	if a := state("1001", `{"command":"ready"}`); a.State != "ready" {
		t.Errorf("after ready: %+v", a)
	}
	if a := state("1002", `{"command":"sign_in","by":"supervisor"}`); a.State != "not_ready" {
		t.Errorf("after sign_in: %+v", a)
	}
	if a := state("1001", `{"command":"sign_out"}`); a.State != "signed_out" {
		t.Errorf("after sign_out: %+v", a)
	}
	last := b.core.stories[len(b.core.stories)-2].Facts
	if last[len(last)-1].By != "supervisor" {
		t.Errorf("the story says %+v, want by supervisor", last)
	}
	b.problem(http.MethodPost, "/api/v1/agents/9999/state", `{"command":"ready"}`, http.StatusNotFound)
	p := b.problem(http.MethodPost, "/api/v1/agents/1001/state", `{"command":"end_wrap_up"}`, http.StatusConflict)
	if p.Detail == "" || strings.Contains(p.Detail, "acd.") {
		t.Errorf("the refusal reads %q", p.Detail)
	}
	p = b.problem(http.MethodPost, "/api/v1/agents/1001/state", `{"command":"dance"}`, http.StatusUnprocessableEntity)
	if len(p.Errors) != 1 || p.Errors[0].Location != "body.command" {
		t.Errorf("a wrong word: %+v", p)
	}
	b.problem(http.MethodPost, "/api/v1/agents/1001/state", `{"command":"ready","shout":1}`, http.StatusUnprocessableEntity)
	b.core.set(func() { b.core.fail = fmt.Errorf("%w: disk full", cluster.ErrNoQuorum) })
	b.problem(http.MethodPost, "/api/v1/agents/1001/state", `{"command":"ready"}`, http.StatusServiceUnavailable)
	b.core.set(func() { b.core.fail = errors.New("secret inner fault") })
	if p = b.problem(http.MethodPost, "/api/v1/agents/1001/state", `{"command":"ready"}`, 500); p.Detail != "" {
		t.Errorf("an inner fault is told to the client: %q", p.Detail)
	}
}

func TestPublishing(t *testing.T) {
	b := newBed(t)
	const at = "/api/v1/generations"
	p := b.problem(http.MethodPost, at, "human !no-skill !no-name", http.StatusUnprocessableEntity)
	want := []wire.Mistake{
		{File: "queues.yaml", Line: 2, Col: 3, Severity: "error", Text: "no-skill"},
		{File: "queues.yaml", Line: 3, Col: 3, Severity: "error", Text: "no-name"},
	}
	if d := cmp.Diff(want, p.Mistake); d != "" || p.Detail != "2 mistakes in the documents" {
		t.Errorf("%s: mistakes (-want +got):\n%s", p.Detail, d)
	}
	p = b.problem(http.MethodPost, at, "human @unknown @known", http.StatusConflict)
	if !cmp.Equal(p.Prompts, []string{"unknown"}) {
		t.Errorf("missing prompts %v", p.Prompts)
	}
	send := func(path, body string) (out wire.Publication) {
		t.Helper()
		status, text := b.do(http.MethodPost, path, body)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, status, text)
		}
		decode(t, text, &out)
		return out
	}
	plan := send(at+"?dry_run=true", "human @other @known")
	if plan.Applied || !cmp.Equal(plan.Missing, []string{"other"}) || plan.Generation != 0 || len(plan.Changes) != 1 || b.core.state.Generation() != 0 {
		t.Errorf("plan %+v", plan)
	}
	one := send(at+"?by=me&note=why&base=0", "human")
	if !one.Applied || one.Generation != 1 {
		t.Errorf("applied %+v", one)
	}
	if again := send(at, "human"); again.Applied || !again.Unchanged || again.Generation != 1 {
		t.Errorf("the same again %+v", again)
	}
	b.problem(http.MethodPost, at+"?base=0", "human sales", http.StatusConflict)
	b.core.must(t, acd.CallArrived{Call: "a", Node: "n1", Generation: 1})
	if two := send(at+"?base=1", "human sales"); two.Generation != 2 || two.Staying != 1 {
		t.Errorf("the next %+v", two)
	}
	list := get[wire.Generations](b, at).Generations
	if len(list) != 2 || !list[0].Current || list[1].Calls != 1 || list[1].By != "me" || list[1].Note != "why" {
		t.Errorf("generations %+v", list)
	}
	if back := send(at+"/rollback", `{}`); back.Generation != 3 || b.core.state.Generations()[0].Hash != "hash of human" {
		t.Errorf("rollback %+v", back)
	}
	b.problem(http.MethodPost, at+"/rollback", `{"to":99}`, http.StatusNotFound)
}

func TestDocumentsHideSecrets(t *testing.T) {
	b := newBed(t)
	b.problem(http.MethodGet, "/api/v1/generations/current/documents", "", http.StatusNotFound)
	bundle := &service.Bundle{
		Files: []service.File{
			{Name: "agents.yaml", Data: []byte("secret: s3cr3t")},
			{Name: "customers.csv", Data: []byte("138,1234")},
			{Name: "flows/a.yaml", Data: []byte("name: a")},
			{Name: "queues.yaml", Data: []byte("queues: {}")},
			{Name: "trunks.yaml", Data: []byte("password: s3cr3t")},
		},
		Prompts: map[string]string{"hello.zh": "abc"},
	}
	b.core.must(t, acd.ConfigPublished{Bundle: bundle.Encode()})
	_, text := b.do(http.MethodGet, "/api/v1/generations/current/documents", "")
	if strings.Contains(text, "s3cr3t") || strings.Contains(text, "1234") {
		t.Errorf("secrets are shown: %s", text)
	}
	var got wire.Documents
	decode(t, text, &got)
	if len(got.Files) != 5 || got.Files[2].Text != "name: a" || !got.Files[0].Hidden || got.Prompts["hello.zh"] != "abc" {
		t.Errorf("documents %+v", got)
	}
}

func TestPrompts(t *testing.T) {
	b := newBed(t)
	const sha = "9b3a8a5d1f2d6a0ce4d0ab5ad7a9a6ed2e4f8a0a0a0a0a0a0a0a0a0a0a0a0a0a"
	p := b.problem(http.MethodPut, "/api/v1/prompts/"+sha, "RIFF1", http.StatusUnprocessableEntity)
	_, right, _ := strings.Cut(p.Detail, "is ")
	if status, text := b.do(http.MethodPut, "/api/v1/prompts/"+right, "RIFF1"); status != http.StatusNoContent || len(b.library.puts) != 1 {
		t.Errorf("put: %d %s", status, text)
	}
	b.problem(http.MethodPut, "/api/v1/prompts/..%2f..%2fetc", "RIFF1", http.StatusUnprocessableEntity)
}

func TestCDRs(t *testing.T) {
	b := newBed(t)
	b.centre()
	for i := range 7 {
		b.core.now = int64(i) * 60_000
		call := fmt.Sprintf("c%d", i)
		b.core.must(t, acd.CallArrived{Call: call, Node: "n1", From: fmt.Sprintf("1380000000%d", i), To: "10000"},
			acd.CallEnded{Call: call, Cause: "normal", By: acd.SideCaller})
	}
	b.store()
	var got []string
	path := "/api/v1/cdrs?limit=3"
	for pages := 0; ; pages++ {
		list := get[wire.CDRs](b, path)
		for _, c := range list.CDRs {
			got = append(got, c.Call)
		}
		if list.Next == "" {
			break
		}
		path = "/api/v1/cdrs?limit=3&page=" + list.Next
		if pages > 3 {
			t.Fatal("pages without end")
		}
	}
	if want := []string{"c6", "c5", "c4", "c3", "c2", "c1", "c0"}; !cmp.Equal(got, want) {
		t.Errorf("all pages: %v, want %v", got, want)
	}
	for query, want := range map[string]int{
		"number=13800000003": 1, "number=10000": 7, "from=2026-11-23T02:44:00Z": 2, "until=2026-11-23T10:41:00%2B08:00": 2, "agent=1001": 0,
	} {
		if list := get[wire.CDRs](b, "/api/v1/cdrs?"+query); len(list.CDRs) != want {
			t.Errorf("%s: %d records, want %d", query, len(list.CDRs), want)
		}
	}
	status, text := b.do(http.MethodGet, "/api/v1/cdrs/c3", "")
	if status != 200 || !strings.Contains(text, `"started":"2026-11-23T02:42:00.000Z"`) {
		t.Errorf("one record: %d %s", status, text)
	}
	b.problem(http.MethodGet, "/api/v1/cdrs/nobody", "", http.StatusNotFound)
	b.problem(http.MethodGet, "/api/v1/cdrs?page=xx", "", http.StatusBadRequest)
	b.problem(http.MethodGet, "/api/v1/cdrs?limit=0", "", http.StatusUnprocessableEntity)
	b.problem(http.MethodGet, "/api/v1/cdrs?nummer=1", "", http.StatusUnprocessableEntity)
}

func TestGuards(t *testing.T) {
	b := newBed(t)
	b.centre()
	const path, body = "/api/v1/agents/1001/state", `{"command":"ready"}`
	b.problem(http.MethodPost, path, body, http.StatusForbidden, "Origin", "https://evil.example")
	b.problem(http.MethodPost, path, body, http.StatusForbidden, "Sec-Fetch-Site", "cross-site")
	b.problem(http.MethodGet, "/api/v1/calls", "", http.StatusMisdirectedRequest, "Host", "evil.example:8080")
	for _, host := range []string{"localhost:8080", "127.0.0.1", "[::1]:8080", "127.3.2.1:80"} {
		if status, text := b.do(http.MethodGet, "/api/v1/calls", "", "Host", host); status != 200 {
			t.Errorf("host %s: %d %s", host, status, text)
		}
	}
	b.problem(http.MethodGet, "/nowhere", "", http.StatusNotFound)
	resp, err := http.Get(b.url + "/api/v1/calls")
	if err != nil {
		t.Fatal(err)
	}
	if err = resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		"Cache-Control": "no-store",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	big := strings.Repeat("x", 1<<20+1)
	b.problem(http.MethodPost, path, `{"command":"ready","reason":"`+big+`"}`, http.StatusRequestEntityTooLarge)
}

func TestAPanicIsOneBadAnswer(t *testing.T) {
	b := newBed(t)
	b.config.Ready = func() error { panic("boom") }
	b.start()
	if status, text := b.do(http.MethodGet, "/readyz", ""); status != 500 || strings.Contains(text, "boom") {
		t.Errorf("a panic gave %d %s", status, text)
	}
	if status, _ := b.do(http.MethodGet, "/healthz", ""); status != 200 {
		t.Errorf("healthz after a panic: %d", status)
	}
}

// The description of the API is a file that changes are seen in.
func TestTheDescriptionIsCurrent(t *testing.T) {
	b := newBed(t)
	got, err := b.console.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	const path = "../../../docs/reference/openapi.json"
	if *update {
		if err = os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-file +now; -update writes it anew):\n%s", path, d)
	}
	served := get[map[string]any](b, "/api/v1/openapi.json")
	if served["openapi"] != "3.1.0" || len(served["paths"].(map[string]any)) < 12 {
		t.Errorf("served: %v with %d paths", served["openapi"], len(served["paths"].(map[string]any)))
	}
}
