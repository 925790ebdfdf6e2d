// Package ordered keeps values in order where neither a heap (no way to look
// past the head) nor a sorted slice (moves everything behind an insertion)
// will do.
//
// # What it owns
//
// [List]: a sorted sequence cut into short chunks. Insert, delete and look-up
// cost a binary search and the move of at most one chunk, whatever the length.
//
// # What it does not own
//
// The order: that is the comparison function's. It must be total, and must not
// change for a value while the value is in a list.
//
// # The rule
//
// Deterministic: the same inserts and deletes in any order give the same
// sequence. No randomness, no hashing, no map.
//
// # Concurrency
//
// None of its own: one writer, or many readers.
package ordered
