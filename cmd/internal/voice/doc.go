// Package voice is the commands about what callers hear: `tierline say` and
// `tierline prompts`.
//
// # What it owns
//
// Flags, streams, tables and progress for people.
//
// # What it does not own
//
// The grammar of readings (ivr/say), making and judging sounds (media/pack),
// the engines (media/speech), the documents (call/service).
//
// # The rule
//
// Results go to standard output, everything else to standard error. The exit
// code is 1 if what was asked for was not done.
//
// # Concurrency
//
// One command runs in a process; it ends with its context.
package voice
