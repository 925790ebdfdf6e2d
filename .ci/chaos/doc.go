// Command chaos lets three nodes talk, kills one of them and measures what the
// callers and agents hear of it, by the arrivals of RTP at a user agent of its
// own: the gap is the longest hole in what a peer of the dead node receives. It
// prints a Markdown table and fails if a call was lost, doubled or overtaken.
//
//	go run ./.ci/chaos -tierline bin/tierline [-rounds 5] [-talking 20] [-waiting 20] [-mode address,reinvite]
//
// Load and switch share the machine.
package main
