// Package rank decides who is served next, and by whom.
//
// # What it owns
//
// [Requirement]: what a call asks of an agent, parsed from text such as
// `billing>=3 and lang.en>=1`. [Key]: the place of a waiting call in the one
// global order. [AgentKey]: the order of able agents for one call. [Board]:
// waiting calls by requirement class and ready agents by skill set, so that a
// match looks at heads only and never at calls × agents.
//
// # What it does not own
//
// Why an agent is ready and why a call waits (acd), and time: it comes in as
// an argument. A board is derived data: whoever holds the calls and agents can
// rebuild it at any moment, and the order in which it was filled does not show.
//
// # The rule
//
// Pure and integer: no clock, no randomness, no floating point, no map order.
// Every order ends in an identifier, so that ties cannot differ.
//
// # Concurrency
//
// None of its own. [Board.Match] and the counts only read; whoever changes a
// board must be alone.
//
// # Words
//
// Class: all waiting calls with the same requirement. Group: all agents with
// the same skills at the same levels. Passed over: an agent who missed or
// refused this call lately; others go first while there are any.
package rank
