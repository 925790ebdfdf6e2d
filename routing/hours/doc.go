// Package hours knows when a service is open.
//
// # What it owns
//
// Calendars: weekly hours in a time zone, exceptions by date (public holidays,
// make-up workdays, special hours), a switch that forces open or closed, and the
// text form of rules and exceptions with the place of every mistake.
//
// # What it does not own
//
// Clocks: the time comes in. Documents: strings come in. Which dates are
// holidays: the government says that every autumn, and a document repeats it.
//
// # The rule
//
// Pure. Time zones are compiled in, so every node answers alike. An exception
// says everything about its date: what began the evening before ends at
// midnight. Hours are wall-clock times; at a change of clocks a time that comes
// twice begins at the first and ends at the last, and one that doesn't exist is
// the moment of the change.
//
// # Concurrency
//
// A [Calendar] is not changed after [New].
//
// # Words
//
// Make-up workday (调休): a Saturday or Sunday that is worked in exchange for a
// longer holiday; written as "2026-10-10 as Thu".
package hours
