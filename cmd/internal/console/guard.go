package console

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"tierline/acd"
	"tierline/acd/report/store"
	"tierline/call"
	"tierline/cluster"
	"tierline/cmd/internal/console/wire"
	"tierline/cmd/internal/publish"
	"tierline/routing"
	"tierline/routing/document"
)

// guard puts what holds for every request in front of the handlers.
func (w *Console) guard(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		writeProblem(rw, &wire.ProblemError{Status: http.StatusForbidden, Detail: "pages of other origins may not do that"})
	}))
	next = origins.Handler(next)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		began := time.Now()
		h := rw.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		defer func() {
			if p := recover(); p != nil {
				w.c.Logger.Error("request failed", "path", shownPath(r.URL.Path), "panic", p, "stack", string(debug.Stack()))
				writeProblem(rw, &wire.ProblemError{Status: http.StatusInternalServerError})
			}
			// Never the query: it may hold a telephone number.
			w.c.Logger.Debug("request", "method", r.Method, "path", shownPath(r.URL.Path), "took", time.Since(began))
		}()
		if w.c.Door == nil && !isLocal(r.Host) && !isVisit(r.Context()) {
			writeProblem(rw, &wire.ProblemError{
				Status: http.StatusMisdirectedRequest, Detail: "only localhost and loopback addresses are served",
			})
			return
		}
		r.Body = http.MaxBytesReader(rw, r.Body, maxDocuments)
		next.ServeHTTP(rw, r)
	})
}

// shownPath is a path as the log has it: without what may be somebody's number.
func shownPath(path string) string {
	const shortest = 7
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if len(p) >= shortest && strings.Trim(p, "+0123456789") == "" {
			parts[i] = routing.Mask(p)
		}
	}
	return strings.Join(parts, "/")
}

// isLocal reports whether a Host header names this machine's loopback.
func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() || strings.EqualFold(host, "localhost")
}

func notFound(rw http.ResponseWriter, _ *http.Request) {
	writeProblem(rw, &wire.ProblemError{
		Status: http.StatusNotFound, Detail: "there is nothing here; /api/v1/openapi.json lists what there is",
	})
}

func writeProblem(rw http.ResponseWriter, p *wire.ProblemError) {
	p.Title = http.StatusText(p.Status)
	writeJSON(rw, p.ContentType(""), p.Status, p)
}

// writeJSON is for what doesn't go through huma.
func writeJSON(rw http.ResponseWriter, contentType string, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil { // our own types, made of text and numbers
		panic(err)
	}
	rw.Header().Set("Content-Type", contentType)
	rw.WriteHeader(status)
	_, _ = rw.Write(append(text, '\n')) // a client that left isn't our problem
}

// problem turns an error into an answer.
func (w *Console) problem(err error) error {
	p := &wire.ProblemError{Status: http.StatusInternalServerError, Detail: err.Error()}
	var refused *acd.RefusedError
	var wrong *publish.ProblemsError
	var missing *publish.MissingPromptsError
	var deny *call.DeniedError
	switch {
	case errors.As(err, &wrong):
		p.Status, p.Detail, p.Mistake = http.StatusUnprocessableEntity, wrong.Error(), mistakes(wrong.Problems)
	case errors.As(err, &missing):
		p.Status, p.Detail, p.Prompts = http.StatusConflict, missing.Error(), missing.Prompts
	case errors.Is(err, publish.ErrMoved), errors.Is(err, cluster.ErrMembers):
		p.Status = http.StatusConflict
	case errors.Is(err, publish.ErrNoReturn):
		p.Status = http.StatusNotFound
	case errors.As(err, &deny):
		p.Status = statusOfDenial(deny.Code)
	case errors.As(err, &refused):
		p.Status, p.Detail = http.StatusConflict, refused.Reason
	case errors.Is(err, cluster.ErrNoQuorum):
		p.Status = http.StatusServiceUnavailable
	case errors.Is(err, store.ErrAway): // what the database says names its users and hosts
		p.Status, p.Detail = http.StatusServiceUnavailable, store.ErrAway.Error()
	default:
		w.c.Logger.Error("request failed", "err", err)
		p.Detail = ""
	}
	p.Title = http.StatusText(p.Status)
	return p
}

func mistakes(list []document.Problem) []wire.Mistake {
	out := make([]wire.Mistake, len(list))
	for i, p := range list {
		out[i] = wire.Mistake{File: p.File, Line: p.Line, Col: p.Col, Severity: p.Severity.String(), Text: p.Text}
	}
	return out
}

func notFoundProblem(detail string) error {
	return &wire.ProblemError{Title: http.StatusText(http.StatusNotFound), Status: http.StatusNotFound, Detail: detail}
}
