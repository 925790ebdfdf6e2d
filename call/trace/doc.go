// Package trace remembers what happened to the calls of this node, message by
// message, for whoever has to find out why one went wrong.
//
// # What it owns
//
// The entries of each call, in order: SIP messages of all its legs, how their
// RTP went, keys, what the log decided, what the call wrote into the program's
// log. How they are found (by call, by Call-ID of a leg, by a number), how much
// memory they may have and which go first; what must not be in a message that is
// kept or shown; the same as a capture file (pcapng), and sent to a collector
// (HEPv3).
//
// # What it does not own
//
// SIP (sipua hands over what it reads and writes), RTP figures (media), the
// story of a call (acd) and its records, which stay when the memory here is gone.
// How a trace looks in a terminal (cmd).
//
// # The rule
//
// No secret gets in. Keys of SRTP, digests, passwords in URIs and bodies that may
// hold digits are taken out of a message before it is kept, sent or shown: see
// [Clean]. Of a key it is told that it was pressed; which one only if a question
// that isn't secret has taken it.
//
// Memory is bounded three ways: bytes in all, bytes of one call, number of calls.
// Calls that are over go first, the oldest first. A call's first messages are
// the last to go. What was left out is counted.
//
// Nothing waits for a trace: a collector that doesn't take its packets loses
// them, and they are counted.
//
// # Concurrency
//
// A [Store] is safe for concurrent use; its mutex is held to put one entry into
// place. A nil *Store is one that keeps nothing. Nothing is kept over a restart.
package trace
