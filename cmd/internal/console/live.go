package console

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/cmd/internal/console/wire"
	"tierline/routing"
)

// answer is a body for huma.
type answer[T any] struct{ Body T }

func (w *Console) live() {
	huma.Register(w.api, huma.Operation{
		OperationID: "list-calls", Method: http.MethodGet, Path: "/api/v1/calls", Tags: []string{"live"},
		Summary: "Running calls in the order of their arrival",
	}, w.listCalls)
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
		Summary:     "Sign an agent in or out, make him ready or not ready, end his wrap-up",
		Description: "A command that doesn't fit the agent's state changes nothing and gives 409.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable},
	}, w.commandAgent)
	huma.Register(w.api, huma.Operation{
		OperationID: "list-queues", Method: http.MethodGet, Path: "/api/v1/queues", Tags: []string{"live"},
		Summary: "All queues with waiting calls by tier, agents by state and today's numbers",
	}, w.listQueues)
}

type callFilter struct {
	Queue string `query:"queue" doc:"Only calls in this queue"`
	Agent string `query:"agent" doc:"Only calls of this agent"`
}

func (w *Console) listCalls(_ context.Context, f *callFilter) (*answer[wire.Calls], error) {
	var views []acd.CallView
	var last int64
	w.c.Core.Read(func(s *acd.State) { views, last = s.Calls(), s.Now() })
	now, wall := w.clock.now(last), report.TimeOf(time.Now())
	out := &answer[wire.Calls]{Body: wire.Calls{Calls: []wire.Call{}}}
	for i := range views {
		v := &views[i]
		if (f.Queue == "" || f.Queue == v.Queue) && (f.Agent == "" || f.Agent == v.Agent) {
			out.Body.Calls = append(out.Body.Calls, wireCall(v, now, wall))
		}
	}
	return out, nil
}

func wireCall(v *acd.CallView, now int64, wall report.Time) wire.Call {
	c := wire.Call{
		ID: v.ID, Phase: v.Phase.String(), Trunk: v.Trunk, From: v.From, To: v.To,
		Customer: wire.Customer{ID: v.Customer.ID, Name: v.Customer.Name}, Tier: v.Tier.String(), Language: v.Language,
		Flow: v.Flow, Step: v.Step, Queue: v.Queue, Agent: v.Agent, Arrived: report.Time(v.Arrived),
		AgeMS: max(0, int64(wall)-v.Arrived), Requirement: v.Requirement, Why: v.Why,
		Generation: v.Generation, Node: v.Node, SIPCallID: v.SIPCallID,
	}
	if v.Key != nil {
		c.Key, c.WaitedMS = &v.Key.Deadline, max(0, now-v.QueuedAt)
		c.LeavesInMS = remaining(v.LeaveAt, now)
	}
	for _, a := range v.Attach {
		if c.Attributes == nil {
			c.Attributes = map[string]string{}
		}
		c.Attributes[a.Name] = a.Value
	}
	return c
}

// remaining returns the time until a moment that may be none.
func remaining(at, now int64) int64 {
	if at == 0 {
		return 0
	}
	return max(0, at-now)
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
		EndsInMS: remaining(v.Until, now), Call: v.Call, Next: v.Next.String(), NextReason: v.NextReason,
		Misses: v.Misses, Skills: v.Skills, Phones: make([]wire.Phone, len(v.Bindings)),
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
	ev := acd.AgentCommanded{Agent: in.ID, Command: command(in.Body.Command), By: in.Body.By}
	if ev.By == "" {
		ev.By = "api"
	}
	if ev.Command == acd.GoNotReady {
		ev.Reason = in.Body.Reason
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
	default:
		return acd.EndWrapUp
	}
}

// longest returns a queue's longest wait, given the time since the last entry.
func longest(q *acd.QueueView, since int64) int64 {
	if q.Waiting == 0 {
		return 0
	}
	return q.LongestMS + since
}

func (w *Console) listQueues(ctx context.Context, _ *struct{}) (*answer[wire.Queues], error) {
	var views []acd.QueueView
	var last int64
	w.c.Core.Read(func(s *acd.State) { views, last = s.Queues(), s.Now() })
	now := w.clock.now(last)
	today := w.today(ctx)
	out := &answer[wire.Queues]{Body: wire.Queues{
		Queues: make([]wire.Queue, len(views)), ServiceLevel: wireTarget(w.c.Target),
	}}
	for i, v := range views {
		q := wire.Queue{
			Name: v.Name, Requirement: v.Requirement, Waiting: v.Waiting, ByTier: map[string]int{},
			LongestMS: longest(&v, now-last), Agents: v.Agents, Generation: v.Generation,
		}
		if today != nil {
			q.Today = wireToday(today[v.Name], w.c.Target)
		}
		for tier, n := range v.ByTier {
			q.ByTier[routing.Tier(tier).String()] = n
		}
		out.Body.Queues[i] = q
	}
	return out, nil
}
