package console

import (
	"context"
	"net/http"
	"time"

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
			"Any node may be asked: the one that holds the call answers.",
		Errors: controlErrors(),
	}, w.controlCall)
	huma.Register(w.api, huma.Operation{
		OperationID: "supervise", Method: http.MethodPost, Path: "/api/v1/supervisions", Tags: []string{"live"},
		Summary: "Bring a supervisor into a call, or change what he does there",
		Description: "His phone rings; answers when it does, or when the mode has changed. 403: the documents don't let " +
			"him look after that agent. 409: not possible now. Any node may be asked.",
		Errors: controlErrors(),
	}, w.supervise)
	huma.Register(w.api, huma.Operation{
		OperationID: "end-supervision", Method: http.MethodDelete, Path: "/api/v1/supervisions/{id}",
		Tags: []string{"live"}, Summary: "Take a supervisor out of the call he is in",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, w.endSupervision)
}

func controlErrors() []int {
	return []int{
		http.StatusNotFound, http.StatusConflict, http.StatusForbidden,
		http.StatusServiceUnavailable, http.StatusBadGateway,
	}
}

type supervision struct {
	Body wire.Supervision
}

func (w *Console) supervise(ctx context.Context, in *supervision) (*answer[wire.Agent], error) {
	b := &in.Body
	return w.oversee(ctx, call.Oversight{
		Supervisor: b.Supervisor, Agent: b.Agent, Call: b.Call, Do: b.Mode, By: asks(ctx, b.By),
	})
}

func (w *Console) endSupervision(ctx context.Context, in *agentInput) (*answer[wire.Agent], error) {
	return w.oversee(ctx, call.Oversight{Supervisor: in.ID, Do: call.Leave, By: asks(ctx, "")})
}

func (w *Console) oversee(ctx context.Context, o call.Oversight) (*answer[wire.Agent], error) {
	agent := &agentInput{ID: o.Supervisor}
	if _, err := w.getAgent(ctx, agent); err != nil {
		return nil, err
	}
	if err := w.c.Supervise(ctx, o); err != nil {
		return nil, w.problem(err)
	}
	return w.agentAfter(ctx, agent)
}

// settleTime is how long an answer waits for the log, so that it shows what was
// just done. What takes longer is told as it was.
const settleTime = time.Second

func (w *Console) agentAfter(ctx context.Context, agent *agentInput) (*answer[wire.Agent], error) {
	soon, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	_ = w.c.Core.Settle(soon) // it has been done, whatever the log does
	return w.getAgent(ctx, agent)
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
		Agent: in.ID, Do: call.Action(b.Action), Party: b.Party, By: asks(ctx, b.By),
		Target: call.Target{Agent: b.Agent, Queue: b.Queue, Number: b.Number, Flow: b.Flow},
	})
	if err != nil {
		return nil, w.problem(err)
	}
	return w.agentAfter(ctx, agent)
}

// statusOfDenial is the HTTP status of a wish that can't be granted.
func statusOfDenial(code string) int {
	switch code {
	case call.DeniedTarget:
		return http.StatusNotFound
	case call.DeniedNumber, call.DeniedSupervisor:
		return http.StatusForbidden
	case call.DeniedTrouble:
		return http.StatusServiceUnavailable
	}
	return http.StatusConflict
}
