// Package demo is `tierline demo`, a whole service centre on loopback with
// callers and agents who telephone over real SIP and RTP, and `tierline dial`,
// one test caller.
//
// # What it owns
//
// The simulated world: who calls when and why, what each call may expect, how
// twelve softphones behave; the box with the addresses, the live view, and the
// verdict at the end.
//
// # What it does not own
//
// The centre. The node runs as it does under `tierline serve`, on documents
// that are embedded from testdata/demo, and the view knows only what the
// node's API tells anybody.
//
// # The rule
//
// A call that the demo counts as good was proved: greeting heard, menu reacted,
// tones heard at both ends. What was not proved is listed and fails the run.
//
// # Concurrency
//
// One goroutine for each caller and each phone's incoming call; the ledger and
// the board are the only things they share, each behind its own mutex.
package demo
