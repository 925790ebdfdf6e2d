// Package rtcp reads and writes the control packets of a telephone call.
//
// # What it owns
//
// Sender and receiver reports with one block, the canonical name, BYE
// (RFC 3550 §6), and the compact NTP times in them.
//
// # What it does not own
//
// When reports are sent and to whom (media), and what they say (rtp.Reception).
//
// # The rule
//
// A received compound is walked by its lengths, each checked against what is
// there; kinds that a telephone switch has no use for are stepped over, not
// parsed, so their lying insides cannot hurt. Nothing here allocates.
//
// # Concurrency
//
// Pure functions.
package rtcp
