// Package registration keeps us registered at carriers that don't know our
// address: where to call us they learn by REGISTER (RFC 3261 §10.2).
//
// # What it owns
//
// When a REGISTER goes out and to which host of a registrar, what an answer
// means, how long to wait after a failure, and which calls come by one of our
// contacts.
//
// # What it does not own
//
// The message itself and the digest (call/sipua), names (call/resolve), which
// trunks register (routing/trunk, call/service), passwords.
//
// # The rule
//
// A registration is refreshed long before it ends. A failure costs the carrier
// little: pauses grow, and who refuses us for good (a wrong password, a number
// that isn't ours) is asked seldom, since many carriers lock an account that
// knocks too often. What is still registered stays in use while a refresh
// fails. The contact is the same after a restart, so that the carrier replaces
// the old one.
//
// # Concurrency
//
// A [Keeper] may be used by many goroutines. Each registration has one goroutine
// of its own; the keeper's mutex guards what others look at and is not held
// while anybody is called.
//
// # Words
//
// Line: a word in our contact that the carrier's INVITE brings back; it says
// which registration a call comes by. Binding: what the registrar keeps.
package registration
