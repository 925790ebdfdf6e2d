// Command chaos lets three nodes serve callers, does to them what happens to
// machines, and measures what the callers and agents hear of it, by the
// arrivals of RTP at a user agent of its own: the gap is the longest hole in
// what a peer of the node hears that it happened to. It prints a Markdown table
// and fails if a call was lost, doubled or overtaken, if two nodes spoke at
// once, or if something took longer than the design allows.
//
//	go run ./.ci/chaos -tierline bin/tierline [-rounds 5] [-run REGEXP] [-short] [-slack 2]
//
// It needs root, for a network and mounts of its own: cables are cut and disks
// filled there. Load and switch share the machine.
package main
