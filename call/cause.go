package call

import (
	"errors"
	"fmt"

	"tierline/acd"
)

// Cause says why a call ended, in the words of each world that must be told.
type Cause struct {
	SIP    int      // status for a leg that is not yet answered
	Q850   int      // cause of the Reason header in our BYE (ITU-T Q.850)
	Side   acd.Side // who ended it
	Reason string   // stable word for the call record, never translated
}

// CauseNormal is a call that its caller hung up.
func CauseNormal() Cause { return Cause{SIP: 200, Q850: 16, Side: acd.SideCaller, Reason: "normal"} }

// CauseFault is a call that failed inside the switch.
func CauseFault() Cause { return Cause{SIP: 500, Q850: 41, Side: acd.SideSwitch, Reason: "fault"} }

// EndError ends a call. Whatever else goes wrong inside is an ordinary error
// and becomes CauseFault at the call's boundary.
type EndError struct {
	Cause Cause
	Err   error // what happened, for the log; may be nil
}

func (e *EndError) Error() string {
	if e.Err == nil {
		return e.Cause.Reason
	}
	return fmt.Sprintf("%s: %v", e.Cause.Reason, e.Err)
}

func (e *EndError) Unwrap() error { return e.Err }

// CauseOf returns the cause that an error stands for; nil is a normal end.
func CauseOf(err error) Cause {
	var end *EndError
	switch {
	case err == nil:
		return CauseNormal()
	case errors.As(err, &end):
		return end.Cause
	default:
		return CauseFault()
	}
}

// endBy makes the error that ends a call for an ordinary reason.
func endBy(side acd.Side, q850 int, reason string) error {
	return &EndError{Cause: Cause{SIP: 480, Q850: q850, Side: side, Reason: reason}}
}
