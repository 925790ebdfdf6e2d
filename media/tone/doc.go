// Package tone makes tones and hears them.
//
// # What it owns
//
// Sine tones as linear samples, and a Goertzel detector that tells which of a
// few known frequencies is present in each frame of 20 ms, how loud and for
// how long. Tests, the demo and the test caller prove audio with it.
//
// # What it does not own
//
// The digits of a telephone: they travel as events (dtmf).
//
// # The rule
//
// Levels are in dBm0: a sine of full scale is +3.17 dBm0 by G.711.
//
// # Concurrency
//
// Pure functions; a Detector belongs to one goroutine.
package tone
