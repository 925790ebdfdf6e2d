// Package wire holds the JSON types of the HTTP API: what console writes and
// what the commands of package cli read.
//
// # What it owns
//
// Names and meanings of fields. They are a contract with users' programs:
// docs/reference/openapi.json is made from them, and a test shows each change.
//
// # What it does not own
//
// Where the values come from, and how they are shown.
//
// # The rule
//
// Times of day are UTC text; spans are whole milliseconds, with names that end
// in _ms. A field that may be absent says so with omitempty.
//
// # Concurrency
//
// Values only.
package wire
