package backend

import (
	"time"

	"tierline/ivr"
)

// Observation is one lookup or message that ended.
type Observation struct {
	Source  string
	Channel string // of a message, else ""
	Outcome Outcome
	Took    time.Duration
}

// Outcome says how asking a source ended. There are few, for metrics.
type Outcome string

// Outcomes.
const (
	OK          Outcome = "ok"
	NotFound    Outcome = "not_found"
	Refused     Outcome = "refused"
	Cached      Outcome = "cached"      // answered without asking
	Timeout     Outcome = "timeout"     // no answer in time
	Unreachable Outcome = "unreachable" // no connection, or one that broke
	Failed      Outcome = "failed"      // the source said that it failed
	Invalid     Outcome = "invalid"     // a question or an answer that can't be used
	Open        Outcome = "open"        // the breaker is open: not asked
	Busy        Outcome = "busy"        // too many questions at once: not asked
	Cancelled   Outcome = "cancelled"   // nobody waits any more
	Unknown     Outcome = "unknown"     // this node's settings have no such source
	Queued      Outcome = "queued"      // a message that is tried again later
	Lost        Outcome = "lost"        // a message that was given up
)

// status is what an outcome means to a flow.
func (o Outcome) status() ivr.LookupStatus {
	switch o { //nolint:exhaustive // the rest are errors
	case OK, Cached:
		return ivr.LookupOK
	case NotFound:
		return ivr.LookupNotFound
	case Refused:
		return ivr.LookupRefused
	}
	return ivr.LookupError
}

// result is how one question ended.
type result struct {
	outcome Outcome
	body    []byte
	why     string        // for the log; of fixed words, never of what was asked or answered
	again   bool          // asking again may help
	blame   bool          // the source doesn't work: the breaker counts it
	after   time.Duration // how long the source wants to be left alone
	job     string        // where the answer will be
}
