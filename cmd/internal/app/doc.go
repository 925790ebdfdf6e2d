// Package app wires a node together and runs it.
//
// # What it owns
//
// The order in which the parts of a node start and stop, the adapters between
// them, the logger, the serve command.
//
// # What it does not own
//
// What any part does. There is no rule of telephony here.
//
// # The rule
//
// A part starts when everything it needs runs, and stops in the opposite order:
// first no new calls, then the running ones, then the sockets, then the story,
// last the log.
//
// # Concurrency
//
// [Node] is used by the goroutine that started it; its parts take care of
// themselves.
package app
