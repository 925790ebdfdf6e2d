// Package acd is the automatic call distributor: it decides which waiting
// call goes to which agent, and when.
//
// # What it owns
//
// Agents and their states, the contacts of their phones, calls from arrival to
// end, queues, offers, call-backs, wrap-up, failures of secrets that were
// tried, published generations of service documents, and every timeout among
// them.
//
// # What it does not own
//
// SIP, RTP, prompts, disks, the log. What the legs and menus of a call need to
// go on elsewhere passes through here as opaque bytes. The order of calls and
// agents is routing/rank's.
//
// # The rule
//
// [Apply] is the only writer of [State]. It is deterministic: the same state
// and the same [Entry] give the same state, facts and effects on every node,
// on every replay, forever. Therefore this package never reads a clock, draws
// a random number, computes with floating point, ranges over a map, starts a
// goroutine or does I/O (a test parses the code for it). Time comes in with
// each entry, identifiers come in with each event.
//
// [Decide] reads the state and proposes events. It runs on the leader only, so
// it may change between releases without splitting the cluster; Apply may not.
//
// Five promises hold after every entry and are tested as properties:
//   - A result that names an old offer is refused and changes nothing. Offers
//     are numbered by the log, so a number is never used twice.
//   - Nobody is left behind: reserved, alerting and wrap-up end by a timer in
//     the state, whichever process died; the timer fires on [TimePassed].
//   - A call has one key for as long as it waits, whatever offers fail.
//   - An agent who sends his caller into a line is not free before the caller
//     has his place there.
//   - A call-back ends once, by itself if need be, and rings nobody more often
//     than it may; a customer has one at a time.
//
// A refused entry changes nothing but the clock. Refusals are ordinary (the
// caller hung up first); an unknown event is not, and panics.
//
// # Concurrency
//
// None. Whoever calls Apply owns the State; cluster is that owner. Decide and
// the views only read and may run side by side under a read lock.
//
// # Words
//
// Offer: ringing one agent for one call, numbered by its log index; the number
// stays with the conversation that comes of it. RONA: an offer that rang out.
// Wrap-up: the after-call work before an agent is ready again. Log time: the
// leader's clock as written in the entries, in milliseconds. Call-back: a
// customer who waits without a leg; dormant until it is due, then one of the
// waiting calls. Attempt: an agent is there for a call-back, and the customer is
// called.
package acd
