// Package document reads strict YAML: service documents and flows.
//
// # What it owns
//
// Turning bytes into a tree of [Node] values that all know their line and
// column, decoding such a tree into typed structs, and collecting every
// mistake as a [Problem] instead of stopping at the first.
//
// # What it does not own
//
// What a document means. Cross references (is there such a queue?) belong to
// the packages that know both ends.
//
// # The rule
//
// Strict: unknown fields, doubled keys, keys that YAML would read as numbers,
// anchors, aliases, tags and merge keys are mistakes. A file can't make the
// reader work harder than its size allows (no expansion, bounded depth).
//
// # Concurrency
//
// None: plain functions and values. A decoded tree may be shared by readers.
package document
