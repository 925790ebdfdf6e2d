// Package theory holds what queueing theory says of a service centre, so that
// the simulator has somebody to agree with, and staffing a formula.
//
// # What it owns
//
// Closed forms for random (Poisson) arrivals and exponential conversations:
// Erlang B, C and A, first come first served ([Queue]); strict priority with
// and without patience (Cobham 1954, [Queue.Strict]); accumulating priority
// (Kleinrock 1964, [Queue.Ratio]); first come first served and longest idle
// with skills (the product form of Adan and Weiss 2014, [Skills]).
//
// # What it does not own
//
// Units beyond seconds and calls per second, and the policy deadline: no closed
// form is known for fixed head starts.
//
// # The rule
//
// Each function checks its arguments and says [ErrOverload] where calls would
// wait longer and longer, rather than returning a number without a meaning.
// Sums that could overflow are scaled as they grow.
//
// # Concurrency
//
// None: functions of values.
//
// # Words
//
// Load: arrival rate × conversation length, in erlangs. Patience: the mean of an
// exponential time after which a waiting caller hangs up. Share: a tier's part
// of the calls; shares are listed from the most valuable tier to the least.
package theory
