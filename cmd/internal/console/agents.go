package console

import (
	"cmp"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tierline/acd"
	"tierline/cmd/internal/console/wire"
	"tierline/routing"
)

func (w *Console) agents() {
	huma.Register(w.api, huma.Operation{
		OperationID: "list-agents", Method: http.MethodGet, Path: "/api/v1/agents", Tags: []string{"live"},
		Summary: "All agents with their states",
	}, w.listAgents)
	huma.Register(w.api, huma.Operation{
		OperationID: "get-agent", Method: http.MethodGet, Path: "/api/v1/agents/{id}", Tags: []string{"live"},
		Summary: "One agent", Errors: []int{http.StatusNotFound},
	}, w.getAgent)
	huma.Register(w.api, huma.Operation{
		OperationID: "command-agent", Method: http.MethodPost, Path: "/api/v1/agents/{id}/state", Tags: []string{"live"},
		Summary:     "Sign an agent in or out, make him ready or not ready, end or extend his wrap-up",
		Description: "A command that doesn't fit the agent's state changes nothing and gives 409.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable},
	}, w.commandAgent)
	huma.Register(w.api, huma.Operation{
		OperationID: "dispose-call", Method: http.MethodPost, Path: "/api/v1/agents/{id}/disposition",
		Tags:        []string{"live"},
		Summary:     "Say what became of an agent's call",
		Description: "While he talks, or in the wrap-up after it; the last code counts. 409: the queue has no such code.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable},
	}, w.dispose)
}

func (w *Console) listAgents(context.Context, *struct{}) (*answer[wire.Agents], error) {
	var views []acd.AgentView
	var last int64
	w.c.Core.Read(func(s *acd.State) { views, last = s.Agents(), s.Now() })
	now := w.clock.now(last)
	out := &answer[wire.Agents]{Body: wire.Agents{Agents: make([]wire.Agent, len(views))}}
	for i := range views {
		out.Body.Agents[i] = wireAgent(&views[i], now)
	}
	return out, nil
}

func wireAgent(v *acd.AgentView, now int64) wire.Agent {
	a := wire.Agent{
		ID: v.ID, Name: v.Name, State: v.State.String(), Reason: v.Reason, Cause: v.Cause, ForMS: max(0, now-v.Since),
		EndsInMS: remaining(v.Until, now), Call: v.Call,
		Role: v.Role.String(), Mode: v.Mode, Held: v.Held, Muted: v.Muted, Next: v.Next.String(), NextReason: v.NextReason,
		Misses: v.Misses, Dispositions: v.Codes, Disposition: v.Code, Skills: v.Skills,
		Phones: make([]wire.Phone, len(v.Bindings)),
	}
	if v.ReturnAt > 0 {
		a.ReturnsInMS = v.ReturnAt - now
	}
	if v.Until > 0 && v.ExtendTo > v.Until {
		a.ExtendableMS = v.ExtendTo - v.Until
	}
	if a.Skills == nil {
		a.Skills = []routing.SkillLevel{}
	}
	for i, b := range v.Bindings {
		a.Phones[i] = wire.Phone{
			Contact: b.Contact, Transport: b.Transport, Source: b.Received, UserAgent: b.UserAgent, Fixed: b.Fixed,
			EndsInMS: remaining(b.Expires, now),
		}
	}
	return a
}

type agentInput struct {
	ID string `path:"id" maxLength:"64" example:"1001"`
}

func (w *Console) getAgent(_ context.Context, in *agentInput) (*answer[wire.Agent], error) {
	var view acd.AgentView
	var found bool
	var last int64
	w.c.Core.Read(func(s *acd.State) {
		view, found = s.Agent(in.ID)
		last = s.Now()
	})
	if !found {
		return nil, notFoundProblem("there is no agent " + in.ID)
	}
	return &answer[wire.Agent]{Body: wireAgent(&view, w.clock.now(last))}, nil
}

type agentCommand struct {
	ID   string `path:"id" maxLength:"64" example:"1001"`
	Body wire.Command
}

func (w *Console) commandAgent(ctx context.Context, in *agentCommand) (*answer[wire.Agent], error) {
	agent := &agentInput{ID: in.ID}
	if _, err := w.getAgent(ctx, agent); err != nil {
		return nil, err
	}
	ev := acd.AgentCommanded{Agent: in.ID, Command: command(in.Body.Command), By: asks(ctx, in.Body.By)}
	if ev.Command == acd.GoNotReady {
		ev.Reason = in.Body.Reason
	}
	if ev.Command == acd.GoNotReady || ev.Command == acd.ExtendWrapUp {
		ev.For = in.Body.ForMS
	}
	if _, _, err := w.c.Core.Propose(ctx, ev); err != nil {
		return nil, w.problem(err)
	}
	return w.getAgent(ctx, agent)
}

// command returns the command of a word that the API has already checked.
func command(word string) acd.AgentCommand {
	switch word {
	case "sign_in":
		return acd.SignIn
	case "ready":
		return acd.GoReady
	case "not_ready":
		return acd.GoNotReady
	case "sign_out":
		return acd.SignOut
	case "extend_wrap_up":
		return acd.ExtendWrapUp
	default:
		return acd.EndWrapUp
	}
}

type agentDisposition struct {
	ID   string `path:"id" maxLength:"64" example:"1001"`
	Body wire.Disposition
}

func (w *Console) dispose(ctx context.Context, in *agentDisposition) (*answer[wire.Agent], error) {
	agent := &agentInput{ID: in.ID}
	found, err := w.getAgent(ctx, agent)
	if err != nil {
		return nil, err
	}
	ev := acd.AgentDisposed{
		Agent: in.ID, Call: cmp.Or(in.Body.Call, found.Body.Call), Code: in.Body.Code, By: asks(ctx, in.Body.By),
	}
	if _, _, err := w.c.Core.Propose(ctx, ev); err != nil {
		return nil, w.problem(err)
	}
	return w.getAgent(ctx, agent)
}
