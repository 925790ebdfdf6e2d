// Package sipua is the switch's SIP user agent: legs, the
// dialog of each, and the messages they are made of.
//
// # What it owns
//
// Sockets, transactions, legs, in-dialog requests and their answers, digest
// towards a gateway that was configured, and everything a stranger's
// packet can do; over UDP, TCP, TLS and WebSockets. It does not own codecs and RTP ([tierline/call/sdp],
// [tierline/media]), who may call whom, nor whom a phone belongs to: it asks
// its [Handler].
//
// Of sipgo it takes the parser, the message model and the state machines of
// transactions. Its sockets, its transaction table and its dialog types are
// not used: its read loops can't survive a panic and remember every sender,
// its table forks a goroutine for each message and so loses their order, and
// its dialog can't be written down.
//
// # The rule
//
// What we connect to over TLS proves the SIP domain that was called (RFC 5922),
// and a connection serves nobody but those who called that domain. A phone on a
// connection that it made itself is called over that one or not at all.
//
// Whatever arrives is guilty until examined: pre-filter, parser, [Handler]'s
// Known, then the guard, before anything is allocated that outlives the
// message. A panic while handling it costs that message or that call, never
// the process. Nothing goes out whose headers hold a bare CR, LF or NUL.
//
// A [Dialog] is a plain value. Another process continues it with [UA.Resume].
//
// # Concurrency
//
// Each socket has one reader, so messages keep their order. Writing never
// blocks. A [Leg] is guarded by its mutex, which is never held while calling
// out; its events are delivered in order, one at a time, by a goroutine that
// lives only while there are some. Locks are taken in the order leg, then
// transaction table. sipgo's state machines call back with their own lock
// held, therefore those callbacks fork.
//
// A connection may be lent to another node of ours: see lend.go.
//
// # Words
//
// Leg: one side of a call, a dialog and what goes on in it. Flow: a socket
// and the address it talks to. Late offer: an INVITE without SDP; the offer
// is in the 200 and the answer in the ACK. Grave: what is left of a finished
// transaction for the time its messages may still be under way.
package sipua
