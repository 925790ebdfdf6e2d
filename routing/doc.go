// Package routing holds the words that decisions about numbers and people are
// made of: customer tiers, skills with levels, telephone numbers.
//
// # What it owns
//
// The plain value types that every other package shares. The decisions
// themselves live in its rooms: rank (who is served next, by whom), dialplan
// (called number to flow), trunk (which peer is calling), hours (is the centre
// open), customer (who is calling), document (strict YAML with positions).
//
// # What it does not own
//
// Calls, sockets, clocks, disks.
//
// # The rule
//
// Pure: the same arguments give the same answer. No clock, no goroutine, no
// I/O; time comes in as an argument.
//
// # Concurrency
//
// Values only; nothing here is shared or locked.
package routing
