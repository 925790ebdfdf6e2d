package console

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tierline/acd/report"
	"tierline/acd/report/store"
	"tierline/call"
	"tierline/cmd/internal/console/wire"
)

// Calls are the running calls of this node.
type Calls interface {
	Recording(ctx context.Context, call string, cmd call.RecordCommand) (call.RecordState, error)
	AskAside(ctx context.Context, call, flow, by string) error
	Sounds() map[string][]call.LegSound
}

// recordingPath is where recordings are, before their names.
const recordingPath = "/api/v1/recordings/"

func (w *Console) recordings(mux *http.ServeMux) {
	tags := []string{"recordings"}
	huma.Register(w.api, huma.Operation{
		OperationID: "list-recordings", Method: http.MethodGet, Path: "/api/v1/recordings", Tags: tags,
		Summary:     "Recordings of ended calls, the newest first",
		Description: "Pass the value of next as page to go on; what comes meanwhile doesn't shift the pages.",
		Errors:      []int{http.StatusBadRequest},
	}, w.listRecordings)
	huma.Register(w.api, huma.Operation{
		OperationID: "command-recording", Method: http.MethodPost, Path: "/api/v1/calls/{call}/recording", Tags: tags,
		Summary:     "Have the recording of a running call pause, go on, or marked",
		Description: "409 if the call isn't recorded now.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, w.commandRecording)
	huma.Register(w.api, huma.Operation{
		OperationID: "ask-secret", Method: http.MethodPost, Path: "/api/v1/calls/{call}/secret", Tags: tags,
		DefaultStatus: http.StatusAccepted, Summary: "Have the caller of a conversation enter a secret",
		Description: "The caller answers the flow, whose keys neither the agent nor the recording gets, and comes back " +
			"to the agent when it ends. 409 if no agent talks to him now.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, w.askSecret)
	w.sounds(mux)
}

type recordingQuery struct {
	From   time.Time `query:"from" doc:"Calls that began at this time or later"`
	Until  time.Time `query:"until" doc:"Calls that began before this time"`
	Call   string    `query:"call" maxLength:"128"`
	Number string    `query:"number" maxLength:"64" doc:"Caller's or called number, exact"`
	Agent  string    `query:"agent" maxLength:"64" doc:"Who talked"`
	Queue  string    `query:"queue" maxLength:"64"`
	Kind   string    `query:"kind" enum:"message,conversation"`
	Limit  int       `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Page   string    `query:"page" maxLength:"300" doc:"Value of next in the answer before"`
}

func (w *Console) listRecordings(ctx context.Context, in *recordingQuery) (*answer[wire.Recordings], error) {
	q := store.RecordingQuery{
		Call: in.Call, Number: in.Number, Agent: in.Agent, Queue: in.Queue, Kind: in.Kind, Limit: in.Limit + 1,
	}
	if !in.From.IsZero() {
		q.From = report.TimeOf(in.From)
	}
	if !in.Until.IsZero() {
		q.Until = report.TimeOf(in.Until)
	}
	if in.Page != "" {
		raw, err := base64.RawURLEncoding.DecodeString(in.Page)
		_, bad := fmt.Sscanf(string(raw), "%d %s %d", &q.Before.Index, &q.Before.Call, &q.Before.N)
		if err != nil || bad != nil {
			return nil, &wire.ProblemError{
				Title: http.StatusText(http.StatusBadRequest), Status: http.StatusBadRequest,
				Detail: "page is no value that next ever had",
			}
		}
	}
	found, err := w.c.Records.Recordings(ctx, q)
	if err != nil {
		return nil, w.problem(err)
	}
	out := &answer[wire.Recordings]{Body: wire.Recordings{Recordings: []wire.Recording{}}}
	if len(found) > in.Limit {
		found = found[:in.Limit]
		p := found[in.Limit-1].Place
		out.Body.Next = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %s %d", p.Index, p.Call, p.N))
	}
	for i := range found {
		out.Body.Recordings = append(out.Body.Recordings, wireRecording(&found[i]))
	}
	return out, nil
}

func wireRecording(r *store.Recording) wire.Recording {
	out := wire.Recording{
		Ref: r.Value, Kind: r.Name, Call: r.Place.Call, Agent: r.Agent, Queue: r.Queue, From: r.From, To: r.To,
		Started: r.Started, LengthMS: r.LengthMS, SHA256: r.SHA256, Failed: r.Failed, Node: r.Node,
	}
	if r.Failed == "" {
		out.AudioPath = recordingPath + r.Value
	}
	return out
}

type recordingInput struct {
	Call string `path:"call" maxLength:"128"`
	Body wire.RecordingCommand
}

func (w *Console) commandRecording(ctx context.Context, in *recordingInput) (*answer[wire.RecordingState], error) {
	if w.c.Calls == nil {
		return nil, notFoundProblem(call.ErrNoCall.Error())
	}
	st, err := w.c.Calls.Recording(ctx, in.Call, call.RecordCommand{
		Action: in.Body.Action, Text: in.Body.Text, By: asks(ctx, in.Body.By),
	})
	if err != nil {
		return nil, w.callProblem(err)
	}
	return &answer[wire.RecordingState]{Body: wire.RecordingState{
		Ref: st.Ref, AtMS: st.At.Milliseconds(), Paused: st.Paused, Secret: st.Secret,
	}}, nil
}

type secretInput struct {
	Call string `path:"call" maxLength:"128"`
	Body wire.SecretRequest
}

func (w *Console) askSecret(ctx context.Context, in *secretInput) (*struct{}, error) {
	if w.c.Calls == nil {
		return nil, notFoundProblem(call.ErrNoCall.Error())
	}
	if err := w.c.Calls.AskAside(ctx, in.Call, in.Body.Flow, asks(ctx, in.Body.By)); err != nil {
		return nil, w.callProblem(err)
	}
	return nil, nil //nolint:nilnil // 202 has no body
}

// callProblem turns what a running call says into an answer.
func (w *Console) callProblem(err error) error {
	p := &wire.ProblemError{Detail: err.Error()}
	switch {
	case errors.Is(err, call.ErrNoCall), errors.Is(err, call.ErrEnded):
		p.Status = http.StatusNotFound
	case errors.Is(err, call.ErrNotRecorded), errors.Is(err, call.ErrNotTalking), errors.Is(err, call.ErrNoFlow):
		p.Status = http.StatusConflict
	default:
		return w.problem(err)
	}
	p.Title = http.StatusText(p.Status)
	return p
}
