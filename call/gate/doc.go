// Package gate decides how many new calls a node begins when it can't keep up.
//
// # What it owns
//
// Measurements of lateness, what they say about the node, and a limit of new
// calls a second that follows from it: down by a fifth when something is late,
// up by a tenth when nothing is (AIMD, twice a second).
//
// # What it does not own
//
// What a request is and how it is refused: call/sipua asks before it begins a
// call. Who measures what: the socket's reader, the log, the media engine and
// the gate's own clock tell it.
//
// # The rule
//
// Nothing that is already going on is ever refused. The gate knows no figure of
// what a machine can do: it opens until something is late, on any machine.
//
// # Concurrency
//
// All methods may be called from any goroutine. Telling a measurement is two
// atomic additions.
//
// # Words
//
// Late: more than the signal's share of its measurements was above its bound.
// Open: there is no limit.
package gate
