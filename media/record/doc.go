// Package record writes recordings to disk.
//
// # What it owns
//
// The file of a recording while it grows: its provisional name, its header,
// its end, its checksum; and what a crash leaves of it.
//
// # What it does not own
//
// Where recordings are kept and for how long, which sound belongs into one
// (media), reading it (prompt).
//
// # The rule
//
// Under its own name a recording is complete or does not exist. While it grows
// it has [Partial] behind its name; the sound in it is good at any moment, only
// its header isn't, and [Repair] makes that right.
//
// # Concurrency
//
// A [File] belongs to one goroutine, which may have to wait for the disk.
package record
