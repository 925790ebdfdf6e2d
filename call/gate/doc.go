// Package gate decides how many new calls a node begins when it can't keep up.
//
// # What it owns
//
// Measurements of lateness, who waits for his set-up, and what follows: whether
// one more may begin.
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
// what a machine can do and keeps no rate: each call asks whether the node is
// full at its moment (docs/adr/0024-who-waits-now.md).
//
// Only a queue that stands counts, as CoDel has it (RFC 8289): the node was full
// for half a second without a break. A machine that stops for a moment, as
// virtual ones do, refuses nobody.
//
// # Concurrency
//
// All methods may be called from any goroutine. Telling a measurement is a few
// atomic additions.
//
// # Words
//
// Late: more than half of a signal's measurements were above its bound.
// Full: one more caller would wait too long. Strict: somebody was refused lately.
package gate
