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

// apiUser is who asks if the request doesn't say.
const apiUser = "api"

func (w *Console) live() {
	huma.Register(w.api, huma.Operation{
		OperationID: "list-calls", Method: http.MethodGet, Path: "/api/v1/calls", Tags: []string{"live"},
		Summary: "Running calls in the order of their arrival",
	}, w.listCalls)
	huma.Register(w.api, huma.Operation{
		OperationID: "get-call", Method: http.MethodGet, Path: "/api/v1/calls/{id}", Tags: []string{"live"},
		Summary: "One running call", Errors: []int{http.StatusNotFound},
	}, w.getCall)
	huma.Register(w.api, huma.Operation{
		OperationID: "move-call", Method: http.MethodPost, Path: "/api/v1/calls/{id}/band", Tags: []string{"live"},
		Summary:     "Serve a waiting call before or after the others",
		Description: "A call that doesn't wait can't be moved: 409.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable},
	}, w.moveCall)
	w.agents()
	w.control()
	huma.Register(w.api, huma.Operation{
		OperationID: "list-queues", Method: http.MethodGet, Path: "/api/v1/queues", Tags: []string{"live"},
		Summary: "All queues with waiting calls by tier, agents by state and today's numbers",
	}, w.listQueues)
}

type callFilter struct {
	Queue string `query:"queue" doc:"Only calls in this queue"`
	Agent string `query:"agent" doc:"Only calls of this agent"`
}

func (w *Console) listCalls(ctx context.Context, f *callFilter) (*answer[wire.Calls], error) {
	var views []acd.CallView
	var now int64
	w.present(func(s *acd.State) { views, now = s.Calls(), s.Now() })
	wall := report.TimeOf(time.Now())
	sounds := w.relay.qualities(ctx, views)
	out := &answer[wire.Calls]{Body: wire.Calls{Calls: []wire.Call{}}}
	for i := range views {
		v := &views[i]
		if (f.Queue == "" || f.Queue == v.Queue) && (f.Agent == "" || f.Agent == v.Agent) {
			c := wireCall(v, now, wall)
			c.Legs = sounds[c.ID]
			out.Body.Calls = append(out.Body.Calls, c)
		}
	}
	return out, nil
}

type callInput struct {
	ID string `path:"id" maxLength:"64"`
}

func (w *Console) getCall(ctx context.Context, in *callInput) (*answer[wire.Call], error) {
	var view acd.CallView
	var found bool
	var now int64
	w.present(func(s *acd.State) {
		view, found = s.Call(in.ID)
		now = s.Now()
	})
	if !found {
		return nil, notFoundProblem("there is no call " + in.ID)
	}
	c := wireCall(&view, now, report.TimeOf(time.Now()))
	c.Legs = w.relay.qualities(ctx, []acd.CallView{view})[c.ID]
	return &answer[wire.Call]{Body: c}, nil
}

type callMove struct {
	ID   string `path:"id" maxLength:"64"`
	Body wire.Move
}

func (w *Console) moveCall(ctx context.Context, in *callMove) (*answer[wire.Call], error) {
	call := &callInput{ID: in.ID}
	if _, err := w.getCall(ctx, call); err != nil {
		return nil, err
	}
	ev := acd.CallMoved{Call: in.ID, Band: in.Body.Band, By: asks(ctx, in.Body.By)}
	if _, _, err := w.c.Core.Propose(ctx, ev); err != nil {
		return nil, w.problem(err)
	}
	return w.getCall(ctx, call)
}

func wireCall(v *acd.CallView, now int64, wall report.Time) wire.Call {
	c := wire.Call{
		ID: v.ID, Phase: v.Phase.String(), Trunk: v.Trunk, From: v.From, To: v.To,
		Customer: wire.Customer{ID: v.Customer.ID, Name: v.Customer.Name}, Tier: v.Tier.String(), Language: v.Language,
		Flow: v.Flow, Step: v.Step, Queue: v.Queue, Agent: v.Agent, Arrived: report.Time(v.Arrived),
		AgeMS: max(0, int64(wall)-v.Arrived), Requirement: v.Requirement, Why: v.Why,
		Generation: v.Generation, Node: v.Node, SIPCallID: v.SIPCallID, PlacedBy: v.PlacedBy,
	}
	for _, s := range v.Sides {
		p := wire.Party{Agent: s.Agent, Role: s.Role.String(), State: "ringing", Mode: s.Mode, By: s.By}
		if s.Answered {
			p.State = "talking"
		}
		c.Parties = append(c.Parties, p)
	}
	if v.Key != nil {
		c.Key, c.WaitedMS = &v.Key.Deadline, max(0, now-v.QueuedAt)
		c.LeavesInMS, c.Band = remaining(v.LeaveAt, now), v.Key.Band
	}
	c.Attributes = attributes(v.Attach)
	return c
}

// remaining returns the time until a moment that may be none.
func remaining(at, now int64) int64 {
	if at == 0 {
		return 0
	}
	return max(0, at-now)
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
