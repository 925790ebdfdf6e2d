package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/cmd/internal/console/wire"
)

func TestCallbackCommands(t *testing.T) {
	a := newAPI(t)
	c := wire.Callback{
		ID: "cb-1", Phase: "dormant", Number: "+8613800138000", Queue: "human", Tier: "gold", DueInMS: 90_000,
		Attempts: 1, Most: 3, Last: "busy", Customer: wire.Customer{Name: "Zhang"},
	}
	a.answers["GET /api/v1/callbacks"] = wire.Callbacks{Callbacks: []wire.Callback{c}}
	a.answers["POST /api/v1/callbacks"] = c
	a.answers["DELETE /api/v1/callbacks/cb-1"] = nil
	a.answers["GET /api/v1/lockouts"] = wire.Lockouts{Lockouts: []wire.Lockout{
		{Policy: "pin", Key: "ab12", Failures: 5, Locked: true, ForgetInMS: 3_600_000},
	}}
	a.answers["POST /api/v1/lockouts/clear"] = nil
	row := "cb-1       +8613800138000  Zhang     gold  human  not due yet  -      1/3    busy  in 1m30s\n"
	for _, tt := range []struct {
		line []string
		want string
	}{
		{[]string{"callbacks"}, row},
		{[]string{"callbacks", "request", "13800138000", "--queue", "human", "--after", "2026-11-24 09:00"}, row},
		{[]string{"callbacks", "cancel", "cb-1"}, "cancelled cb-1\n"},
		{[]string{"lockouts"}, "pin     ab12  5         yes     1h00m\n"},
		{[]string{"lockouts", "clear", "pin", "8812"}, "unlocked\n"},
	} {
		got := run(t, a.URL, tt.line...)
		if got.code != 0 || !strings.HasSuffix(got.out, tt.want) {
			t.Errorf("%v: exit %d, %q %s, want %q", tt.line, got.code, got.out, got.err, tt.want)
		}
	}
	asked := []string{
		"GET /api/v1/callbacks",
		`POST /api/v1/callbacks {"number":"13800138000","queue":"human","not_before":"2026-11-24T09:00:00.000Z","by":"tester"}`,
		"DELETE /api/v1/callbacks/cb-1?by=tester",
		"GET /api/v1/lockouts",
		`POST /api/v1/lockouts/clear {"policy":"pin","account":"8812","by":"tester"}`,
	}
	if d := cmp.Diff(asked, a.asked()); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
	if got := run(t, a.URL, "callbacks", "request", "1", "--queue", "q", "--after", "tomorrow"); got.code != 1 ||
		!strings.Contains(got.err, `--after: "tomorrow" is no time`) {
		t.Errorf("a time that is none: %+v", got)
	}
}
