package trunk

import "time"

// Limits is what a trunk may bring. 0 means no limit.
type Limits struct {
	Calls int // at the same time
	Rate  int // new calls a second, on average
	Burst int // new calls at once before Rate counts; 0 means as many as Rate
}

// maxBurst keeps the arithmetic within 64 bits; no trunk has more calls.
const maxBurst = 1_000_000

// Limiter counts one trunk's calls. Its zero value has none.
type Limiter struct {
	live int
	// due is when the next call would be on time if calls came evenly (the
	// theoretical arrival time of a GCRA); as much earlier as the burst
	// allows a call is still admitted.
	due time.Time
}

// NewLimiter returns a limiter without calls.
func NewLimiter() *Limiter { return &Limiter{} }

// Admit takes a call if the limits allow it now. A refused call costs nothing.
func (l *Limiter) Admit(limits Limits, now time.Time) bool {
	if limits.Calls > 0 && l.live >= limits.Calls {
		return false
	}
	if limits.Rate > 0 {
		each := time.Second / time.Duration(limits.Rate)
		burst := limits.Burst
		if burst <= 0 {
			burst = limits.Rate
		}
		due := l.due
		if due.Before(now) {
			due = now
		}
		if due.Sub(now) > each*time.Duration(min(burst, maxBurst)-1) {
			return false
		}
		l.due = due.Add(each)
	}
	l.live++
	return true
}

// Release gives back what Admit took, when the call has ended.
func (l *Limiter) Release() {
	if l.live > 0 {
		l.live--
	}
}

// Live is how many calls are admitted and not released.
func (l *Limiter) Live() int { return l.live }
