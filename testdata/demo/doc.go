// Package demo holds the documents and sounds of the demo centre, so that the
// one static binary can bring them along.
//
// # What it owns
//
// The files beside it: a complete service directory.
//
// # What it does not own
//
// Their meaning; see call/service.
//
// # The rule
//
// What stands here is what `tierline check testdata/demo` accepts without a
// warning.
//
// # Concurrency
//
// Read-only.
package demo
