// Package master makes a sound fit to be played to callers, and judges one.
//
// # What it owns
//
// Resampling to 8 kHz, taking hum and the silence at both ends away, the
// level. Measuring: length, peak, level of speech, clipping, silence.
//
// # What it does not own
//
// Files (media/wav), speech engines (media/speech), which sounds there are.
//
// # The rule
//
// The same input gives the same samples on every machine of one architecture:
// what was made can be compared. [Version] changes whenever they do.
//
// # Concurrency
//
// Pure functions.
package master
