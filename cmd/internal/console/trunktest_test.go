package console_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"tierline/call"
	"tierline/cmd/internal/console/wire"
	"tierline/routing/trunk"
)

// trunkTests answers as the test says.
type trunkTests struct{ want call.Trial }

func (f *trunkTests) TestTrunk(name string) ([]call.Try, error) {
	switch name {
	case "carrier":
		return []call.Try{{Target: "sip:192.0.2.1;transport=udp", Status: 200, Reason: "OK", Took: 3 * time.Millisecond}}, nil
	case "inward":
		return nil, call.ErrNoTargets
	}
	return nil, call.ErrNoTrunk
}

func (f *trunkTests) TestCall(_ context.Context, want call.Trial) (call.TrialResult, error) {
	f.want = want
	switch want.Number {
	case "0044":
		return call.TrialResult{}, trunk.ErrNotAllowed
	case "busy":
		return call.TrialResult{}, call.ErrBusy
	}
	return call.TrialResult{Outcome: "answered", Answered: time.Second, Rang: time.Millisecond, Findings: []string{"f"}}, nil
}

func TestTrunksAreTested(t *testing.T) {
	b, tests := newBed(t), &trunkTests{}
	const at = "/api/v1/trunks/carrier/test"
	b.problem(http.MethodPost, at, `{}`, http.StatusNotFound)
	b.config.TrunkTests = tests
	b.start()
	got := post[wire.TrunkTested](b, at, `{}`)
	if len(got.Tries) != 1 || got.Tries[0].Status != 200 || got.Tries[0].TookMS != 3 || got.Call != nil {
		t.Errorf("%+v", got)
	}
	got = post[wire.TrunkTested](b, at, `{"number":"1","ring_ms":2000,"by":"wang"}`)
	if got.Call == nil || got.Call.AnsweredMS != 1000 || got.Call.RangMS != 1 || len(got.Call.Findings) != 1 {
		t.Errorf("%+v", got.Call)
	}
	if w := tests.want; w.Trunk != "carrier" || w.Ring != 2*time.Second || w.Talk != 6*time.Second || w.By != "wang" {
		t.Errorf("%+v", w)
	}
	b.problem(http.MethodPost, "/api/v1/trunks/nobody/test", `{}`, http.StatusNotFound)
	b.problem(http.MethodPost, "/api/v1/trunks/inward/test", `{}`, http.StatusConflict)
	b.problem(http.MethodPost, at, `{"number":"0044"}`, http.StatusForbidden)
	b.problem(http.MethodPost, at, `{"number":"busy"}`, http.StatusServiceUnavailable)
	b.problem(http.MethodPost, at, `{"number":"1","ring_ms":900000}`, http.StatusUnprocessableEntity)
}
