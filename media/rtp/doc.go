// Package rtp reads and writes RTP headers, with pion/rtp, and keeps the
// statistics of a received stream.
//
// # What it owns
//
// The bounds that a datagram must keep before the library sees it, the part of
// the header that a switch uses, and the reception statistics of RFC 3550
// appendix A (loss, jitter).
//
// # What it does not own
//
// The format of the header: that is the library's. Sockets, source addresses,
// what a payload means.
//
// # The rule
//
// A datagram is checked once, completely, before anything in it is used. What
// the library refuses, or panics over, is malformed. A good datagram allocates
// nothing, whatever its header carries.
//
// # Concurrency
//
// Values; a Reader and a Reception belong to the goroutine that reads the
// socket.
package rtp
