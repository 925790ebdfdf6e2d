package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/call/service"
	"tierline/cmd/internal/console/wire"
	"tierline/cmd/internal/publish"
)

func (w *Console) generations() {
	huma.Register(w.api, huma.Operation{
		OperationID: "list-generations", Method: http.MethodGet, Path: "/api/v1/generations", Tags: []string{"documents"},
		Summary: "Published generations of service documents, the newest first",
	}, w.listGenerations)
	huma.Register(w.api, huma.Operation{
		OperationID: "current-documents", Method: http.MethodGet, Path: "/api/v1/generations/current/documents",
		Tags: []string{"documents"}, Summary: "The documents that are current",
		Description: "Texts that may hold secrets or customers' data are left out.", Errors: []int{http.StatusNotFound},
	}, w.currentDocuments)
	huma.Register(w.api, huma.Operation{
		OperationID: "publish", Method: http.MethodPost, Path: "/api/v1/generations", Tags: []string{"documents"},
		Summary: "Publish service documents, or with dry_run say what that would change",
		Description: "The body is an encoded bundle, as `tierline apply` makes it. Wrong documents give 422 and all " +
			"their mistakes in the member problems (file, line, col, severity, text); sounds that must be sent first " +
			"give 409 and their SHA-256 in missing_prompts. A refused publication changes nothing.",
		MaxBodyBytes: maxDocuments, BodyReadTimeout: readTimeout,
		Errors: []int{http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, w.publish)
	huma.Register(w.api, huma.Operation{
		OperationID: "rollback", Method: http.MethodPost, Path: "/api/v1/generations/rollback", Tags: []string{"documents"},
		Summary: "Publish the documents of an earlier generation again",
		Errors:  []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, w.rollback)
	huma.Register(w.api, huma.Operation{
		OperationID: "put-prompt", Method: http.MethodPut, Path: "/api/v1/prompts/{sha256}", Tags: []string{"documents"},
		Summary:      "Store a sound (WAV, 8 kHz mono; A-law, µ-law or PCM) under its SHA-256",
		MaxBodyBytes: maxDocuments, BodyReadTimeout: readTimeout, DefaultStatus: http.StatusNoContent,
		Errors: []int{http.StatusUnprocessableEntity},
	}, w.putPrompt)
}

func (w *Console) listGenerations(context.Context, *struct{}) (*answer[wire.Generations], error) {
	var list []acd.Bundle
	var current uint64
	calls := map[uint64]int{}
	w.c.Core.Read(func(s *acd.State) {
		list, current = s.Generations(), s.Generation()
		for _, c := range s.Calls() {
			calls[c.Generation]++
		}
	})
	out := &answer[wire.Generations]{Body: wire.Generations{Generations: make([]wire.Generation, len(list))}}
	for i, b := range list {
		out.Body.Generations[i] = wire.Generation{
			Generation: b.Generation, Hash: b.Hash, Current: b.Generation == current, Published: report.Time(b.Wall),
			By: b.By, Note: b.Note, Calls: calls[b.Generation],
		}
	}
	return out, nil
}

// shown are the documents whose texts hold no secrets and nobody's data.
// A document that is new in a later release stays hidden until it is judged.
func shown(name string) bool {
	switch name {
	case "numbers.yaml", "tiers.yaml", "queues.yaml", "skills.yaml", "calendars.yaml", "features.yaml":
		return true
	}
	return strings.HasPrefix(name, "flows/") || strings.HasPrefix(name, "holidays")
}

func (w *Console) currentDocuments(context.Context, *struct{}) (*answer[wire.Documents], error) {
	var current acd.Bundle
	var found bool
	w.c.Core.Read(func(s *acd.State) { current, found = s.GenerationBundle(s.Generation()) })
	if !found {
		return nil, notFoundProblem("no documents are published yet: tierline apply DIR")
	}
	bundle, err := service.DecodeBundle(current.Data)
	if err != nil {
		return nil, w.problem(err)
	}
	out := &answer[wire.Documents]{Body: wire.Documents{
		Generation: current.Generation, Files: make([]wire.Document, len(bundle.Files)), Prompts: bundle.Prompts,
	}}
	for i, f := range bundle.Files {
		d := wire.Document{Name: f.Name, Size: len(f.Data), Hidden: !shown(f.Name)}
		if !d.Hidden {
			d.Text = string(f.Data)
		}
		out.Body.Files[i] = d
	}
	return out, nil
}

type publication struct {
	DryRun  bool   `query:"dry_run" doc:"Change nothing, only say what would change"`
	By      string `query:"by" maxLength:"64" doc:"Who publishes"`
	Note    string `query:"note" maxLength:"200" doc:"Why"`
	Base    string `query:"base" pattern:"^[0-9]{0,19}$" doc:"Generation that must still be current"`
	RawBody []byte `contentType:"application/octet-stream"`
}

func (w *Console) publish(ctx context.Context, in *publication) (*answer[wire.Publication], error) {
	if in.DryRun {
		plan, err := w.c.Publisher.Plan(in.RawBody)
		if err != nil {
			return nil, w.problem(err)
		}
		return &answer[wire.Publication]{Body: wirePublication(plan)}, nil
	}
	// A copy: huma uses the buffer of the body for other requests afterwards.
	r := publish.Request{Data: bytes.Clone(in.RawBody), By: asks(ctx, in.By), Note: in.Note}
	if in.Base != "" {
		base := parseNumber(in.Base)
		r.Base = &base
	}
	return w.published(w.c.Publisher.Publish(ctx, r))
}

func (w *Console) published(done publish.Published, err error) (*answer[wire.Publication], error) {
	if err != nil {
		return nil, w.problem(err)
	}
	body := wirePublication(done.Plan)
	body.Generation, body.Applied = done.Generation, !done.Unchanged
	return &answer[wire.Publication]{Body: body}, nil
}

func wirePublication(p publish.Plan) wire.Publication {
	var flows []wire.Flow
	for _, f := range p.Flows {
		flows = append(flows, wire.Flow{
			Flow: f.Name, New: f.New, Gone: f.Gone, Calls: f.Calls, Changed: append([]string{}, f.Changed...),
			Added: append([]string{}, f.Added...), Removed: append([]string{}, f.Removed...),
		})
	}
	return wire.Publication{
		Flows: flows, Unchanged: p.Unchanged, Current: p.Current, Hash: p.Hash, Changes: append([]string{}, p.Changes...),
		Staying: p.Staying, Missing: p.Missing, Warnings: mistakes(p.Warnings),
	}
}

type rollback struct{ Body wire.Rollback }

func (w *Console) rollback(ctx context.Context, in *rollback) (*answer[wire.Publication], error) {
	return w.published(w.c.Publisher.Rollback(ctx, in.Body.To, asks(ctx, in.Body.By), in.Body.Note))
}

type sound struct {
	SHA     string `path:"sha256" pattern:"^[0-9a-f]{64}$"`
	RawBody []byte `contentType:"audio/wav"`
}

func (w *Console) putPrompt(_ context.Context, in *sound) (*struct{}, error) {
	bad := &wire.ProblemError{
		Title: http.StatusText(http.StatusUnprocessableEntity), Status: http.StatusUnprocessableEntity,
	}
	sum := sha256.Sum256(in.RawBody)
	if got := hex.EncodeToString(sum[:]); got != in.SHA {
		bad.Detail = "the body's SHA-256 is " + got
		return nil, bad
	}
	if _, err := w.c.Library.Put(bytes.NewReader(in.RawBody)); err != nil {
		bad.Detail = err.Error()
		return nil, bad
	}
	return nil, nil //nolint:nilnil // huma answers 204 for a nil body
}
