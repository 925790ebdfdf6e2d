// Package registrar decides about agents' phones: who may register, for how
// long, and which contacts an agent can be reached at.
//
// # What it owns
//
// Digest authentication (RFC 7616 with the algorithms of RFC 8760) of REGISTER
// and of agents' INVITEs, the rules of RFC 3261 §10.3 about contacts, expiry
// and order, and the defence against guessed passwords: back-off per source
// and user, a ban per source.
//
// # What it does not own
//
// The bindings: they are replicated state, reached through [Bindings]. SIP
// messages and sockets: call/sipua takes a message apart into a [Request] and
// writes the [Response]. Passwords: [Accounts] knows hashes only.
//
// # The rule
//
// A stranger learns nothing. Known and unknown users get the same answers after
// the same work; a nonce is an HMAC over time and source address, so answering
// costs no memory and a forged source can't make anybody look guilty. Failures
// count only when the nonce proves that the peer receives what we send to its
// address. Everything remembered about strangers lives in tables of fixed size.
//
// # Concurrency
//
// A [Registrar] may be used by many goroutines. One mutex guards the table of
// nonce counts and the tables of failures; it is never held across a call into
// Bindings or Accounts.
//
// # Words
//
// Binding: one contact an agent registered. Strike: a wrong password. Stale: a
// nonce that is too old, replayed or not ours; the phone tries again without
// asking its user.
package registrar
