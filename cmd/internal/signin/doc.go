// Package signin knows who may use a node's API, and in which role.
//
// # What it owns
//
// The file of users, the hashes of their tokens, the check of a token, and what
// happens to an address that shows wrong ones.
//
// # What it does not own
//
// Which role a request needs (console), and phones' passwords (registrar): who
// signs in to the API need not be an agent.
//
// # The rule
//
// A token costs the same work whether its user exists or not. It stands in no
// file, log or answer: the file has an argon2id hash, memory a SHA-256 of those
// that were right. A file that can't be read any more changes nothing; one that
// others may read is refused.
//
// # Concurrency
//
// A [Door] is safe for all goroutines.
package signin
