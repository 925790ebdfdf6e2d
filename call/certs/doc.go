// Package certs holds the certificates a node serves and shows.
//
// # What it owns
//
// Reading a node's certificate, key and authorities, taking up changed files
// while it runs ([Keeper]), telling that the certificate ends soon; making an
// authority and certificates of one's own ([Authority], [Init]), for the demo,
// for tests and for networks that have none. It does not own what a peer's
// certificate has to prove: package sipua knows that of SIP domains.
//
// # The rule
//
// A key is written to, and read from, only a file that nobody but its owner
// may read. Files that can't be used change nothing in a running node.
//
// # Concurrency
//
// An [Authority] never changes. A [Keeper]'s methods may be called from any
// goroutine; Watch by one.
package certs
