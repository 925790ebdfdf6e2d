// Package sim runs a service centre in virtual time, to see what a policy does
// before customers do.
//
// # What it owns
//
// Callers who arrive at random, talk for a random time and lose patience after
// a random time; the clock; counting what became of them. [Run] drives a real
// core: every arrival, answer and end goes through acd.Apply, and who is served
// by whom is what acd.Decide proposes.
//
// # What it does not own
//
// Any decision about calls and agents: those are the core's. What theory says
// of the same centre: that is the package theory.
//
// # The rule
//
// This package is not part of the replicated core. It uses floating point and
// random numbers, but only seeded ones and no clock: the same arguments give
// the same result, bit by bit.
//
// One unit of log time is a microsecond here, instead of a millisecond, so that
// rounding the drawn times changes no mean.
//
// Arrivals, tiers and patience are drawn call by call, the lengths of
// conversations in the order in which conversations begin. With one seed all
// policies therefore see the same number of callers in the centre at any time,
// and as long as nobody hangs up and every agent can take every call the mean
// wait over all tiers is the same to the last bit: a policy can only pass waits
// from one tier to another. Tests demand exactly that.
//
// # Concurrency
//
// None: a run is one goroutine. Several may run side by side.
//
// # Words
//
// Warm-up: calls before those that count, to fill an empty centre. Batch: a
// thirtieth of the counted calls, in order of arrival; how far the means of the
// batches are apart tells how exact the mean of all is. Overtake: how much
// earlier the one had come who was overtaken.
package sim
