// Package bucket keeps files in a bucket of an S3 store: Amazon's, MinIO, Ceph
// and others that speak the same.
//
// # What it owns
//
// The conversation with the store: names of objects, signatures, checksums, what
// its answers mean.
//
// # What it does not own
//
// Which files go there, when, and how often it is tried (call).
//
// # The rule
//
// [Bucket.Put] returns nil only after the store has checked the content (its MD5)
// and tells of an object of the same size and SHA-256. Secrets are in no error and
// no log.
//
// # Concurrency
//
// A [Bucket] may be used by several goroutines.
package bucket
