// Package rtp reads and writes RTP headers and keeps the statistics of a
// received stream.
//
// # What it owns
//
// The fixed header of RFC 3550 §5.1 with strict bounds for everything that may
// follow it, and the reception statistics of appendix A (loss, jitter).
//
// # What it does not own
//
// Sockets, source addresses, what a payload means.
//
// # The rule
//
// A datagram is checked once, completely, before anything in it is used.
// Nothing here allocates.
//
// # Concurrency
//
// Values; a Reception belongs to the goroutine that reads the socket.
package rtp
