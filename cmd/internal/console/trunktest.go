package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tierline/call"
	"tierline/cmd/internal/console/wire"
	"tierline/routing/trunk"
)

// TrunkTests try trunks out.
type TrunkTests interface {
	TestTrunk(name string) ([]call.Try, error)
	TestCall(ctx context.Context, want call.Trial) (call.TrialResult, error)
}

// Times of test calls.
const (
	usualRing = 45 * time.Second
	usualTalk = 6 * time.Second // the first report of RTCP comes within five
)

func (w *Console) trunkTests() {
	huma.Register(w.api, huma.Operation{
		OperationID: "test-trunk", Method: http.MethodPost, Path: "/api/v1/trunks/{name}/test", Tags: []string{"live"},
		Summary: "Ask a trunk's targets by OPTIONS, or call a number through it, and tell what came of it",
		Description: "With a number a real call is made: by the trunk's rules, within its limits, and at its cost. It is " +
			"answered when the call has ended. 403: the documents don't permit the number.",
		Errors:      []int{http.StatusNotFound, http.StatusForbidden, http.StatusConflict, http.StatusServiceUnavailable},
		Middlewares: huma.Middlewares{patiently},
	}, w.testTrunk)
}

// patiently lets an answer take as long as a call rings.
func patiently(ctx huma.Context, next func(huma.Context)) {
	_, rw := humago.Unwrap(ctx)
	until := time.Now().Add(wire.MostTest * time.Millisecond)
	_ = http.NewResponseController(rw).SetWriteDeadline(until) // not every writer has one
	next(ctx)
}

type trunkTest struct {
	Name string `path:"name" maxLength:"64" example:"carrier"`
	Body wire.TrunkTest
}

func (w *Console) testTrunk(ctx context.Context, in *trunkTest) (*answer[wire.TrunkTested], error) {
	if w.c.TrunkTests == nil {
		return nil, notFoundProblem(call.ErrNoTrunk.Error())
	}
	b := &in.Body
	out := &answer[wire.TrunkTested]{Body: wire.TrunkTested{Node: w.c.Node, Trunk: in.Name, Tries: []wire.Try{}}}
	if b.Number == "" {
		tries, err := w.c.TrunkTests.TestTrunk(in.Name)
		if err != nil {
			return nil, w.testProblem(err)
		}
		out.Body.Tries = wireTries(tries)
		return out, nil
	}
	ring, talk := time.Duration(b.RingMS)*time.Millisecond, time.Duration(b.TalkMS)*time.Millisecond
	got, err := w.c.TrunkTests.TestCall(ctx, call.Trial{
		Trunk: in.Name, Number: b.Number, By: asks(ctx, b.By),
		Ring: cmp.Or(ring, usualRing), Talk: cmp.Or(talk, usualTalk),
	})
	if err != nil {
		return nil, w.testProblem(err)
	}
	out.Body.Tries, out.Body.Call = wireTries(got.Tries), wireTrial(&got)
	return out, nil
}

func (w *Console) testProblem(err error) error {
	p := &wire.ProblemError{Detail: err.Error()}
	switch {
	case errors.Is(err, call.ErrNoTrunk):
		p.Status = http.StatusNotFound
	case errors.Is(err, call.ErrNoTargets):
		p.Status = http.StatusConflict
	case errors.Is(err, trunk.ErrNotAllowed), errors.Is(err, trunk.ErrNoNumber):
		p.Status = http.StatusForbidden
	default:
		p.Status = http.StatusServiceUnavailable
	}
	p.Title = http.StatusText(p.Status)
	return p
}

func wireTries(list []call.Try) []wire.Try {
	out := make([]wire.Try, 0, len(list))
	for _, t := range list {
		out = append(out, wire.Try{
			Target: t.Target, Host: t.Host, Status: t.Status, Reason: t.Reason, Trouble: t.Trouble,
			TookMS: t.Took.Milliseconds(),
		})
	}
	return out
}

func wireTrial(r *call.TrialResult) *wire.TrialCall {
	return &wire.TrialCall{
		Call: r.Call, Number: r.Number, Called: r.Called, Shown: r.Shown, Outcome: r.Outcome,
		RangMS: r.Rang.Milliseconds(), HeardMS: r.Heard.Milliseconds(), AnsweredMS: r.Answered.Milliseconds(),
		Codec: r.Codec, Cipher: r.Quality.Cipher, Sent: r.Quality.Sent, Received: r.Quality.Received, Lost: r.Quality.Lost,
		JitterMS: r.Quality.JitterMS, RoundTripMS: r.Quality.RoundTripMS, Findings: append([]string{}, r.Findings...),
	}
}
