package console_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/acd/report"
	"tierline/call"
	"tierline/call/registration"
	"tierline/cmd/internal/console"
	"tierline/cmd/internal/console/wire"
	"tierline/routing/trunk"
)

func TestTrunksOverTheAPI(t *testing.T) {
	b := newBed(t)
	if list := get[wire.Trunks](b, "/api/v1/trunks").Trunks; len(list) != 0 {
		t.Errorf("without any: %+v", list)
	}
	source, err := trunk.ParseSource("192.0.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	at := time.UnixMilli(base)
	views := []call.TrunkView{{
		Trunk: trunk.Trunk{
			Name: "carrier", Trusted: true, Sources: []trunk.Source{source},
			Limits:  trunk.Caps{Limits: trunk.Limits{Calls: 30, Rate: 5}, Out: trunk.Limits{Day: 9}},
			Outward: trunk.Outward{Targets: []trunk.Target{{Host: "192.0.2.1", Transport: "tcp"}}, Allow: []string{"+86"}},
		},
		Targets: []call.TargetView{
			{Target: "sip:192.0.2.1;transport=tcp", Health: call.Down, Since: at}, {Target: "sip:192.0.2.2;transport=udp"},
		},
		Lines: []registration.View{
			{Registrar: "sip:a.test", Phase: registration.Registered, Since: at, Until: at},
			{Registrar: "sip:b.test", Phase: registration.Refused, Since: at, Trouble: "403 No"},
		},
		In: 2, Out: 1, Refused: map[string]uint64{"no_route": 4}, Made: map[string]uint64{"busy": 3},
		LastError: "sip:192.0.2.1;transport=tcp: 503", LastAt: at,
	}, {Trunk: trunk.Trunk{Name: "old"}, Gone: true, In: 1}}
	b.config.Trunks = func() []call.TrunkView { return views }
	b.start()
	when := report.TimeOf(at)
	want := wire.Trunks{Node: "n1", Trunks: []wire.Trunk{
		{
			Name: "carrier", State: "impaired", Trusted: true, Sources: []string{"192.0.2.0/24"}, Allow: []string{"+86"},
			Targets: []wire.Target{
				{Target: "sip:192.0.2.1;transport=tcp", Health: "down", Since: &when},
				{Target: "sip:192.0.2.2;transport=udp", Health: "unwatched"},
			},
			Lines: []wire.Line{
				{Registrar: "sip:a.test", State: "registered", Since: when, Until: &when},
				{Registrar: "sip:b.test", State: "refused", Since: when, Error: "403 No"},
			},
			Limits: wire.TrunkLimits{Calls: 30, Rate: 5, Out: &wire.Limits{Day: 9}},
			In:     2, Out: 1, Refused: map[string]uint64{"no_route": 4}, Made: map[string]uint64{"busy": 3},
			Error: "sip:192.0.2.1;transport=tcp: 503", ErrorAt: &when,
		},
		{Name: "old", State: "gone", Gone: true, In: 1, Sources: []string{}, Allow: []string{}, Targets: []wire.Target{}},
	}}
	if d := cmp.Diff(want, get[wire.Trunks](b, "/api/v1/trunks")); d != "" {
		t.Errorf("trunks (-want +got):\n%s", d)
	}
	var got []string
	for _, f := range console.TrunkFigures(views[:1]) {
		got = append(got, f.Name+" "+strings.Join(f.Labels, " "))
	}
	figures := []string{
		"trunk_calls trunk carrier direction in", "trunk_calls trunk carrier direction out",
		"trunk_refused_total reason no_route trunk carrier", "trunk_outward_total outcome busy trunk carrier",
		"trunk_screened_total trunk carrier", "trunk_abroad_total trunk carrier",
		"trunk_registered trunk carrier registrar sip:a.test", "trunk_registered trunk carrier registrar sip:b.test",
		"trunk_target_up trunk carrier target sip:192.0.2.1;transport=tcp",
	}
	if d := cmp.Diff(figures, got); d != "" {
		t.Errorf("figures (-want +got):\n%s", d)
	}
}
