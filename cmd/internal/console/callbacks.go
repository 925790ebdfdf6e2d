package console

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/cmd/internal/console/wire"
	"tierline/routing"
	"tierline/routing/trunk"
)

func (w *Console) callbacks() {
	tags := []string{"call-backs"}
	huma.Register(w.api, huma.Operation{
		OperationID: "list-callbacks", Method: http.MethodGet, Path: "/api/v1/callbacks", Tags: tags,
		Summary: "Open call-backs in the order they were asked for",
	}, w.listCallbacks)
	huma.Register(w.api, huma.Operation{
		OperationID: "request-callback", Method: http.MethodPost, Path: "/api/v1/callbacks", Tags: tags,
		DefaultStatus: http.StatusCreated, Summary: "Have a customer called when it is his turn",
		Description: "409 if there is one for the customer or number, if the queue takes no more, or for a wrong time.",
		Errors:      []int{http.StatusConflict, http.StatusServiceUnavailable},
	}, w.requestCallback)
	huma.Register(w.api, huma.Operation{
		OperationID: "get-callback", Method: http.MethodGet, Path: "/api/v1/callbacks/{id}", Tags: tags,
		Summary: "One open call-back", Errors: []int{http.StatusNotFound},
	}, w.getCallback)
	huma.Register(w.api, huma.Operation{
		OperationID: "cancel-callback", Method: http.MethodDelete, Path: "/api/v1/callbacks/{id}", Tags: tags,
		DefaultStatus: http.StatusNoContent, Summary: "Take a call-back back",
		Description: "Not any more once the customer is on the line: 409.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable},
	}, w.cancelCallback)
}

func (w *Console) listCallbacks(context.Context, *struct{}) (*answer[wire.Callbacks], error) {
	var views []acd.CallbackView
	var now int64
	w.present(func(s *acd.State) { views, now = s.Callbacks(), s.Now() })
	out := &answer[wire.Callbacks]{Body: wire.Callbacks{Callbacks: make([]wire.Callback, len(views))}}
	for i := range views {
		out.Body.Callbacks[i] = wireCallback(&views[i], now)
	}
	return out, nil
}

func wireCallback(v *acd.CallbackView, now int64) wire.Callback {
	return wire.Callback{
		ID: v.ID, Phase: v.Phase.String(), Number: v.Number, Queue: v.Queue, Tier: v.Tier.String(), Language: v.Language,
		Customer: wire.Customer{ID: v.Customer.ID, Name: v.Customer.Name}, Origin: v.Origin, By: v.By,
		Requested: report.Time(v.Requested), DueInMS: remaining(v.Due, now), EndsInMS: remaining(v.Expires, now),
		Attempts: v.Attempts, Most: v.Most, Last: v.Last, Agent: v.Agent, Key: v.Key.Deadline,
		Requirement: v.Requirement, Why: v.Why, Attributes: attributes(v.Attach), Node: v.Node,
	}
}

// attributes returns what travels with a call by name; nil if nothing does.
func attributes(list []acd.Attribute) map[string]string {
	if len(list) == 0 {
		return nil
	}
	out := make(map[string]string, len(list))
	for _, a := range list {
		out[a.Name] = a.Value
	}
	return out
}

type callbackInput struct {
	ID string `path:"id" maxLength:"64"`
}

func (w *Console) getCallback(_ context.Context, in *callbackInput) (*answer[wire.Callback], error) {
	var view acd.CallbackView
	var found bool
	var now int64
	w.present(func(s *acd.State) {
		view, found = s.Callback(in.ID)
		now = s.Now()
	})
	if !found {
		return nil, notFoundProblem("there is no open call-back " + in.ID)
	}
	return &answer[wire.Callback]{Body: wireCallback(&view, now)}, nil
}

type callbackRequest struct{ Body wire.CallbackRequest }

func (w *Console) requestCallback(ctx context.Context, in *callbackRequest) (*answer[wire.Callback], error) {
	b := in.Body
	number := trunk.Numbering{}.Normalise(b.Number)
	if err := w.callable(number); err != nil {
		return nil, err
	}
	ev := acd.CallbackRequested{
		Callback: "cb-" + rand.Text(), Node: w.c.Node, Number: number, Queue: b.Queue, Requirement: b.Requirement,
		By: asks(ctx, b.By), Tier: routing.Standard,
	}
	if w.c.Customer != nil {
		ev.Customer, _ = w.c.Customer(number)
		ev.Tier = ev.Customer.Tier
	}
	ev.Language = cmp.Or(b.Language, ev.Customer.Language)
	if tier, err := routing.ParseTier(b.Tier); err == nil {
		ev.Tier = tier
	}
	if b.NotBefore != nil {
		ev.NotBefore = int64(*b.NotBefore)
	}
	if b.NotAfter != nil {
		ev.NotAfter = int64(*b.NotAfter)
	}
	w.c.Core.Read(func(s *acd.State) { ev.Generation = s.Generation() })
	if _, _, err := w.c.Core.Propose(ctx, ev); err != nil {
		return nil, w.problem(err)
	}
	return w.getCallback(ctx, &callbackInput{ID: ev.Callback})
}

// callable refuses a number that no trunk may call, before agents are rung for
// it in vain.
func (w *Console) callable(number string) error {
	if w.c.Documents == nil {
		return nil
	}
	world, ok := w.c.Documents()
	if !ok {
		return nil // the core says what is missing
	}
	if _, err := world.Service.Outwards("", number); err != nil {
		return &wire.ProblemError{
			Title: http.StatusText(http.StatusConflict), Status: http.StatusConflict,
			Detail: number + " can't be called: " + err.Error(),
		}
	}
	return nil
}

type callbackEnd struct {
	ID string `path:"id" maxLength:"64"`
	By string `query:"by" maxLength:"64" doc:"Who asks"`
}

func (w *Console) cancelCallback(ctx context.Context, in *callbackEnd) (*struct{}, error) {
	if _, err := w.getCallback(ctx, &callbackInput{ID: in.ID}); err != nil {
		return nil, err
	}
	ev := acd.CallbackCancelled{Callback: in.ID, By: asks(ctx, in.By)}
	if _, _, err := w.c.Core.Propose(ctx, ev); err != nil {
		return nil, w.problem(err)
	}
	return nil, nil //nolint:nilnil // 204 has no body
}

func (w *Console) lockouts() {
	tags := []string{"lockouts"}
	huma.Register(w.api, huma.Operation{
		OperationID: "list-lockouts", Method: http.MethodGet, Path: "/api/v1/lockouts", Tags: tags,
		Summary: "Accounts on which wrong secrets were tried",
	}, w.listLockouts)
	huma.Register(w.api, huma.Operation{
		OperationID: "clear-lockout", Method: http.MethodPost, Path: "/api/v1/lockouts/clear", Tags: tags,
		DefaultStatus: http.StatusNoContent, Summary: "Forget the failures of an account, and so unlock it",
		Errors: []int{http.StatusConflict, http.StatusServiceUnavailable},
	}, w.clearLockout)
}

func (w *Console) listLockouts(context.Context, *struct{}) (*answer[wire.Lockouts], error) {
	var views []acd.LockoutView
	var last int64
	w.c.Core.Read(func(s *acd.State) { views, last = s.Lockouts(), s.Now() })
	now := w.clock.now(last)
	out := &answer[wire.Lockouts]{Body: wire.Lockouts{Lockouts: make([]wire.Lockout, len(views))}}
	for i, v := range views {
		out.Body.Lockouts[i] = wire.Lockout{
			Policy: v.Policy, Key: v.Key, Failures: v.Failures, Locked: v.Locked, ForgetInMS: remaining(v.Until, now),
		}
	}
	return out, nil
}

type unlock struct{ Body wire.Unlock }

func (w *Console) clearLockout(ctx context.Context, in *unlock) (*struct{}, error) {
	b := in.Body
	if (b.Account == "") == (b.Key == "") {
		return nil, &wire.ProblemError{
			Title: http.StatusText(http.StatusUnprocessableEntity), Status: http.StatusUnprocessableEntity,
			Detail: "say either the account or its key, not " + strconv.Quote(b.Account+b.Key),
		}
	}
	key := b.Key
	if key == "" {
		key = acd.AccountKey(b.Policy, b.Account)
	}
	ev := acd.AuthCleared{Policy: b.Policy, Key: key, By: asks(ctx, b.By)}
	if _, _, err := w.c.Core.Propose(ctx, ev); err != nil {
		return nil, w.problem(err)
	}
	return nil, nil //nolint:nilnil // 204 has no body
}
