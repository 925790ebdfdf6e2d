// Package pack makes and judges the sounds of a service directory.
//
// # What it owns
//
// Which file a sound is made of: what people recorded, else a speech engine.
// The pack's own document, prompts/pack.yaml, which says where each sound
// comes from and which text it speaks. What is wrong with the sounds there are.
//
// # What it does not own
//
// Which sounds are wanted (call/service), resampling and levels
// (media/master), engines (media/speech), tables and flags
// (cmd/internal/voice).
//
// # The rule
//
// What a person recorded is never replaced by a machine's voice: the pack
// writes only over files that it made itself, which it knows by their hash.
// A file appears whole or not at all. A sound is made again only if something
// changed that changes it.
//
// # Concurrency
//
// [Build] runs several engines at once and waits for them. Two builds of one
// directory at the same time don't harm it; the later one's document stays.
package pack
