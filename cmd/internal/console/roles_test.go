package console_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/call"
	"tierline/cmd/internal/console"
	"tierline/cmd/internal/console/wire"
	"tierline/cmd/internal/signin"
)

// fakeDoor knows a user of each role, whose secret is "s".
type fakeDoor struct{ held bool }

func (d *fakeDoor) Enter(_ context.Context, from netip.Addr, name, secret string) (signin.User, error) {
	users := map[string]signin.User{
		"wang": {Name: "wang", Role: signin.Agent, Agent: "1001"}, "probe": {Name: "probe", Role: signin.Agent},
		"lead": {Name: "lead", Role: signin.Supervisor}, "eng": {Name: "eng", Role: signin.Engineer},
	}
	u, known := users[name]
	switch {
	case d.held || !from.IsLoopback():
		return signin.User{}, signin.ErrHeld
	case !known || secret != "s":
		return signin.User{}, signin.ErrUnknown
	}
	return u, nil
}

// guarded is a bed whose users sign in.
func guarded(t *testing.T) (*bed, *fakeDoor) {
	t.Helper()
	b, d := newBed(t), &fakeDoor{}
	b.talking("n1")
	b.config.Door, b.config.Calls = d, &fakeCalls{}
	b.config.Control = func(context.Context, call.Control) error { return nil }
	b.start()
	return b, d
}

func TestEachRoleMayWhatItMay(t *testing.T) {
	b, _ := guarded(t)
	const hold = `{"action":"hold"}`
	for _, tt := range []struct {
		request, body string
		who           string // who may, in the order wang probe lead eng
	}{
		{"GET /metrics", "", "wang probe lead eng"},
		{"GET /api/v1/openapi.json", "", "wang probe lead eng"},
		{"GET /api/v1/agents", "", "wang probe lead eng"},
		{"GET /api/v1/queues", "", "wang probe lead eng"},
		{"POST /api/v1/agents/1001/call", hold, "wang lead eng"},
		{"POST /api/v1/agents/1002/call", hold, "lead eng"},
		{"POST /api/v1/agents/1001/state", `{"command":"not_ready"}`, "wang lead eng"},
		{"POST /api/v1/agents//state", `{"command":"ready"}`, "eng"},
		{"POST /api/v1/calls/c1/recording", `{"action":"pause"}`, "wang lead eng"},
		{"POST /api/v1/calls/c2/recording", `{"action":"pause"}`, "lead eng"},
		{"GET /api/v1/calls", "", "lead eng"},
		{"GET /api/v1/calls/c1", "", "lead eng"},
		{"GET /api/v1/calls/c1/trace", "", "lead eng"},
		{"GET /api/v1/recordings/2026/11/23/c1-1", "", "lead eng"},
		{"GET /api/v1/cdrs", "", "lead eng"},
		{"GET /api/v1/bans", "", "eng"},
		{"POST /api/v1/generations?dry_run=true", "human", "eng"},
		{"GET /api/v1/generations/current/documents", "", "eng"},
		{"GET /nowhere", "", "eng"},
	} {
		var may []string
		method, path, _ := strings.Cut(tt.request, " ")
		for _, name := range []string{"wang", "probe", "lead", "eng"} {
			status, text := b.do(method, path, tt.body, "Authorization", "Bearer "+name+".s")
			if status == http.StatusUnauthorized {
				t.Errorf("%s as %s: %d %s", tt.request, name, status, text)
			}
			if status != http.StatusForbidden {
				may = append(may, name)
			}
		}
		if got := strings.Join(may, " "); got != tt.who {
			t.Errorf("%s: %s may, want %s", tt.request, got, tt.who)
		}
	}
}

func TestWhoHasNoTokenIsAskedForOne(t *testing.T) {
	b, d := guarded(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, text := b.do(http.MethodGet, path, ""); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	for _, header := range []string{"", "Bearer", "Bearer wang", "Bearer wang.x", "Basic !", "Digest wang.s", "Bearer .s"} {
		p := b.problem(http.MethodGet, "/api/v1/agents", "", http.StatusUnauthorized, "Authorization", header)
		if p.Detail == "" {
			t.Errorf("%q: no word why", header)
		}
	}
	resp, err := http.Get(b.url + "/api/v1/calls")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`Bearer realm="tierline"`, `Basic realm="tierline", charset="UTF-8"`}
	if d := cmp.Diff(want, resp.Header.Values("WWW-Authenticate")); d != "" || resp.Body.Close() != nil {
		t.Error(d)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.SetBasicAuth("lead", "s")
	if status, text := b.do(http.MethodGet, "/api/v1/calls", "", "Authorization", r.Header.Get("Authorization")); status != 200 {
		t.Errorf("as a browser asks: %d %s", status, text)
	}
	if status, _ := b.do(http.MethodGet, "/api/v1/calls", "", "Authorization", "bearer lead.s", "Host", "switch.example"); status != 200 {
		t.Errorf("under another name: %d", status)
	}
	b.problem(http.MethodPost, "/api/v1/calls/c1/band", `{"band":1}`, http.StatusForbidden,
		"Authorization", "Bearer lead.s", "Origin", "https://evil.example")
	d.held = true
	b.problem(http.MethodGet, "/api/v1/agents", "", http.StatusTooManyRequests, "Authorization", "Bearer lead.s")
}

// Who did something is who signed in, whatever the request says, on this node
// and on the one that holds the call.
func TestTheUserWhoSignedInIsWhoDidIt(t *testing.T) {
	b := newBed(t)
	b.talking("n2")
	b.config.Door = &fakeDoor{}
	var told []string
	together(t, b, func(c *console.Config) {
		c.Control = func(_ context.Context, w call.Control) error {
			told = append(told, string(w.Do)+" by "+w.By)
			return nil
		}
	})
	as := func(body string, header ...string) {
		t.Helper()
		header = append(header, "Authorization", "Bearer wang.s", "Tierline-User", "eng")
		if status, text := b.do(http.MethodPost, "/api/v1/agents/1001/call", body, header...); status != 200 {
			t.Errorf("%d %s", status, text)
		}
	}
	as(`{"action":"hold","by":"somebody"}`)
	as(`{"action":"resume"}`)
	if d := cmp.Diff([]string{"hold by wang", "resume by wang"}, told); d != "" {
		t.Error(d)
	}
	status, text := b.do(http.MethodPost, "/api/v1/agents/1002/state", `{"command":"sign_in","by":"somebody"}`,
		"Authorization", "Bearer lead.s")
	facts := b.core.stories[len(b.core.stories)-1].Facts
	if status != 200 || facts[len(facts)-1].By != "lead" || facts[0].Kind != acd.FactAgentState {
		t.Errorf("%d %s: %+v", status, text, facts)
	}
}

// Nobody forgets to say who may use a new request.
func TestEveryRequestHasARole(t *testing.T) {
	b, _ := guarded(t)
	text, err := b.console.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var described struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(text, &described); err != nil {
		t.Fatal(err)
	}
	for path, methods := range described.Paths {
		path = strings.Replace(path, "recordings/{ref}", "recordings/{ref...}", 1)
		for method := range methods {
			if what := strings.ToUpper(method) + " " + path; !console.HasRole(what) {
				t.Errorf("%s: which role it takes is not said", what)
			}
		}
	}
	var p wire.ProblemError
	_, body := b.do(http.MethodGet, "/api/v1/bans", "", "Authorization", "Bearer wang.s")
	if decode(t, body, &p); p.Detail != "the role agent may not do that; it takes engineer" {
		t.Errorf("%q", p.Detail)
	}
}
