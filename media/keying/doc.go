// Package keying names the ways to protect RTP and the keys that they take.
//
// # What it owns
//
// The suites of RFC 4568, RFC 6188 and RFC 7714 by their registered names, in
// the order we like them, with the lengths of their master keys; and [Key], the
// key of one direction.
//
// # What it does not own
//
// Cryptography (srtp), where keys come from (call/sdp, handshake).
//
// # The rule
//
// Whoever agrees on a suite and whoever uses it have one word for it.
//
// # Concurrency
//
// Values. A [Key]'s bytes are not written after it was made.
package keying
