// Package gate decides how many new calls a node begins when it can't keep up.
//
// # What it owns
//
// Measurements of lateness, what they say about the node, and a limit of new
// calls a second that follows from it: down to four fifths of what was set up
// when a queue stands, up by a tenth and less when none does (AIMD).
//
// # What it does not own
//
// What a request is and how it is refused: call/sipua asks before it begins a
// call. Who measures what: the socket's reader, who answers a call and the
// media engine tell it.
//
// # The rule
//
// Nothing that is already going on is ever refused. The gate knows no figure of
// what a machine can do: it opens until something is late, on any machine.
//
// Late means a queue that stands, as CoDel has it: for half a second most of
// what was measured in each tenth was late. A machine that stops for a second,
// as virtual ones do, makes one tenth late and changes nothing. A queue that
// gets shorter is left alone: what was done has helped.
//
// # Concurrency
//
// All methods may be called from any goroutine. Telling a measurement is a few
// atomic additions.
//
// # Words
//
// Late: more than half of a signal's measurements were above its bound.
// Open: there is no limit. Knee: what the node could do when it was late.
package gate
