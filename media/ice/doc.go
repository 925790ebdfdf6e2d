// Package ice answers the connectivity checks of a peer that looks for us: the
// lite side of RFC 8445.
//
// # What it owns
//
// Which checks are the peer's own, what they are answered with, and whether the
// peer still agrees to be sent to (RFC 7675).
//
// # What it does not own
//
// Sockets, and candidates: a switch has one address, which stands in its SDP.
//
// # The rule
//
// We never look for the peer. A check that is signed with our password, and
// names both sides, is answered to where it came from; the last one that
// nominates says where media goes, and the first one until then. A check that
// isn't is dropped without an answer, so that nobody can have us send anything
// to a third party. Silence of thirty seconds takes the consent back.
//
// # Concurrency
//
// An Agent belongs to the worker of its leg.
package ice
