// Package mix makes one sound of several, for conferences and supervisors.
//
// # What it owns
//
// The sum that each listener hears ([Mixer]) and the way from packets that come
// when they come to a frame every 20 ms ([Buffer]): waiting for what is late, as
// long as the network makes it worth while, and something to hear instead of
// what is lost.
//
// # What it does not own
//
// Packets, codecs, clocks and who hears whom: package media brings samples, the
// time and gains.
//
// # The rule
//
// Everything is counted in samples at 8 kHz, 160 to a frame. Sums are made in
// 32 bits and clipped once, at the end: what a listener says himself is taken
// out of the sum before, so that clipping never leaves him an echo.
//
// # Concurrency
//
// Nothing here is safe for concurrent use. Nothing allocates once it is made.
package mix
