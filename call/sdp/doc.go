// Package sdp reads, judges and writes session descriptions: what codec, where
// to, in which direction.
//
// # What it owns
//
// A strict reader of bodies that strangers send, the offer/answer rules of
// RFC 3264 for one audio line of G.711, G.722 or Opus with telephone events,
// what protects it (keys by RFC 4568, fingerprints, ICE), and the bodies we
// send.
//
// # What it does not own
//
// Sockets and ports: the caller says which address to write. The dialog's
// turn-taking (who may offer now) and the choice of our codecs.
//
// # The rule
//
// Pure: bytes and values in, bytes and values out. A body is looked at only up
// to fixed limits and no name is ever resolved. What could hurt (an address
// that is no unicast literal, a low port, a number out of range) is refused with
// [*Error]; what is only odd (an unknown attribute, a nonsensical rtpmap) is
// passed over. Keys of ours are derived from a secret of the leg that comes in
// with [Security]; none is ever in an error.
//
// # Concurrency
//
// None needed: a [Session] is not changed after [Parse].
//
// # Words
//
// Line: an m= line with what belongs to it. Hold: the peer doesn't want to hear
// us. Old-style hold: the same said with the address 0.0.0.0 (RFC 2543).
package sdp
