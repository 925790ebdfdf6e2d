// Package store keeps call records and events: in one SQLite file for each
// node, or in one PostgreSQL for all of them.
//
// # What it owns
//
// The tables (migrations/, described for readers in docs/reference/cdr.md),
// the transaction that writes a [report.Batch] together with the cursor and
// the unfinished records, whose turn it is to write, the queries of the API, and
// retention.
//
// # What it does not own
//
// When to write: that is package cursor.
//
// # The rule
//
// A batch is written as a whole or not at all, only where the records end, and
// writing it twice changes nothing.
//
// SQLite runs in WAL mode with synchronous=NORMAL: a crash of the
// process loses nothing, a power failure may lose the last batches but never
// half of one. That is enough, because the log has them too and the cursor
// goes back with them. Only what is acknowledged to the log, which may then
// forget it, has to be on the disk for certain: Commit with durable set writes
// its transaction with synchronous=FULL, which also covers all before it. One
// such sync a second stays out of the way of the log's own.
//
// PostgreSQL is written to in turns, see docs/adr/0022. Each commit is durable
// there. A server that is away is ErrAway, and nobody waits for it longer than
// ten seconds.
//
// Both pass the same tests; statements differ in what words says.
//
// # Concurrency
//
// Commit and Prune of a file use the one writing connection and queue for it;
// reads use connections of their own and never wait for a writer. A server has a
// few connections for all.
package store
