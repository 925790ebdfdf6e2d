package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd/report"
	"tierline/cmd/internal/console/wire"
)

func TestBans(t *testing.T) {
	t.Setenv("USER", "tester")
	a := newAPI(t)
	at := report.Time(1_795_401_540_000)
	a.answers["GET /api/v1/bans"] = wire.Bans{Bans: []wire.Ban{
		{Source: "192.0.2.7/32", State: "banned", EndsInMS: 600_000, LastFailed: &at},
		{Source: "192.0.2.7/32", User: "1001", State: "watched", Failures: 2, LastFailed: &at},
	}}
	a.answers["POST /api/v1/bans/lift"] = nil
	table := "SOURCE        USER  STATE    FAILURES  FOR ANOTHER  LAST FAILED\n" +
		"192.0.2.7/32  -     banned   0         10m00s       2026-11-23 02:39:00\n" +
		"192.0.2.7/32  1001  watched  2         -            2026-11-23 02:39:00\n"
	for _, tt := range []struct {
		line []string
		want string
	}{
		{[]string{"bans"}, table},
		{[]string{"bans", "lift", "192.0.2.7"}, "lifted 192.0.2.7\n"},
		{[]string{"bans", "lift", "192.0.2.7", "1001"}, "lifted 192.0.2.7\n"},
	} {
		got := run(t, a.URL, tt.line...)
		if got.code != 0 || got.out != tt.want {
			t.Errorf("%v: exit %d, %q %s, want %q", tt.line, got.code, got.out, got.err, tt.want)
		}
	}
	asked := []string{
		"GET /api/v1/bans",
		`POST /api/v1/bans/lift {"source":"192.0.2.7","by":"tester"}`,
		`POST /api/v1/bans/lift {"source":"192.0.2.7","user":"1001","by":"tester"}`,
	}
	if d := cmp.Diff(asked, a.asked()); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
	a.answers["GET /api/v1/bans"] = wire.Bans{}
	if got := run(t, a.URL, "bans"); got.out != "nobody has failed lately\n" {
		t.Errorf("without any: %q", got.out)
	}
}
