// Package report turns the story of the log into records that people read:
// one call detail record (CDR) with its segments for each call, and the list
// of events behind it.
//
// # What it owns
//
// [Fold], which consumes the facts of applied entries in log order, and the
// words of its result: [CDR], [Segment], [Event], [Batch]. Room interval counts
// what happened at queues and agents. The other rooms do the work that needs a
// disk or a goroutine: store (SQLite, PostgreSQL), cursor (the one writer that follows the
// cluster and fills the store).
//
// # What it does not own
//
// What happened: facts come from acd. It never decides anything about a call,
// and nothing in a call waits for it.
//
// # The rule
//
// Pure: the same stories give the same records on every node and on every
// replay. Durations are differences of log time, which never goes back; times
// of day are the entries' wall time, in UTC, and may jump.
//
// # Concurrency
//
// None. Whoever calls Take owns the Fold; cursor.Cursor is that owner.
//
// # Words
//
// Story: what one log entry changed. Segment: a stretch of a call with one
// kind of service: ivr, queue, offer (an agent's phone is being rung), talk.
// Talk time belongs to segments, so a transferred call credits each agent
// with what he did and nothing more.
package report
