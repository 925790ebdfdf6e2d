// Package call is where a call lives: from the INVITE of a trunk to the record
// of its end.
//
// # What it owns
//
// The actor of each call, which joins a SIP leg, its media, a menu session and
// the ACD; offering a call to an agent's phone; bridging, hold and release;
// feature codes dialled by agents; admission of new calls; draining.
//
// # What it does not own
//
// SIP messages (sipua), registrations (registrar), RTP (media), what a menu
// says (ivr), which agent is best (acd), what documents mean (service).
//
// # The rule
//
// One call is one goroutine with a bounded mailbox. Everything that happens to
// the call, on the wire, in the log or in time, reaches it as a message. Post
// never blocks; an actor never waits for another actor; what takes time runs
// beside it and comes back as a message. A call that fails ends alone.
//
// Before a thing is heard or seen outside it stands in the log: the leg record
// before the 200, the offer before the INVITE to an agent, the answer before
// the bridge.
//
// # Concurrency
//
// [Switch] is safe for concurrent use; its mutex guards the registry only.
// Fields of a [Call] below "owned by run" belong to its goroutine.
package call
