package console

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tierline/cmd/internal/console/wire"
)

func (w *Console) nodes() {
	huma.Register(w.api, huma.Operation{
		OperationID: "list-nodes", Method: http.MethodGet, Path: "/api/v1/nodes", Tags: []string{"live"},
		Summary: "Nodes of the cluster: who leads, term, index, lag, live calls, what is wrong",
	}, w.listNodes)
	huma.Register(w.api, huma.Operation{
		OperationID: "drain-node", Method: http.MethodPost, Path: "/api/v1/nodes/{node}/drain", Tags: []string{"live"},
		Summary: "Take a node out of service: its calls and its address go to another one, another one leads",
		Description: "The process goes on and keeps the log; its next start brings it back. 404 if there is no such node " +
			"in the cluster. A node alone takes no more calls and lets those it has finish.",
		Errors: []int{http.StatusNotFound, http.StatusBadGateway},
	}, w.drainNode)
	huma.Register(w.api, huma.Operation{
		OperationID: "remove-node", Method: http.MethodDelete, Path: "/api/v1/nodes/{node}", Tags: []string{"live"},
		DefaultStatus: http.StatusNoContent,
		Summary:       "Strike a node whose process has ended off the members of the cluster",
		Description: "Majorities are counted without it from then on, and it isn't let in any more. 409 while it " +
			"runs, or while another member than those that are down doesn't follow.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, w.removeNode)
}

// Drained is what came of taking a node out of service.
type Drained struct {
	Heir        string // who has its address and calls; "": nobody could take them
	Moved, Left int    // calls
}

// named is a request about one node.
type named struct {
	Node string `path:"node" maxLength:"63"`
}

func (w *Console) removeNode(ctx context.Context, in *named) (*struct{}, error) {
	if w.c.Remove == nil {
		return nil, notFoundProblem("this node is in no cluster")
	}
	if err := w.c.Remove(ctx, in.Node); err != nil {
		return nil, w.problem(err)
	}
	return &struct{}{}, nil
}

func (w *Console) drainNode(ctx context.Context, in *named) (*answer[wire.Drained], error) {
	if in.Node != w.c.Node || w.c.Drain == nil {
		return nil, notFoundProblem("there is no node " + in.Node + " in the cluster")
	}
	d, err := w.c.Drain(ctx)
	if err != nil {
		return nil, w.problem(err)
	}
	return &answer[wire.Drained]{Body: wire.Drained{Node: in.Node, Heir: d.Heir, Moved: d.Moved, Left: d.Left}}, nil
}

func (w *Console) listNodes(ctx context.Context, _ *struct{}) (*answer[wire.Nodes], error) {
	out := &answer[wire.Nodes]{Body: wire.Nodes{Node: w.c.Node, Nodes: []wire.Node{}}}
	if w.c.Nodes == nil {
		return out, nil
	}
	for _, s := range w.c.Nodes(ctx) {
		out.Body.Nodes = append(out.Body.Nodes, wire.Node{
			Name: s.Node, Address: s.Address, Version: s.Release, State: s.State, Term: s.Term, Index: s.Index,
			Lag: s.Lag, Calls: s.Calls, Trouble: s.Trouble,
		})
	}
	return out, nil
}
