package console

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tierline/acd/report"
	"tierline/call/registrar"
	"tierline/cmd/internal/console/wire"
)

// Suspects are those who failed to prove themselves.
type Suspects interface {
	Suspects() []registrar.Suspect
	// Lift forgets failures and tells whether there were any.
	Lift(from netip.Addr, user string) bool
}

func (w *Console) bans() {
	tags := []string{"bans"}
	huma.Register(w.api, huma.Operation{
		OperationID: "list-bans", Method: http.MethodGet, Path: "/api/v1/bans", Tags: tags,
		Summary: "Addresses that sent wrong SIP credentials lately, and whether they are banned",
	}, w.listBans)
	huma.Register(w.api, huma.Operation{
		OperationID: "lift-ban", Method: http.MethodPost, Path: "/api/v1/bans/lift", Tags: tags,
		DefaultStatus: http.StatusNoContent, Summary: "Forget the failures of an address, and so lift its ban",
		Errors: []int{http.StatusNotFound},
	}, w.liftBan)
}

func (w *Console) listBans(context.Context, *struct{}) (*answer[wire.Bans], error) {
	out := &answer[wire.Bans]{Body: wire.Bans{Node: w.c.Node, Bans: []wire.Ban{}}}
	if w.c.Suspects == nil {
		return out, nil
	}
	now := w.c.Now()
	for _, s := range w.c.Suspects.Suspects() {
		last := report.TimeOf(s.Last)
		b := wire.Ban{
			Source: s.Source.String(), User: s.User, State: "watched", Failures: s.Failures, LastFailed: &last,
		}
		if !s.Held.IsZero() {
			b.State, b.EndsInMS = "held", until(s.Held, now)
		}
		if !s.Banned.IsZero() {
			b.State, b.EndsInMS = "banned", until(s.Banned, now)
		}
		out.Body.Bans = append(out.Body.Bans, b)
	}
	return out, nil
}

func until(t, now time.Time) int64 { return max(0, t.Sub(now).Milliseconds()) }

type liftInput struct{ Body wire.Lift }

func (w *Console) liftBan(ctx context.Context, in *liftInput) (*struct{}, error) {
	text, _, _ := strings.Cut(in.Body.Source, "/") // as the list shows it
	from, err := netip.ParseAddr(text)
	if err != nil {
		return nil, &wire.ProblemError{
			Title: http.StatusText(http.StatusUnprocessableEntity), Status: http.StatusUnprocessableEntity,
			Detail: in.Body.Source + " is no address",
		}
	}
	if w.c.Suspects == nil || !w.c.Suspects.Lift(from, in.Body.User) {
		return nil, notFoundProblem("nobody at " + in.Body.Source + " has failed lately")
	}
	w.c.Logger.Info("ban lifted by the API", "source", from, "user", in.Body.User, "by", asks(ctx, in.Body.By))
	return nil, nil //nolint:nilnil // 204 has no body
}
