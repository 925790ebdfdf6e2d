// Package publish makes service documents the current generation.
//
// # What it owns
//
// The way from encoded documents to acd.ConfigPublished: the check, the
// difference to what runs (plan), the refusal with all problems, the way back
// (rollback). The API and serve --service both go through here.
//
// # What it does not own
//
// What documents mean (call/service), how they get into the log (cluster),
// what running calls do with a new generation (they stay on theirs).
//
// # The rule
//
// A refused publication changes nothing. Documents that are current already
// make no new generation. A rollback is a publication of older documents: the
// log only goes forward.
//
// # Concurrency
//
// A Publisher is safe for all goroutines; publications on this node follow
// each other, so that each is checked against what really runs.
package publish
