package console

import (
	"cmp"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tierline/call"
	"tierline/cmd/internal/console/wire"
)

func (w *Console) control() {
	huma.Register(w.api, huma.Operation{
		OperationID: "control-call", Method: http.MethodPost, Path: "/api/v1/agents/{id}/call", Tags: []string{"live"},
		Summary: "Hold, mute, consult, transfer, confer: what an agent does with his call",
		Description: "Answers when it has begun. Whether somebody answers, and when, is told by events. " +
			"409: not possible now, or nobody like that can be reached; the call goes on as it was. " +
			"Ask the node that holds the call.",
		Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusForbidden, http.StatusServiceUnavailable},
	}, w.controlCall)
}

type callControl struct {
	ID   string `path:"id" maxLength:"64" example:"1001"`
	Body wire.Control
}

func (w *Console) controlCall(ctx context.Context, in *callControl) (*answer[wire.Agent], error) {
	agent := &agentInput{ID: in.ID}
	if _, err := w.getAgent(ctx, agent); err != nil {
		return nil, err
	}
	b := &in.Body
	err := w.c.Control(ctx, call.Control{
		Agent: in.ID, Do: call.Action(b.Action), Party: b.Party, By: cmp.Or(b.By, apiUser),
		Target: call.Target{Agent: b.Agent, Queue: b.Queue, Number: b.Number, Flow: b.Flow},
	})
	if err != nil {
		return nil, w.problem(err)
	}
	return w.getAgent(ctx, agent)
}

// statusOfDenial is the HTTP status of a wish that can't be granted.
func statusOfDenial(code string) int {
	switch code {
	case call.DeniedTarget:
		return http.StatusNotFound
	case call.DeniedNumber:
		return http.StatusForbidden
	case call.DeniedTrouble:
		return http.StatusServiceUnavailable
	}
	return http.StatusConflict
}
