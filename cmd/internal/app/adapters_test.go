package app

import (
	"context"
	"errors"
	"testing"

	"tierline/acd"
)

// answering is a log that answers every event alike.
type answering struct{ err error }

func (a answering) Propose(context.Context, acd.Event) (acd.Result, uint64, error) {
	return acd.Result{}, 0, a.err
}

func (a answering) Read(func(s *acd.State)) {}

// A phone that sent "Contact: *" before it ever registered got 503.
func TestTakingBackWhatWasNeverBoundIsNoMistake(t *testing.T) {
	down := errors.New("no quorum")
	for name, c := range map[string]struct{ said, want error }{
		"bound":       {nil, nil},
		"never bound": {&acd.RefusedError{Reason: "no such contact"}, nil},
		"no quorum":   {down, down},
	} {
		b := bindings{log: answering{c.said}}
		if err := b.Remove(t.Context(), "1001", "*"); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
}
