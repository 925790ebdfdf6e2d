// Package vault seals what a node writes down, so that a copy of its files
// tells nothing to whoever lacks the node's key.
//
// # What it owns
//
// The node's key file, the ring of data keys beside the data, and two forms of
// sealed data: single texts (entries of the log) and streams (snapshots).
//
// # What it does not own
//
// What is sealed, where it is kept, and what a node does that can't open it.
//
// # The rule
//
// The node's key seals nothing but the ring. Data are sealed with a key of the
// ring, AES-256-GCM, from which each process and each stream derives one of its
// own by a random salt: so nonces are plain counters that can't meet. A text is
// bound to its place, a piece of a stream to its number; whoever moves one, or
// cuts a stream off, is found out.
//
// A new key in front of the old ones in the key file is taken up at the next
// start: the ring gets a new data key, and is sealed with the new key alone.
//
// # Concurrency
//
// A Vault is safe for all goroutines; a writer and a reader have one owner each.
package vault
