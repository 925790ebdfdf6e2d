package console

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tierline/acd/report"
	"tierline/acd/report/store"
	"tierline/cmd/internal/console/wire"
)

func (w *Console) cdrs() {
	huma.Register(w.api, huma.Operation{
		OperationID: "list-cdrs", Method: http.MethodGet, Path: "/api/v1/cdrs", Tags: []string{"records"},
		Summary:     "Records of ended calls, the newest first",
		Description: "Pass the value of next as page to go on; records that come meanwhile don't shift the pages.",
		Errors:      []int{http.StatusBadRequest},
	}, w.listCDRs)
	huma.Register(w.api, huma.Operation{
		OperationID: "get-cdr", Method: http.MethodGet, Path: "/api/v1/cdrs/{call}", Tags: []string{"records"},
		Summary: "The record of one ended call", Errors: []int{http.StatusNotFound},
	}, w.getCDR)
}

type cdrQuery struct {
	From   time.Time `query:"from" doc:"Calls that began at this time or later"`
	Until  time.Time `query:"until" doc:"Calls that began before this time"`
	Number string    `query:"number" maxLength:"64" doc:"Caller's or called number, exact"`
	Agent  string    `query:"agent" maxLength:"64" doc:"Calls this agent talked in"`
	Limit  int       `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Page   string    `query:"page" maxLength:"300" doc:"Value of next in the answer before"`
}

func (w *Console) listCDRs(ctx context.Context, in *cdrQuery) (*answer[wire.CDRs], error) {
	q := store.Query{Number: in.Number, Agent: in.Agent, Limit: in.Limit + 1}
	if !in.From.IsZero() {
		q.From = report.TimeOf(in.From)
	}
	if !in.Until.IsZero() {
		q.Until = report.TimeOf(in.Until)
	}
	if in.Page != "" {
		before, err := parsePage(in.Page)
		if err != nil {
			return nil, err
		}
		q.Before = before
	}
	found, err := w.c.Records.CDRs(ctx, q)
	if err != nil {
		return nil, w.problem(err)
	}
	out := &answer[wire.CDRs]{}
	if len(found) > in.Limit {
		found = found[:in.Limit]
		last := found[in.Limit-1]
		out.Body.Next = page(store.Place{Index: last.LastIndex, Call: last.Call})
	}
	out.Body.CDRs = append([]report.CDR{}, found...)
	return out, nil
}

func page(p store.Place) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatUint(p.Index, 10) + " " + p.Call))
}

func parsePage(text string) (store.Place, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	index, call, _ := strings.Cut(string(raw), " ")
	n, bad := strconv.ParseUint(index, 10, 63)
	if err != nil || bad != nil {
		return store.Place{}, &wire.ProblemError{
			Title: http.StatusText(http.StatusBadRequest), Status: http.StatusBadRequest,
			Detail: "page is no value that next ever had",
		}
	}
	return store.Place{Index: n, Call: call}, nil
}

type cdrPath struct {
	Call string `path:"call" maxLength:"128"`
}

func (w *Console) getCDR(ctx context.Context, in *cdrPath) (*answer[report.CDR], error) {
	c, err := w.c.Records.CDR(ctx, in.Call)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFoundProblem("there is no record of a call " + in.Call + "; running calls have none yet")
	}
	if err != nil {
		return nil, w.problem(err)
	}
	return &answer[report.CDR]{Body: c}, nil
}
