package console

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tierline/acd/report"
	"tierline/call"
	"tierline/call/registration"
	"tierline/cmd/internal/console/wire"
	"tierline/routing/trunk"
)

func (w *Console) trunks() {
	huma.Register(w.api, huma.Operation{
		OperationID: "list-trunks", Method: http.MethodGet, Path: "/api/v1/trunks", Tags: []string{"live"},
		Summary: "Trunks: addresses, limits, running calls, refusals and the last error on this node",
	}, w.listTrunks)
	w.trunkTests()
}

func (w *Console) listTrunks(context.Context, *struct{}) (*answer[wire.Trunks], error) {
	out := &answer[wire.Trunks]{Body: wire.Trunks{Node: w.c.Node, Trunks: []wire.Trunk{}}}
	if w.c.Trunks == nil {
		return out, nil
	}
	for _, v := range w.c.Trunks() {
		out.Body.Trunks = append(out.Body.Trunks, wireTrunk(v))
	}
	return out, nil
}

func wireTrunk(v call.TrunkView) wire.Trunk {
	t := wire.Trunk{
		Name: v.Name, State: v.State(), Gone: v.Gone, Trusted: v.Trusted, Sources: []string{}, Targets: []wire.Target{},
		Allow: append([]string{}, v.Outward.Allow...),
		Limits: wire.TrunkLimits{
			Calls: v.Limits.Calls, Rate: v.Limits.Rate, Burst: v.Limits.Burst, Hour: v.Limits.Hour, Day: v.Limits.Day,
			In: wireLimits(v.Limits.In), Out: wireLimits(v.Limits.Out),
		},
		In: v.In, Out: v.Out, AllCalls: v.All, Refused: v.Refused, Made: v.Made, Screened: v.Screened, Error: v.LastError,
	}
	for _, s := range v.Sources {
		t.Sources = append(t.Sources, s.String())
	}
	for _, target := range v.Targets {
		k := wire.Target{Target: target.Target, Health: target.Health.String()}
		if !target.Since.IsZero() {
			since := report.TimeOf(target.Since)
			k.Since = &since
		}
		t.Targets = append(t.Targets, k)
	}
	for _, l := range v.Lines {
		line := wire.Line{
			Registrar: l.Registrar, State: l.Phase.String(), Since: report.TimeOf(l.Since), Error: l.Trouble,
		}
		if !l.Until.IsZero() {
			until := report.TimeOf(l.Until)
			line.Until = &until
		}
		t.Lines = append(t.Lines, line)
	}
	if v.LastError != "" {
		at := report.TimeOf(v.LastAt)
		t.ErrorAt = &at
	}
	return t
}

// wireLimits writes limits of one direction; nil: none.
func wireLimits(l trunk.Limits) *wire.Limits {
	if (l == trunk.Limits{}) {
		return nil
	}
	return &wire.Limits{Calls: l.Calls, Rate: l.Rate, Burst: l.Burst, Hour: l.Hour, Day: l.Day}
}

// TrunkFigures is what trunks do on this node.
func TrunkFigures(list []call.TrunkView) (out []Figure) {
	for _, v := range list {
		const calls = "Running calls of the trunk on this node"
		out = append(out, Gauge("trunk_calls", calls, v.In, "trunk", v.Name, "direction", "in"),
			Gauge("trunk_calls", calls, v.Out, "trunk", v.Name, "direction", "out"))
		for _, f := range Counters("trunk_refused_total", "Callers of the trunk refused", "reason", v.Refused) {
			f.Labels = append(f.Labels, "trunk", v.Name)
			out = append(out, f)
		}
		for _, f := range Counters("trunk_outward_total", "Calls that we made through the trunk", "outcome", v.Made) {
			f.Labels = append(f.Labels, "trunk", v.Name)
			out = append(out, f)
		}
		out = append(out, Counter("trunk_screened_total", "Callers of the trunk whose number was not believed",
			v.Screened, "trunk", v.Name))
		out = append(out, Counter("trunk_abroad_total", "Calls that we made to other countries", v.Abroad, "trunk", v.Name))
		for _, l := range v.Lines {
			value := 0
			if l.Phase == registration.Registered {
				value = 1
			}
			out = append(out, Gauge("trunk_registered", "1 if the trunk is registered at the registrar", value,
				"trunk", v.Name, "registrar", l.Registrar))
		}
		for _, t := range v.Targets {
			up := map[call.Health]int{call.Up: 1, call.Down: 0}
			if value, known := up[t.Health]; known {
				out = append(out, Gauge("trunk_target_up", "1 if the target answers OPTIONS, 0 if it is down", value,
					"trunk", v.Name, "target", t.Target))
			}
		}
	}
	return out
}
