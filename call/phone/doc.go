// Package phone is the other side of the line: softphones and callers over
// real SIP and RTP, for the demo centre, for `tierline dial` and for tests.
//
// # What it owns
//
// An [Endpoint] is one SIP user agent on one socket. It registers with digest,
// places calls and answers them. Each call has a [Line]: a tone that is spoken
// into the call, digits by RFC 4733, and an [Ear] that tells what was heard.
// [Endpoint.Call] plays a caller from a [Plan]; [Phone] plays an agent's
// softphone that answers, lets it ring, is busy or refuses.
//
// # What it does not own
//
// Anything of the switch. It shares no SIP or SDP code with call/sipua, so that
// a mistake there is not hidden by the same mistake here.
//
// # The rule
//
// SIP is diago's client API; media is diago's socket with our own RTP on it,
// because diago's sender writes DTMF with wrong timestamps and its readers can
// panic on odd packets. Every handler that peers reach recovers.
//
// # Concurrency
//
// An Endpoint may be used from many goroutines. Each call has two goroutines
// for its media, ended before the call's report is returned.
package phone
