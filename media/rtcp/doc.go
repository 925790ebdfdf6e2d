// Package rtcp reads and writes the control packets of a telephone call, with
// pion/rtcp.
//
// # What it owns
//
// Which packets a call needs (sender and receiver reports with one block, the
// canonical name, BYE), what in a compound is about us, the limits that a
// compound must keep before the library sees it, and the compact NTP times.
//
// # What it does not own
//
// The formats of RFC 3550 §6: they are the library's. When reports are sent and
// to whom (media), and what they say (rtp.Reception).
//
// # The rule
//
// A received compound is walked by its lengths, each checked against what is
// there; kinds that a telephone switch has no use for are stepped over, not
// parsed, so their lying insides cannot hurt, and what the library does not
// know or refuses of them does not cost the report next to it. For the same
// reason a packet may come alone or in any order (RFC 5506). What the library
// refuses of the rest, or panics over, is malformed.
//
// Reports come every five seconds: allocating is fine here.
//
// # Concurrency
//
// Pure functions.
package rtcp
