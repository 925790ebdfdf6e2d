// Package sim is the commands `tierline sim` and `tierline staff`: what a
// policy does to the waits, and how many agents are enough, before anybody
// calls.
//
// # What it owns
//
// Flags, the skills file and the intervals file, tables, JSON, plots (SVG), the
// progress bar; the search for the least number of agents.
//
// # What it does not own
//
// The simulation and the formulas: acd/sim and acd/sim/theory.
//
// # The rule
//
// Results go to standard output, progress and warnings to standard error. What
// JSON says doesn't change between releases except that fields are added;
// tables may change.
//
// # Concurrency
//
// A simulation is one goroutine. The runs of a plot are spread over the
// processors; their results don't depend on that.
package sim
