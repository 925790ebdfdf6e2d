// Package wav reads and writes the sound files of a telephone system.
//
// # What it owns
//
// RIFF/WAVE with one channel at 8 kHz: PCM of 16 bits (format 1), A-law (6)
// and µ-law (7), plain or in the extensible header. [DecodeWide] also reads
// what studios and speech engines deliver: any rate, width and channels.
//
// # What it does not own
//
// Resampling, levels, silence: media/master.
//
// # The rule
//
// Strict: a chunk that claims more than the file has, a format we do not play
// or a missing part is an error that says what is wrong. Nothing is allocated
// by what a header claims. DecodeWide forgives sizes, because a program that
// writes into a pipe can't know them.
//
// # Concurrency
//
// Pure functions.
package wav
