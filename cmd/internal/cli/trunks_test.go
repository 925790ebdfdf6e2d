package cli

import (
	"testing"

	"tierline/acd/report"
	"tierline/cmd/internal/console/wire"
)

func TestTrunks(t *testing.T) {
	a := newAPI(t)
	at := report.Time(1_795_401_540_000)
	a.answers["GET /api/v1/trunks"] = wire.Trunks{Trunks: []wire.Trunk{
		{
			Name: "carrier", State: "impaired", Sources: []string{"192.0.2.0/24"}, In: 2, Out: 1,
			Limits: wire.TrunkLimits{Calls: 30, In: &wire.Limits{Calls: 20}},
			Targets: []wire.Target{
				{Target: "sip:192.0.2.1;transport=udp", Health: "down"}, {Target: "sip:192.0.2.2;transport=tcp", Health: "unwatched"},
			},
			Refused: map[string]uint64{"no_route": 4, "draining": 1}, Made: map[string]uint64{"busy": 3},
			Error: "sip:192.0.2.1;transport=udp: 503", ErrorAt: &at,
			Lines: []wire.Line{{Registrar: "sip:a.test", State: "registered"}, {Registrar: "sip:b.test", State: "refused"}},
		},
		{Name: "old", State: "gone", Gone: true, In: 1},
	}}
	got := run(t, a.URL, "trunks")
	want := "TRUNK    STATE     IN    OUT  ALL   REGISTERED                  TARGETS                                  " +
		"REFUSED                 MADE    SOURCES       LAST ERROR\n" +
		"carrier  impaired  2/20  1    3/30  a.test yes, b.test refused  192.0.2.1 down, 192.0.2.2;transport=tcp  " +
		"draining 1, no_route 4  busy 3  192.0.2.0/24  2026-11-23 02:39:00 sip:192.0.2.1;transport=udp: 503\n" +
		"old      gone      1     0    1     -                           -                                        " +
		"-                       -       -             -\n"
	if got.code != 0 || got.out != want {
		t.Errorf("exit %d\n%s\nwant\n%s%s", got.code, got.out, want, got.err)
	}
	a.answers["GET /api/v1/trunks"] = wire.Trunks{}
	if got = run(t, a.URL, "trunks"); got.out != "no trunks: publish service documents with `tierline apply DIR`\n" {
		t.Errorf("without any: %q", got.out)
	}
}
