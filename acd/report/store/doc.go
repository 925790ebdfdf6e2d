// Package store keeps call records and events in one SQLite file.
//
// # What it owns
//
// The tables (migrations/, described for readers in docs/reference/cdr.md),
// the transaction that writes a [report.Batch] together with the cursor and
// the unfinished records, the queries of the API, and retention.
//
// # What it does not own
//
// When to write: that is package cursor. Another engine (PostgreSQL) comes as
// another type with the same methods.
//
// # The rule
//
// A batch is written as a whole or not at all, and writing it twice changes
// nothing. SQLite runs in WAL mode with synchronous=NORMAL: a crash of the
// process loses nothing, a power failure may lose the last batches but never
// half of one. That is enough, because the log has them too and the cursor
// goes back with them. Only what is acknowledged to the log, which may then
// forget it, has to be on the disk for certain: Commit with durable set writes
// its transaction with synchronous=FULL, which also covers all before it. One
// such sync a second stays out of the way of the log's own.
//
// # Concurrency
//
// Commit and Prune use the one writing connection and queue for it; reads use
// connections of their own and never wait for a writer.
package store
