package trunk

import "time"

// Limits is how many calls there may be. 0 means no limit.
type Limits struct {
	Calls int // at the same time
	Rate  int // new calls a second, on average
	Burst int // new calls at once before Rate counts; 0 means as many as Rate
	Hour  int // new calls within an hour, counted from the first of them
	Day   int // the same of 24 hours
}

// Caps are the limits of a trunk: of both ways together, and of each.
type Caps struct {
	Limits
	In, Out Limits
}

// Limit names a limit that was reached.
type Limit uint8

// The limits.
const (
	NoLimit Limit = iota // the call is admitted
	CallsLimit
	RateLimit
	HourLimit
	DayLimit
)

func (l Limit) String() string {
	return [...]string{NoLimit: "", CallsLimit: "calls", RateLimit: "rate", HourLimit: "hour", DayLimit: "day"}[l]
}

// maxBurst keeps the arithmetic within 64 bits; no trunk has more calls.
const maxBurst = 1_000_000

// Limiter counts calls. Its zero value has none.
type Limiter struct {
	live int
	// due is when the next call would be on time if calls came evenly (the
	// theoretical arrival time of a GCRA); as much earlier as the burst
	// allows a call is still admitted.
	due       time.Time
	hour, day window
}

// window counts the calls since its first one, until it is over.
type window struct {
	from time.Time
	n    int
}

func (w *window) count(now time.Time, length time.Duration) int {
	if now.Sub(w.from) >= length {
		return 0
	}
	return w.n
}

func (w *window) add(now time.Time, length time.Duration) {
	if now.Sub(w.from) >= length {
		*w = window{from: now}
	}
	w.n++
}

// NewLimiter returns a limiter without calls.
func NewLimiter() *Limiter { return &Limiter{} }

// Admit takes a call if the limits allow it now, or says which one does not. A
// refused call costs nothing.
func (l *Limiter) Admit(limits Limits, now time.Time) Limit {
	reached := l.reached(limits, now)
	if reached == NoLimit {
		l.take(limits, now)
	}
	return reached
}

// reached says which limit another call would break.
func (l *Limiter) reached(limits Limits, now time.Time) Limit {
	switch {
	case limits.Calls > 0 && l.live >= limits.Calls:
		return CallsLimit
	case limits.Rate > 0 && l.next(now).Sub(now) > limits.each()*time.Duration(min(limits.burst(), maxBurst)-1):
		return RateLimit
	case limits.Hour > 0 && l.hour.count(now, time.Hour) >= limits.Hour:
		return HourLimit
	case limits.Day > 0 && l.day.count(now, 24*time.Hour) >= limits.Day:
		return DayLimit
	}
	return NoLimit
}

// take counts a call, whatever the limits say.
func (l *Limiter) take(limits Limits, now time.Time) {
	if limits.Rate > 0 {
		l.due = l.next(now).Add(limits.each())
	}
	l.hour.add(now, time.Hour)
	l.day.add(now, 24*time.Hour)
	l.live++
}

// next is when the next call is on time.
func (l *Limiter) next(now time.Time) time.Time {
	if l.due.Before(now) {
		return now
	}
	return l.due
}

func (l Limits) each() time.Duration { return time.Second / time.Duration(l.Rate) }

func (l Limits) burst() int {
	if l.Burst <= 0 {
		return l.Rate
	}
	return l.Burst
}

// Release gives back what Admit took, when the call has ended.
func (l *Limiter) Release() {
	if l.live > 0 {
		l.live--
	}
}

// Live is how many calls are admitted and not released.
func (l *Limiter) Live() int { return l.live }

// Load counts one trunk's calls, both ways together and each. Its zero value
// has none.
type Load struct{ all, in, out Limiter }

// Admit takes a call in one direction if the caps allow it, or says which limit
// does not. A refused call costs nothing.
func (l *Load) Admit(caps Caps, outward bool, now time.Time) Limit {
	one, limits := &l.in, caps.In
	if outward {
		one, limits = &l.out, caps.Out
	}
	if reached := l.all.reached(caps.Limits, now); reached != NoLimit {
		return reached
	}
	if reached := one.reached(limits, now); reached != NoLimit {
		return reached
	}
	l.Take(caps, outward, now)
	return NoLimit
}

// Take counts a call that no limit may hold up.
func (l *Load) Take(caps Caps, outward bool, now time.Time) {
	l.all.take(caps.Limits, now)
	if outward {
		l.out.take(caps.Out, now)
	} else {
		l.in.take(caps.In, now)
	}
}

// Release gives back what was taken, when the call has ended.
func (l *Load) Release(outward bool) {
	l.all.Release()
	if outward {
		l.out.Release()
	} else {
		l.in.Release()
	}
}

// In and Out are the running calls.
func (l *Load) In() int { return l.in.Live() }

// Out are the running calls that we made.
func (l *Load) Out() int { return l.out.Live() }
