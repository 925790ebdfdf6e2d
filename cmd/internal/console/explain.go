package console

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tierline/acd"
	"tierline/cmd/internal/console/wire"
	"tierline/cmd/internal/explain"
)

func (w *Console) explain() {
	huma.Register(w.api, huma.Operation{
		OperationID: "explain", Method: http.MethodGet, Path: "/api/v1/explain", Tags: []string{"explain"},
		Summary:     "The whole decision about a call that might come",
		Description: "Nothing is changed by it: business systems are asked only what is a GET and holds no secret.",
		Errors:      []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, w.explainQuestion)
	huma.Register(w.api, huma.Operation{
		OperationID: "explain-call", Method: http.MethodGet, Path: "/api/v1/calls/{id}/explain", Tags: []string{"explain"},
		Summary: "Why a call waits: its place, who could take it, what keeps the others from it",
		Errors:  []int{http.StatusNotFound, http.StatusConflict},
	}, w.explainCall)
}

type explainInput struct {
	From  string    `query:"from" required:"true" maxLength:"64" example:"13800138000"`
	To    string    `query:"to" required:"true" maxLength:"64" example:"10001"`
	Trunk string    `query:"trunk" maxLength:"64" doc:"Absent: the only one"`
	At    time.Time `query:"at" doc:"Absent: now"`
	Keys  string    `query:"keys" maxLength:"256" doc:"Pressed one group after another: 1,3"`
}

func (w *Console) explainQuestion(ctx context.Context, in *explainInput) (*answer[wire.Explained], error) {
	q := explain.Question{From: in.From, To: in.To, Trunk: in.Trunk, At: in.At}
	if q.At.IsZero() {
		q.At = w.c.Now()
	}
	for keys := range strings.SplitSeq(in.Keys, ",") {
		if keys = strings.TrimSpace(keys); keys != "" {
			q.Keys = append(q.Keys, keys)
		}
	}
	world, ok := w.c.Documents()
	if !ok {
		return nil, &wire.ProblemError{
			Title: http.StatusText(http.StatusServiceUnavailable), Status: http.StatusServiceUnavailable,
			Detail: "no service documents are published",
		}
	}
	world.Read = w.present
	e, err := explain.Explain(ctx, world, q)
	if errors.Is(err, explain.ErrTrunk) {
		return nil, notFoundProblem(err.Error())
	}
	if err != nil {
		return nil, w.problem(err)
	}
	return &answer[wire.Explained]{Body: e}, nil
}

func (w *Console) explainCall(_ context.Context, in *callInput) (*answer[acd.Explanation], error) {
	var e acd.Explanation
	var known, waits bool
	w.present(func(s *acd.State) {
		_, known = s.Call(in.ID)
		e, waits = s.ExplainCall(in.ID)
	})
	switch {
	case !known:
		return nil, notFoundProblem("there is no call " + in.ID)
	case !waits:
		return nil, &wire.ProblemError{
			Title: http.StatusText(http.StatusConflict), Status: http.StatusConflict, Detail: "call is in no queue",
		}
	}
	return &answer[acd.Explanation]{Body: e}, nil
}
