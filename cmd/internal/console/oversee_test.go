package console_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/call"
	"tierline/cmd/internal/console/wire"
)

func TestSupervisions(t *testing.T) {
	b := newBed(t)
	b.centre()
	var asked []call.Oversight
	var refusal error
	b.supervise = func(_ context.Context, o call.Oversight) error {
		asked = append(asked, o)
		return refusal
	}
	const at = "/api/v1/supervisions"
	a := post[wire.Agent](b, at, `{"supervisor":"1002","agent":"1001","mode":"whisper","by":"lead"}`)
	if a.ID != "1002" {
		t.Errorf("answer %+v", a)
	}
	post[wire.Agent](b, at, `{"supervisor":"1002","call":"c1","mode":"take_over"}`)
	if status, text := b.do(http.MethodDelete, at+"/1002", ""); status != http.StatusOK {
		t.Errorf("%d %s", status, text)
	}
	want := []call.Oversight{
		{Supervisor: "1002", Agent: "1001", Do: acd.ModeWhisper, By: "lead"},
		{Supervisor: "1002", Call: "c1", Do: call.TakeOver, By: "api"},
		{Supervisor: "1002", Do: call.Leave, By: "api"},
	}
	if d := cmp.Diff(want, asked); d != "" {
		t.Error(d)
	}
	b.problem(http.MethodPost, at, `{"supervisor":"nobody","agent":"1001","mode":"listen"}`, http.StatusNotFound)
	b.problem(http.MethodPost, at, `{"supervisor":"1002","agent":"1001","mode":"shout"}`, http.StatusUnprocessableEntity)
	for code, status := range map[string]int{
		call.DeniedSupervisor: http.StatusForbidden, call.DeniedNoCall: http.StatusConflict,
		call.DeniedTarget: http.StatusNotFound, call.DeniedTrouble: http.StatusServiceUnavailable,
	} {
		refusal = &call.DeniedError{Code: code, Text: "no"}
		b.problem(http.MethodPost, at, `{"supervisor":"1002","agent":"1001","mode":"listen"}`, status)
	}
	b.problem(http.MethodDelete, at+"/1002", "", http.StatusForbidden, "Origin", "https://evil.example")
}
