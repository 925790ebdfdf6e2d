// Package service compiles the documents of one centre: trunks, numbers,
// tiers, queues, skills, agents, calendars, feature codes, flows, prompts,
// customers.
//
// # What it owns
//
// A [Bundle] is the documents of one generation as they are published through
// the log; a [Service] is the same made ready for calls, with every cross
// reference checked; [Diff] says in an operator's words what changes between
// two bundles.
//
// # What it does not own
//
// Publishing (acd, cluster), audio in memory (call), what a flow does (ivr).
//
// # The rule
//
// All or nothing: documents with one error make no service, and every mistake
// is named with file, line and column at once. Secrets never appear in a
// problem or a difference.
//
// # Concurrency
//
// Bundles and services are immutable once made and shared by all calls.
package service
