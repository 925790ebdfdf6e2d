// Package memnet is a network in memory, for tests.
//
// # What it owns
//
// Sockets that are [net.PacketConn] with deadlines, and the weather between
// them: seeded loss, duplication, delay and jitter, and a hook that cuts
// links; and streams between named places ([Wires]), with delay, cut links and
// processes that are killed. It does not know what is carried.
//
// # The rule
//
// Nothing here touches the kernel, so a [Net] made inside a testing/synctest
// bubble keeps the bubble's virtual time: a time-out of half a minute costs
// no time at all. With the same seed and the same order of sends the same
// packets are lost.
//
// # Concurrency
//
// All methods may be called from any goroutine. Watch and cut functions run
// on the sender's goroutine and must not send. [Wires] calls Watch with nothing
// locked: it may kill.
package memnet
