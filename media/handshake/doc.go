// Package handshake agrees on the keys of SRTP with a peer by DTLS (RFC 5764).
//
// # What it owns
//
// The node's certificate, and one handshake for a leg: what of it is sent, that
// the peer has the certificate its SDP names, and the keys that come out.
//
// # What it does not own
//
// Sockets: datagrams of DTLS come in by [Handshake.Packet] and leave by the
// function given to [Begin].
//
// # The rule
//
// A peer without the certificate of its SDP gets no keys. Nothing of a
// handshake runs on a media worker; a handshake that isn't finished after ten
// seconds has failed. What a peer sends is bounded by a small queue.
//
// # Concurrency
//
// Packet may be called by the leg's worker while the handshake runs on its own
// goroutines, which end with Close.
package handshake
