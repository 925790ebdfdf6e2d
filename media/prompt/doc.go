// Package prompt holds what callers hear: recorded speech and music, ready to
// be sent.
//
// # What it owns
//
// A clip in both codecs, encoded once. The library: a directory of sound files
// named by their SHA-256.
//
// # What it does not own
//
// Which prompt is played when (ivr), sending it (media), making it.
//
// # The rule
//
// A clip never changes and is as long as its sound: packets are filled across
// clips, so that a reading of thirty fragments is one continuous sound. A file
// of the library has the contents that its name says, or is refused; it appears
// whole or not at all.
//
// # Concurrency
//
// Clips are immutable and shared. A Library may be used by any goroutine.
package prompt
