package acd

import "tierline/routing/rank"

const (
	// rateUnit is what a rate of one per unit of time is written as.
	rateUnit = 1 << 40
	// never is longer than any wait.
	never = 1 << 60
	// finest and coarsest say in what steps a line drains: a quarter of a call,
	// or a part of the line.
	finest   = rank.Whole / 4
	coarsest = 64

	// What keeps the arithmetic within 64 bits.
	longestLine = 1 << 32 // in 1/rank.Whole
	longest     = 1 << 42
	fastest     = 1 << 50 // in 1/rateUnit
	impatient   = 1 << 30 // in 1/rateUnit
)

// flow is calls that will overtake: those that arrive before a time.
type flow struct {
	until int64 // from now
	rate  int64 // in 1/rateUnit
}

// backlog is what stands between a call and an agent, and how it changes.
type backlog struct {
	length int64 // the calls ahead and the call itself, in 1/rank.Whole
	served int64 // rate at which agents come free, in 1/rateUnit
	leave  int64 // rate at which one of those ahead gives up, in 1/rateUnit
	flows  []flow
}

// newBacklog is a line of so many calls, in 1/rank.Whole.
func newBacklog(length, served, leave int64) backlog {
	return backlog{
		length: min(length, longestLine), served: min(served, fastest), leave: min(leave, impatient),
	}
}

// overtaken adds calls that arrive at a rate until a time, and go before.
func (l *backlog) overtaken(until, rate int64) {
	if until <= 0 || rate <= 0 {
		return
	}
	if until < never {
		until = min(until, longest)
	}
	rate = min(rate, fastest)
	for i := range l.flows {
		if f := &l.flows[i]; f.until == until {
			f.rate = min(f.rate+rate, fastest)
			return
		}
	}
	l.flows = append(l.flows, flow{until: until, rate: rate})
}

// drain returns how long it takes until nobody is ahead, the call itself
// included:
//
//	dq/dt = −nμ − θ·max(0, q−1) + Σ λ·[t < until]
//
// in steps that are short where the line is; false if it takes for ever. The
// number of steps grows with the logarithm of the line.
func (l *backlog) drain() (took int64, ok bool) {
	for q := l.length; q > 0; {
		rate := l.served + l.leave*max(0, q-rank.Whole)/rank.Whole // bounded in newBacklog
		change := int64(never)
		for _, f := range l.flows {
			if f.until > took {
				rate -= f.rate
				change = min(change, f.until)
			}
		}
		step := min(q, max(finest, q/coarsest))
		lasts := int64(never)
		if rate > 0 {
			lasts = step * (rateUnit / rank.Whole) / rate
		}
		switch {
		case took+lasts <= change && lasts < never:
			took, q = took+lasts, q-step
		case change < never: // it is as long as the arrivals change
			q -= scaled(rate, change-took)
			took = change
		default:
			return 0, false
		}
		if took >= longest || q > longestLine {
			return 0, false
		}
	}
	return took, true
}

// scaled returns rate × time, in 1/rank.Whole, without overflow.
func scaled(rate, time int64) int64 {
	const fine = rateUnit / rank.Whole
	whole, rest := time/fine, time%fine
	return rate*whole + rate/fine*rest + rate%fine*rest/fine
}
