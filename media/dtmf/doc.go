// Package dtmf receives and sends telephone keys as RTP events (RFC 4733).
//
// # What it owns
//
// Which packets are one key press, whatever order, number or loss they come
// in; and the packets of a key press that we send.
//
// # What it does not own
//
// Payload types and sockets (media), keys that come by SIP INFO, and what a
// key means (ivr).
//
// # The rule
//
// A press is keyed by (SSRC, RTP timestamp, code), never by marker or
// sequence number. It is delivered on the first packet of it that arrives,
// even if that is its last. It ends with the end bit or after 100 ms without
// an update; a packet that comes later still belongs to it. A press longer
// than a packet can tell goes on in a segment with a new timestamp, which is
// the same press. Replayed and late packets of old presses count for nothing.
// Codes above 15 (flash, fax tones) are no keys. More presses than a machine
// would dial (20 a second, 16 at once) are dropped.
//
// # Concurrency
//
// A Receiver belongs to the goroutine that reads the socket, a Sender to the
// one that sends.
package dtmf
