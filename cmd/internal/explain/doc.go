// Package explain tells the whole decision about one call before it is made:
// which trunk, whose number, which flow, which way through it, which queue,
// which agents and why.
//
// # What it owns
//
// Walking a call that nobody makes through the documents and the state of the
// node that is asked. Nothing is changed by it.
//
// # What it does not own
//
// The decisions: the dial plan, the flow's session and the ACD core that run
// here are those of real calls.
//
// # The rule
//
// What can't be known without doing it is assumed, and said: messages are taken,
// secrets may be tried, what a lookup would change isn't asked.
//
// # Concurrency
//
// Explain may be called from many goroutines; each walks a call of its own.
package explain
