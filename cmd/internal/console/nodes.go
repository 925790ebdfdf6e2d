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
