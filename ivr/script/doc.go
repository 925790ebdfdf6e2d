// Package script reads and runs test scripts of flows.
//
// # What it owns
//
// The script format: calls with what they hear, press and expect, and the mocks
// that answer for the outside. What became of each call, and which nodes and
// ways of the flow were walked.
//
// # What it does not own
//
// Walking a flow in virtual time (ivr/trial). Files, terminals and service
// directories: commands bring flows and lengths of prompts.
//
// # The rule
//
// A script never waits for the caller: what he does is a step. So a call that
// hears something else than expected fails at that step, and not at the end of
// its patience. Pure: the same script and flow give the same result.
//
// # Concurrency
//
// None: plain functions and values.
package script
