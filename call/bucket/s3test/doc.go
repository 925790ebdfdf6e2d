// Package s3test is an S3 store for checks: one bucket in memory, behind real
// signatures.
//
// # What it owns
//
// The few requests that package bucket makes (PUT, GET with ranges, HEAD), checked
// as Amazon's documentation of Signature Version 4 says: the header's signature,
// those of all chunks of a body, the body's MD5, the time. Faults on demand.
//
// # What it does not own
//
// Everything else of S3.
//
// # The rule
//
// It shares no code with the client that is checked with it.
//
// # Concurrency
//
// A [Store] may be used by several goroutines.
package s3test
