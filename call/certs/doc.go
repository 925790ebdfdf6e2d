// Package certs holds the certificates a node serves and shows.
//
// # What it owns
//
// Making an authority and certificates of one's own ([Authority]), for the
// demo, for tests and for networks that have none. It does not own what a
// peer's certificate has to prove: package sipua knows that of SIP domains.
//
// # The rule
//
// A key leaves this package only for a file that nobody but its owner may
// read.
//
// # Concurrency
//
// An [Authority] never changes.
package certs
