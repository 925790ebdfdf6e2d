// Package recognise tells which prompts were played in a recording.
//
// # What it owns
//
// A Pack of known sounds, and finding them, sample for sample, in what a
// telephone has heard: whole, or the part that was heard before a key stopped
// it. `tierline dial --hear` and the end-to-end checks prove with it that a
// caller heard the right words and the right amount.
//
// # What it does not own
//
// Speech: a sound is found because it is the same sound, in either codec, not
// because it says the same. Recording (call/phone), the sounds (media/prompt).
//
// # The rule
//
// Every place of a recording belongs to at most one sound, the one that
// explains the longest stretch of it. A stretch shorter than 100 ms proves
// nothing, unless it is a whole sound. A lost packet does not make two of one.
//
// # Concurrency
//
// A Pack may be searched by many goroutines once nothing is added any more.
package recognise
