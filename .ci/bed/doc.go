// Package bed is the test bed that the end-to-end checks and the measurements
// share: it starts the switch as a process of its own, talks to its API, reads
// its costs from /proc, and runs the peers.
package bed
