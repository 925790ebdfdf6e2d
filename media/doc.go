// Package media moves the sound of calls: RTP in and out, prompts, music,
// bridges, keys.
//
// # What it owns
//
// The ports of a node, the legs of its calls (one RTP and one RTCP socket
// each), what is sent on them and when, who may send to them, and the
// statistics of both directions, and recordings of what a peer says. Its rooms:
// g711 and g722 (codecs), srtp, handshake and ice (who may know what is said,
// and where he is), wav (files), prompt (clips and their library), record (files
// that grow), tone (make and hear tones), dtmf (keys), rtp and rtcp (packets),
// mix (sums, and sound out of packets that come irregularly).
//
// # What it does not own
//
// SIP and SDP: addresses, payload types and directions come in with
// [Leg.Configure]. Which prompt is played and what a key means is the
// caller's business; the package tells by [Event].
//
// # The rule
//
// A bridge never paces: it forwards a packet when it comes, with the sender's
// spacing of sequence numbers and timestamps, so that loss and silence stay
// visible. What we send ourselves goes by one clock per worker. Everything
// that leaves a leg is one stream: one SSRC, sequence numbers without a gap of
// ours, timestamps that follow real time.
//
// A [Mix] must pace, since it makes one sound of several: what its legs hear
// goes by the clock of one worker, what they say waits for it as briefly as
// their networks allow. Two who talk alone are bridged instead.
//
// Opus is carried and never made: a leg that speaks it is heard by nobody but a
// leg that speaks it too, until Configure names another codec.
//
// # Who may send
//
// What a leg with [Security] takes must be authentic, whoever sends it; a peer
// that is found by ICE is where its checks come from. Otherwise:
//
// The remote address of Configure is the only source, with one exception for
// peers behind a NAT or with a second port. A source is eligible if its IP is
// that of the remote address or that of the signalling.
//
//  1. Until the remote address itself has been heard, the first valid RTP
//     packet from an eligible source on any port latches that source.
//  2. Within 200 ms of that packet, and later once the latched source has been
//     silent for 200 ms, a packet from the remote address itself takes over.
//  3. The remote address, once heard and accepted, is final. Nothing else is
//     latched until Configure names another remote address or another signalling
//     address.
//
// Everything else is a stranger: dropped, counted, and of no other
// consequence. We send to the remote address, and to the latched source
// instead if its IP differs (then a NAT lies between). RTCP is accepted from
// the same IPs, on any port.
//
// # Recording
//
// A recording is what the peer sent, placed by its timestamps: what is missing
// is silence. The worker fills chunks of half a second; a goroutine of the
// recording takes them to the disk. A disk that lags behind by eight seconds,
// is full or away costs the recording, never the call.
//
// A [Tape] is a recording of two legs on two channels. Each worker puts its
// leg's packets into one ring, where the common clock and their timestamps say;
// the same rules hold for its disk. The ring's lock is held to copy one packet,
// or half a second of sound, and never by signalling.
//
// # Silence
//
// A leg that should hear its peer and gets no packet for Config.Stall tells of it
// ([Stalled]); whether that means anything is the owner's business.
//
// # Concurrency
//
// A worker is one goroutine with an epoll set and a timer wheel; it owns its legs.
// With Config.Reserve it has a processor of Go's scheduler for itself and keeps it
// as long as packets come: nobody else's work delays them, and nobody looks for
// work whenever it waits for the next one. The exported methods hand it commands
// through a lock-free list and do not wait (Quality does). Commands given by one
// goroutine to one leg are carried out in order. Workers share nothing but the
// outgoing side of a leg and, in a mix, what it said last; their locks are held
// for one packet and never by signalling. The path of a packet allocates nothing.
// Events are delivered on the worker: the function given to Open must not block. A
// panic there, or over a packet, ends the leg with [Failed], not the process.
// [Recorded] may come after Close.
//
// Sockets are read with epoll, so the package is for Linux.
package media
