package acd

import (
	"fmt"

	"tierline/routing/rank"
)

// matchLimit bounds how many offers one Decide proposes, and so how long it
// takes; the next Decide goes on.
const matchLimit = 64

// RefusedError says why an entry had no effect.
type RefusedError struct {
	Event  Event
	Reason string
	Code   string // a stable word, where the caller is told why: see the Code constants
}

// Error implements error.
func (e *RefusedError) Error() string { return fmt.Sprintf("acd: %T refused: %s", e.Event, e.Reason) }

func refuse(ev Event, format string, args ...any) error {
	return refuseCode(ev, "", format, args...)
}

func refuseCode(ev Event, code, format string, args ...any) error {
	return &RefusedError{Event: ev, Reason: fmt.Sprintf(format, args...), Code: code}
}

// Apply folds one committed entry into s and returns what it changed and what
// must now be done outside. A refused entry changes nothing but the clock and
// returns a *RefusedError.
func Apply(s *State, e Entry) (Result, error) {
	var r Result
	err := ApplyInto(s, e, &r)
	return r, err
}

// ApplyInto is Apply for those who keep nothing of a result: it overwrites r
// and uses its memory again.
func ApplyInto(s *State, e Entry, r *Result) error {
	s.now = max(s.now, e.At) // a new leader's clock may be behind
	s.index = max(s.index, e.Index)
	r.Effects, r.Facts = r.Effects[:0], r.Facts[:0]
	return s.apply(e, r)
}

//nolint:cyclop,funlen // one case for each event
func (s *State) apply(e Entry, r *Result) error {
	switch ev := e.Event.(type) {
	case ConfigPublished:
		return s.configPublished(ev, e.Wall, r)
	case AgentCommanded:
		return s.agentCommanded(ev, r)
	case AgentDisposed:
		return s.agentDisposed(ev, r)
	case PhoneRegistered:
		return s.phoneRegistered(ev, r)
	case PhoneUnregistered:
		return s.phoneUnregistered(ev, r)
	case CallArrived:
		return s.callArrived(ev, e, r)
	case CallStepped:
		return s.callStepped(ev, r)
	case CallQueued:
		return s.callQueued(ev, e.Index, r)
	case CallRequeued:
		return s.callRequeued(ev, e.Index, r)
	case CallMoved:
		return s.callMoved(ev, r)
	case QueueLeft:
		return s.queueLeft(ev, r)
	case CallOffered:
		return s.callOffered(ev, e.Index, r)
	case OfferRang:
		return s.offerRang(ev, r)
	case OfferAnswered:
		return s.offerAnswered(ev, r)
	case OfferFailed:
		return s.offerFailed(ev, r)
	case AgentReleased:
		return s.agentReleased(ev, r)
	case CallEnded:
		return s.callEnded(ev, r)
	case NodeRestarted:
		return s.nodeRestarted(ev, r)
	case TimePassed:
		s.timePassed(r)
		return nil
	case CallbackRequested:
		return s.callbackRequested(ev, e, r)
	case CallbackReached:
		return s.callbackReached(ev, r)
	case CallbackMissed:
		return s.callbackMissed(ev, r)
	case CallbackCancelled:
		return s.callbackCancelled(ev, r)
	case OutwardTaken:
		return s.outwardTaken(ev)
	case OutwardLeft:
		return s.outwardLeft(ev)
	case AuthTried:
		return s.authTried(ev, r)
	case AuthEnded:
		return s.authEnded(ev, r)
	case AuthCleared:
		return s.authCleared(ev, r)
	case CallSurveyed:
		return s.callSurveyed(ev, r)
	case CallRecorded:
		return s.callRecorded(ev, r)
	case CallTransferred:
		return s.callTransferred(ev, r)
	case RecordingMarked:
		return s.recordingMarked(ev, r)
	case RecordingUsed:
		return s.recordingUsed(ev, r)
	case CallPlaced:
		return s.callPlaced(ev, e, r)
	case TestPlaced:
		return s.testPlaced(ev, e, r)
	case AgentCalled:
		return s.agentCalled(ev, e.Index, r)
	case SupervisionChanged:
		return s.supervisionChanged(ev, r)
	case CallHandedOver:
		return s.callHandedOver(ev, r)
	case MemberJoined:
		return s.memberJoined(ev, r)
	case TalkChanged:
		return s.talkChanged(ev, r)
	case OutsideChanged:
		return s.outsideChanged(ev, r)
	case CallRerouted:
		return s.callRerouted(ev, r)
	case NodeDown:
		return s.nodeDown(ev, r)
	case NodeReady:
		return s.nodeReady(ev, r)
	case AddressMoved:
		return s.addressMoved(ev, r)
	case LegChanged:
		return s.legChanged(ev)
	default:
		panic(fmt.Sprintf("acd: unknown event %T: this node is too old for the log", ev))
	}
}

// Decide proposes the next events for the leader to put into the log, at log
// time at: [TimePassed] alone while something is due, then offers, the
// smallest call key first. The leader asks again when what it got has been
// applied, until there is nothing; what became contradictory in between is
// refused by Apply and does no harm.
func Decide(s *State, at int64) []Event {
	at = max(at, s.now)
	if due, ok := s.NextDue(); ok && due <= at {
		return []Event{TimePassed{}}
	}
	var out []Event
	choices := s.board.Match(at, matchLimit)
	var more [][]*rank.Agent
	if len(choices) < matchLimit { // otherwise others may need them
		more = s.board.Share(choices, at)
	}
	for i := range choices {
		c := &choices[i]
		ev := CallOffered{Call: c.Call.ID, Agent: c.Agent.ID, Why: s.why(c, at)}
		if more != nil {
			for _, a := range more[i] {
				ev.More = append(ev.More, a.ID)
			}
		}
		out = append(out, ev)
	}
	return out
}
