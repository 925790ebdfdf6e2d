// Package backup is the one file that a node, or all of a cluster, can be
// brought back from.
//
// # What it owns
//
// The file's layout: what is in it, in which order, and the proof that all of
// it is there and as it was written.
//
// # What it does not own
//
// What the parts mean: the state is package cluster's, the records are package
// store's, sounds are package prompt's.
//
// # The rule
//
// A file that is cut off, changed, or of a later format is refused as a whole
// and before anything is done with it.
//
// # Concurrency
//
// None: a file is written or read by one goroutine.
package backup
