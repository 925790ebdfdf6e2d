// Package cluster keeps the log that everything agrees on: a Raft node around
// the acd core.
//
// # What it owns
//
// The order of events, log time, durability, snapshots, the data directory,
// and the replay of all of it. It makes sure that an event is applied once,
// in the order its author gave, and that the facts it produced reach whoever
// follows the story.
//
// # What it does not own
//
// What an event means (acd), which event is proposed (whoever calls Propose,
// and acd.Decide), and how an effect is carried out (call).
//
// # The rule
//
// Old entries are applied again after every start, so that the state comes
// back. Their facts come again too, their effects never do: they were carried
// out, or lost, by an earlier process. Whatever was lost with that process is
// repaired by the NodeRestarted event that each later start proposes, never by
// guessing.
//
// An event that was not refused and not answered has an unknown fate: it may
// still be applied. Its author undoes it with a later event (a CallEnded after
// a CallArrived whose Propose failed), which the log keeps behind it.
//
// # Concurrency
//
// A Node is safe for all goroutines. It runs these, besides Raft's own:
//
//   - feeder: gives queued events to Raft, in order, with their time
//   - collector: takes the outcomes from Raft, in order
//   - decider: on the leader, asks acd.Decide after each change and expiry
//   - herald: on the leader, tells the others at once what is committed
//   - watch: notices changes of leadership and a disk that fails or crawls
//
// Config.Effects is called on Raft's apply goroutine with no lock held. It may
// call Post and Read; it must not block, and must not call Propose.
//
// # Words
//
// Story: the facts of one entry. Session: one process of one node, as author
// of events. Mark: how far the log is known to have got, kept outside it.
package cluster
