package backend

import (
	"sync"
	"time"

	"tierline/ivr"
)

// BreakerState says whether a source is asked.
type BreakerState string

// States of a breaker.
const (
	BreakerClosed   BreakerState = "closed"    // it is asked
	BreakerOpen     BreakerState = "open"      // it is left alone
	BreakerHalfOpen BreakerState = "half_open" // one question tries whether it works again
)

// breaker counts failures in a row.
type breaker struct {
	mu       sync.Mutex // guards all below
	failures int
	until    time.Time // zero: closed
	probing  bool      // one question is under way while it is open
}

// change is what a try did to a breaker.
type change uint8

const (
	unchanged change = iota
	opened
	closed
)

// allow tells whether a question may be asked, and whether it is the one that
// tries a source that was left alone. Whoever may ask must report done or
// forget.
func (b *breaker) allow(p ivr.Breaker, now time.Time) (ok, probe bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.Failures == 0 || b.until.IsZero() {
		return true, false
	}
	if b.probing || now.Before(b.until) {
		return false, false
	}
	b.probing = true
	return true, true
}

// done takes how a question went. One that was asked before the breaker opened
// and fails now says nothing new.
func (b *breaker) done(p ivr.Breaker, probe, ok bool, now time.Time) change {
	b.mu.Lock()
	defer b.mu.Unlock()
	wasOpen := !b.until.IsZero()
	if probe {
		b.probing = false
	}
	if ok {
		b.failures, b.until = 0, time.Time{}
		if wasOpen {
			return closed
		}
		return unchanged
	}
	b.failures++
	switch {
	case p.Failures == 0 || (wasOpen && !probe) || b.failures < p.Failures:
		return unchanged
	case wasOpen:
		b.until = now.Add(p.Open)
		return unchanged
	}
	b.until = now.Add(p.Open)
	return opened
}

// forget takes a question that nobody waited for: it says nothing.
func (b *breaker) forget(probe bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.probing = false
	}
}

func (b *breaker) state(now time.Time) BreakerState {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.until.IsZero():
		return BreakerClosed
	case b.probing || !now.Before(b.until):
		return BreakerHalfOpen
	}
	return BreakerOpen
}
