// Package customer knows who is calling: a directory of customers with their
// value tier, by telephone number.
//
// # What it owns
//
// Reading customers.csv with all its mistakes named, and a compact directory: a
// million customers take the file's size and about 30 bytes each.
//
// # What it does not own
//
// The form of numbers: who reads the file says how to normalise them. What the
// further columns mean: they are kept for the business system. Files: bytes
// come in.
//
// # The rule
//
// Pure. A row with a mistake refuses the whole file; a wrong tier would treat
// somebody worse than promised without anybody noticing.
//
// # Concurrency
//
// A [Directory] is not changed after [Load].
package customer
