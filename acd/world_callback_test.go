package acd

import (
	"fmt"

	"pgregory.net/rapid"
)

// promise is what the facts have said of one call-back.
type promise struct {
	dialling uint64 // offer
	reached  bool
	attempt  int
}

// mostAttempts is what drawConfig asks for at most, and the one more that is
// made if the last one failed for us.
const mostAttempts = 2 + 1

// hearCallback checks that what is said of a call-back makes a story: it is due
// before it is offered, the customer is called only while an agent is there,
// and it ends once, after all attempts.
func (w *world) hearCallback(t *rapid.T, f Fact) (known bool) {
	c := w.story[f.Call]
	if (c == nil || c.promise == nil) != (f.Kind == FactCallbackRequested) {
		t.Fatalf("%+v at the wrong moment", f)
	}
	ok := true
	switch f.Kind { //nolint:exhaustive // the rest is the caller's
	case FactCallbackRequested:
		key := w.s.calls[f.Call].place.Key
		w.story[f.Call] = &tale{key: key, promise: &promise{}}
		w.head[f.Call] = key.Since - key.Deadline
	case FactCallbackDue:
		ok = !c.queued && c.talking == 0
		c.queued = true
	case FactCallbackDialled:
		ok = c.queued && c.offered == f.Offer && c.rung[f.Agent] && f.Attempt == c.promise.attempt+1
		c.queued, c.offered, c.talking, c.rung = false, 0, f.Offer, nil
		c.promise.dialling, c.promise.attempt = f.Offer, f.Attempt
		ok = ok && f.Attempt <= mostAttempts
	case FactCallbackMissed:
		ok = c.promise.dialling == f.Offer && f.Offer != 0
		c.promise.dialling, c.talking = 0, 0
	case FactCallbackReached:
		ok = c.promise.dialling == f.Offer && f.Offer != 0
		c.promise.dialling, c.promise.reached = 0, true
	case FactCallbackEnded:
		ok = c.offered+c.talking+c.promise.dialling == 0 && c.promise.reached == (f.Cause == CallbackDone)
		delete(w.story, f.Call)
	default:
		return false
	}
	if !ok {
		t.Fatalf("%+v at the wrong moment: %+v, %+v", f, c, c.promise)
	}
	return true
}

// callbackActions are the outside's part in call-backs, lockouts and the rest of
// the story.
func (w *world) callbackActions(call func(*rapid.T) string, leg func(*rapid.T) legOf) map[string]func(*rapid.T) {
	number := rapid.SampledFrom([]string{"138", "139", "+86137", "x"})
	node := rapid.SampledFrom([]string{"n1", "n2"})
	id := func(t *rapid.T) string {
		return fmt.Sprint("b", rapid.IntRange(max(0, w.callbacks-4), w.callbacks).Draw(t, "call-back"))
	}
	wallIn := func(t *rapid.T, label string) int64 {
		in := rapid.SampledFrom([]int64{0, 0, 0, -5000, 3000, 30_000, 120_000}).Draw(t, label)
		if in == 0 {
			return 0
		}
		return wall + w.now + in
	}
	return map[string]func(*rapid.T){
		"call-back": func(t *rapid.T) {
			w.callbacks++
			ev := CallbackRequested{
				Callback: fmt.Sprint("b", w.callbacks), Node: node.Draw(t, "node"), Number: number.Draw(t, "number"),
				Queue: rapid.SampledFrom([]string{"human", "human", "fault"}).Draw(t, "queue"),
				Customer: Customer{
					ID: rapid.SampledFrom([]string{"", "u1", "u2"}).Draw(t, "customer"),
				},
				NotBefore: wallIn(t, "not before"), NotAfter: wallIn(t, "not after"),
			}
			if rapid.Bool().Draw(t, "from a call") {
				ev.Call = call(t)
			}
			_ = w.put(t, ev)
		},
		"reached": func(t *rapid.T) { _ = w.put(t, CallbackReached{Offer: leg(t).offer, Leg: []byte("leg")}) },
		"missed": func(t *rapid.T) {
			out := Outcome(rapid.IntRange(0, 8).Draw(t, "outcome"))
			_ = w.put(t, CallbackMissed{Offer: leg(t).offer, Outcome: out})
		},
		"cancelled": func(t *rapid.T) { _ = w.put(t, CallbackCancelled{Callback: id(t), By: "lead"}) },
		"legs ended": func(t *rapid.T) {
			_ = w.put(t, CallEnded{Call: id(t), Cause: "normal", By: Side(rapid.IntRange(1, 3).Draw(t, "by"))})
		},
		"move back":  func(t *rapid.T) { _ = w.put(t, CallMoved{Call: id(t), Band: -1, By: "lead"}) },
		"queue back": func(t *rapid.T) { _ = w.put(t, CallQueued{Call: id(t), Queue: "human"}) },
		"surveyed": func(t *rapid.T) {
			_ = w.put(t, CallSurveyed{Call: call(t), Question: "q", Value: rapid.SampledFrom([]string{"", "5"}).Draw(t, "v")})
		},
		"marked": func(t *rapid.T) {
			_ = w.put(t, RecordingMarked{
				Call: call(t), Ref: rapid.SampledFrom([]string{"", "r1"}).Draw(t, "ref"), Mark: "pause", AtMS: rapid.Int64().Draw(t, "at"),
			})
		},
		"used": func(t *rapid.T) { _ = w.put(t, RecordingUsed{Ref: "r1", Use: "heard", By: "lead"}) },
		"tried": func(t *rapid.T) {
			_ = w.put(t, AuthTried{
				Policy: "p", Key: rapid.SampledFrom([]string{"", "k1", "k2"}).Draw(t, "key"),
				Max: rapid.IntRange(0, 3).Draw(t, "max"), Window: rapid.SampledFrom([]int64{0, 5000, 60_000}).Draw(t, "window"),
			})
		},
		"try ended": func(t *rapid.T) {
			_ = w.put(t, AuthEnded{
				Policy: "p", Key: rapid.SampledFrom([]string{"k1", "k2"}).Draw(t, "key"),
				Outcome: AuthOutcome(rapid.IntRange(0, 4).Draw(t, "outcome")),
			})
		},
	}
}

// nothingPromisedForEver: call-backs that nobody attends to end by themselves.
func nothingPromisedForEver(t *rapid.T, s *State) {
	for _, b := range s.Callbacks() {
		if b.Phase != PhaseTalking && b.Phase != PhaseAfter {
			t.Fatalf("call-back %s is %s for ever", b.ID, b.Phase)
		}
	}
	if n := len(s.Lockouts()); n > 0 {
		t.Fatalf("%d lockouts for ever", n)
	}
}
