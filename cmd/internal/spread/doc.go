// Package spread brings the sounds of service documents to every node of a
// cluster.
//
// # What it owns
//
// Which node is asked for which sound, and what nodes ask each other for it:
// a sound by its SHA-256, and "have these", which lets a node get from the one
// that asks what it lacks.
//
// # What it does not own
//
// The library that sounds are kept in (media/prompt), the connections between
// nodes (cluster), and which sounds documents name (call/service).
//
// # The rule
//
// Sounds never touch the log. Who publishes has them first, then offers them to
// the others, then publishes; who was away gets them when it takes up the
// documents. A sound is what its name says, or it is not kept.
//
// # Concurrency
//
// All methods may be called by any goroutine.
package spread
