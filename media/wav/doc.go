// Package wav reads and writes the sound files of a telephone system.
//
// # What it owns
//
// RIFF/WAVE with one channel at 8 kHz: PCM of 16 bits (format 1), A-law (6)
// and µ-law (7), plain or in the extensible header.
//
// # What it does not own
//
// Resampling, mixing down, other formats: whoever makes prompts does that.
//
// # The rule
//
// Strict: a chunk that claims more than the file has, a format we do not play
// or a missing part is an error that says what is wrong. Nothing is allocated
// by what a header claims.
//
// # Concurrency
//
// Pure functions.
package wav
