// Package speech has texts spoken by engines outside.
//
// # What it owns
//
// The engines: a program that gets the text on standard input and answers with
// a WAV file, or a server that is asked over HTTP. The [Speaker], which calls
// them while callers wait: within a budget, at most once for the same text,
// keeping what was spoken in memory.
//
// # What it does not own
//
// Prompts that are made beforehand (the prompt pack), levels and silence
// (media/master), what is heard instead when an engine is slow (ivr, call).
//
// # The rule
//
// A text never goes through a shell and is never part of a command line: what
// callers and business systems say can't become a command. The key of a sound
// holds everything that changes it, so a new voice is never answered with the
// old one's sound. Nothing waits longer than its budget, and what an engine
// answers is bounded.
//
// # Concurrency
//
// Engines and Speakers may be used by any goroutine. An engine that is slower
// than the budget goes on in the background, so that its sound is there the
// next time; Close ends that.
package speech
