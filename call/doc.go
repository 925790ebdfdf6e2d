// Package call is where a call lives: from the INVITE of a trunk to the record
// of its end.
//
// # What it owns
//
// The actor of each call, which joins a SIP leg, its media, a menu session and
// the ACD; what a menu asks of the outside (lookups, messages, tries of a
// secret, recordings), beside the actor and bounded by the call; offering a
// call to agents' phones; calls that we make (transfers, call-backs) through
// trunks that permit them; bridging, hold and release; feature codes dialled by
// agents; admission of new calls; draining.
//
// # What it does not own
//
// SIP messages (sipua), registrations (registrar), RTP (media), what a menu
// says (ivr), how business systems are asked (ivr/backend), which agent is best
// and when a call-back is due (acd), what documents mean (service).
//
// # The rule
//
// One call is one actor with a bounded mailbox; it has a goroutine while a message
// waits there, and none in between. Everything that happens to the call, on the
// wire, in the log or in time, reaches it as a message. Post never blocks; an
// actor never waits for another actor; what takes time runs beside it and comes
// back as a message. A call that fails ends alone.
//
// Whatever is awaited, the caller hears something within 800 ms. If that goes
// wrong, a watch over each call plays music after 1.5 s, and counts it.
//
// Before a thing is heard or seen outside it stands in the log: the leg record
// before the 200, the offer before the INVITE to an agent, the answer before
// the bridge.
//
// # Concurrency
//
// [Switch] is safe for concurrent use; its mutex guards the registry only.
// Fields of a [Call] below "owned by work" belong to whoever handles its messages.
//
// # Words
//
// Far leg: one that we call outside the centre. Attempt: one try of a call-back,
// an actor without a caller's leg.
package call
