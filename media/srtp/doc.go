// Package srtp encrypts and decrypts RTP and RTCP (RFC 3711, RFC 7714).
//
// # What it owns
//
// One direction of one leg each: a [Sealer] for what leaves, an [Opener] for
// what comes, with rollover counters and protection against replays.
//
// # What it does not own
//
// Where keys come from (call/sdp, handshake) and what is in the packets.
//
// # The rule
//
// A packet that can't be authenticated, or was there before, is an error and
// leaves no trace. The path of an RTP packet allocates nothing. A key is used
// for one direction, and its counters live as long as it does. A process that goes
// on with another one's key sends with another SSRC, so no packet is sealed twice
// with the same numbers.
//
// # Concurrency
//
// A Sealer or Opener belongs to whoever holds its leg's lock, or to the leg's
// worker.
package srtp
