// Package trial walks a flow without media, in virtual time.
//
// # What it owns
//
// A caller who presses keys, talks and waits; prompts that last as long as one
// says; timers that fire when the virtual clock gets there; and what happened:
// the timeline for people, sounds, nodes and questions for tests. What the
// session asks of the outside a [World] answers, after a time it chooses.
//
// # What it does not own
//
// The flow and its rules (ivr): the session that runs here is the one that
// runs in a real call.
//
// # The rule
//
// Pure: no clock but its own, and the same steps give the same timeline.
//
// # Concurrency
//
// None. A Trial belongs to one goroutine.
package trial
