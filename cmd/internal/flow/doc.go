// Package flow is the commands about flows: `tierline flow test`, `graph` and
// `try`.
//
// # What it owns
//
// Finding a flow, its scripts and the service directory they stand in; what
// the commands print; the dialogue of `try`.
//
// # What it does not own
//
// Scripts and how they run (ivr/script), flows (ivr), service documents
// (call/service).
//
// # The rule
//
// Nothing here talks to a node: flows are tried before they are published, by
// the session that runs in real calls.
//
// # Concurrency
//
// One goroutine reads the keyboard for `try` and ends with the command.
package flow
