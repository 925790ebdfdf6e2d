// Package interval counts what happened at queues and agents, by quarters of
// an hour.
//
// # What it owns
//
// The definition of every number that is shown of queues and agents, for the
// reports, the API and the metrics alike: [Steps] says what a story means for
// a queue, [Fold] books it, [Queue] and [Agent] make figures of sums. The page
// docs/reference/numbers.md says the same to readers.
//
// # What it does not own
//
// What happened: facts come from acd. Where numbers are kept: package store.
//
// # The rule
//
// Pure: the same stories give the same numbers. Sums are kept, never means or
// percentages, so that any intervals, tiers, skills and agents can be added
// up, and a ratio is always one sum over another. What is kept is additive: a
// Fold hands over what came since the last time and knows nothing of before,
// beside the calls that wait and what each agent is doing.
//
// Identity, at every moment and for every sum: offered = answered + abandoned
// + left + waiting.
//
// # Concurrency
//
// None. report.Fold owns its Fold; each query makes values of its own.
//
// # Words
//
// Slot: a quarter of an hour of wall time, named by its begin. Visit: one wait
// of one call in one queue; a call that comes back visits again. Place: queue,
// tier and skill of a visit. Stretch: an agent's time in one state.
package interval
