// Package backend asks business systems on behalf of flows, and sends messages
// for them.
//
// # What it owns
//
// HTTP and SQL towards sources: time-outs, retries, breakers, caps, polling of
// long jobs, the cache, the limits of an answer; the queue of messages that a
// channel didn't take at once.
//
// # What it does not own
//
// What is asked and what an answer means: that is the flow's (package ivr).
// Which call waits for the answer: the caller of Lookup runs it beside the call
// and cancels its context when nobody waits any more.
//
// # The rule
//
// Every lookup ends within the deadline that its source's policy adds up to,
// whatever the far end does: silence, garbage, ten megabytes, a byte a second.
// An answer is checked before anybody sees it. What is asked may hold secrets
// and telephone numbers, so neither a request nor an address with values in it
// is ever logged or part of an error.
//
// # Concurrency
//
// [Backend] is safe for concurrent use. A source's state (breaker, cap) is
// shared by all calls of the node, whichever generation they began with.
//
// # Words
//
// Source: a system that is asked. Endpoint: where a source is, from this
// node's settings. Lookup: one question. Channel: a path of a source that
// takes messages.
package backend
