// Package cursor is the one writer of call records: it follows the cluster's
// stories, folds them and commits the result to the store.
//
// # What it owns
//
// The goroutine of [Cursor.Run]: batching, the order "commit, then
// acknowledge", retries while the disk is full, retention.
//
// # What it does not own
//
// The fold (package report), the tables (package store), the stories.
//
// # The rule
//
// The position in the log is committed in the same transaction as the records
// that stand before it. So a crash anywhere means: go on from the committed
// position and read the rest again. A story is acknowledged, and may be
// forgotten by the log, only when a durable commit covers it. Nodes that share
// a store write in turns: whose turn it isn't acknowledges what others stored,
// and begins from there when it gets one.
//
// # Concurrency
//
// Run has two goroutines: one pulls stories into a bounded channel, one folds
// and commits. When the store is slow the channel fills and the source waits;
// calls never do. Stats may be called from anywhere.
package cursor
