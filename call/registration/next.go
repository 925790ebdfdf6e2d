package registration

import (
	"fmt"
	"time"
)

// Phase is how a registration stands.
type Phase uint8

// Phases of a registration.
const (
	Trying     Phase = iota // not answered yet
	Registered              // until it ends
	Refused                 // the registrar doesn't want us
	Failing                 // nobody answers, or the registrar can't
)

func (p Phase) String() string {
	names := [...]string{Trying: "trying", Registered: "registered", Refused: "refused", Failing: "failing"}
	if int(p) < len(names) {
		return names[p]
	}
	return fmt.Sprintf("phase(%d)", p)
}

// state is one registration over time.
type state struct {
	phase    Phase
	ask      time.Duration // how long a registration we wish; the registrar may want more
	until    time.Time     // the end of the binding; zero: there is none
	failures int           // in a row
	brief    int           // 423 in a row
	since    time.Time     // of the phase
	trouble  string        // the last failure; "" since the last success
	failed   time.Time     // when that was
}

// Pauses after failures. They grow, and no two of us come back together.
const (
	firstPause   = 4 * time.Second
	mostPause    = 2 * time.Minute
	coldPause    = time.Minute // after a refusal for good
	mostCold     = 30 * time.Minute
	mostAsked    = 24 * time.Hour // by 423
	mostAfter    = time.Hour      // by Retry-After
	shortest     = 2 * time.Second
	reserve      = 32 * time.Second // a refresh may fail once, as slowly as SIP may
	mostTooBrief = 2
)

// next says how the registration stands after an answer and when the next
// REGISTER goes out. by is chance, from 0 up to 1.
func (s state) next(r Result, now time.Time, by float64) (state, time.Duration) {
	if s.phase == Registered && !now.Before(s.until) {
		s.phase, s.since, s.until = Failing, now, time.Time{}
	}
	switch {
	case r.good():
		return s.granted(r, now, by)
	case r.Status == 423 && r.MinExpires > s.ask && r.MinExpires <= mostAsked && s.brief < mostTooBrief:
		s.ask, s.brief = r.MinExpires, s.brief+1
		return s, 0
	}
	s.brief = 0
	s.trouble, s.failed = r.text(), now
	s.failures++
	phase, pause := Failing, grown(firstPause, mostPause, s.failures)
	if r.final() {
		phase, pause = Refused, grown(coldPause, mostCold, s.failures)
		s.until = time.Time{} // it knows us no more
	}
	if s.phase == phase || s.until.After(now) { // what is registered holds
		phase = s.phase
	} else {
		s.since = now
	}
	s.phase = phase
	wait := time.Duration(float64(pause) * (0.5 + 0.5*by))
	if r.RetryAfter > 0 {
		wait = min(r.RetryAfter, mostAfter) + time.Duration(float64(time.Second)*by)
	}
	return s, wait
}

// granted is a registration that holds.
func (s state) granted(r Result, now time.Time, by float64) (state, time.Duration) {
	if s.phase != Registered {
		s.since = now
	}
	s.phase, s.failures, s.brief, s.trouble = Registered, 0, 0, ""
	s.until = now.Add(r.Expires)
	wait := time.Duration(float64(r.Expires) * (0.7 + 0.15*by))
	if left := r.Expires - wait; left < reserve && r.Expires > 2*reserve {
		wait = r.Expires - reserve
	}
	return s, max(wait, min(shortest, r.Expires/2))
}

// good says whether we are registered by it.
func (r Result) good() bool { return r.Status >= 200 && r.Status < 300 && r.Expires > 0 }

// final says whether trying again soon is of no use.
func (r Result) final() bool {
	switch r.Status {
	case 408, 423, 429, 480, 486, 491:
		return false
	}
	return r.Status >= 300 && r.Status < 500 || r.Status >= 600
}

func (r Result) text() string {
	if r.Err != nil {
		return r.Err.Error()
	}
	if r.Status == 0 {
		return "no answer"
	}
	if r.Status < 300 {
		return "the registrar keeps no contact of ours"
	}
	return fmt.Sprintf("%d %s", r.Status, r.Reason)
}

// grown doubles a pause with each failure.
func grown(first, most time.Duration, failures int) time.Duration {
	return min(first<<min(max(failures-1, 0), 16), most)
}
