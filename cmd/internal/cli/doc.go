// Package cli is the command line: the root command, and the commands that
// talk to a running node or check documents.
//
// # What it owns
//
// Words, tables and exit codes; the HTTP client of the API. Commands that run
// a node or a test call come from their own packages and are hung under
// [Root].
//
// # What it does not own
//
// Every decision: check is call/service, everything else asks the node.
//
// # The rule
//
// Output goes to the command's writers, so that tests see it. -o json prints
// what the API said, tables are for people and may change. An error says what
// to do next. Exit code 0 is success, 1 everything else.
//
// # Concurrency
//
// None but the event stream's reader.
package cli
