package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/cmd/internal/console/wire"
)

func TestASupervisorsCommands(t *testing.T) {
	a := newAPI(t)
	a.answers["POST /api/v1/agents/1001/state"] = wire.Agent{
		ID: "1001", State: "wrap_up", EndsInMS: 90_000, Disposition: "solved",
	}
	a.answers["POST /api/v1/agents/1001/disposition"] = wire.Agent{ID: "1001", State: "not_ready", Reason: "meal", ReturnsInMS: -60_000}
	a.answers["POST /api/v1/calls/c1/band"] = wire.Call{ID: "c1", Phase: "waiting", Queue: "human", Tier: "gold", Band: -1}
	for _, tt := range []struct{ line, want string }{
		{"agent 1001 extend-wrap-up --for 1m", "wrap-up (solved, 1m30s left)"},
		{"dispose 1001 solved --call c1", "not ready (meal, late by 1m00s)"},
		{"move c1", "waiting"},
		{"move c1 --band 0 --by lead", "waiting"},
	} {
		got := run(t, a.URL, strings.Fields(tt.line)...)
		if got.code != 0 || !strings.Contains(got.out, tt.want) {
			t.Errorf("%s: exit %d, %s%s, want %q", tt.line, got.code, got.out, got.err, tt.want)
		}
	}
	asked := []string{
		`POST /api/v1/agents/1001/state {"command":"extend_wrap_up","for_ms":60000,"by":"tester"}`,
		`POST /api/v1/agents/1001/disposition {"code":"solved","call":"c1","by":"tester"}`,
		`POST /api/v1/calls/c1/band {"band":-1,"by":"tester"}`,
		`POST /api/v1/calls/c1/band {"band":0,"by":"lead"}`,
	}
	if d := cmp.Diff(asked, a.asked()); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}
