// Package trial walks a flow without media, in virtual time.
//
// # What it owns
//
// A caller who presses keys and waits, prompts that last as long as one says,
// timers that fire when the virtual clock gets there, and the timeline of what
// happened.
//
// # What it does not own
//
// The flow and its rules (ivr): the session that runs here is the one that
// runs in a real call. Script files: tests and commands read those.
//
// # The rule
//
// Pure: no clock but its own, and the same steps give the same timeline.
//
// # Concurrency
//
// None. A Trial belongs to one goroutine.
package trial
