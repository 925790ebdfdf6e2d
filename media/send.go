package media

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tierline/media/dtmf"
	"tierline/media/g722"
	"tierline/media/rtcp"
	"tierline/media/rtp"
	"tierline/media/srtp"

	"golang.org/x/sys/unix"
)

const (
	// continuous is how late a packet may be and still follow the one before
	// without a jump of the timestamp, in samples.
	continuous = 80
	// adrift is how far the forwarded timestamps may be off real time until
	// they are aligned anew, in samples.
	adrift = 2 * 8000
	// Window of sequence numbers in which a forwarded packet keeps its place.
	maxAhead, maxBehind, youth = 3000, 100, 1000
)

// sender is the outgoing side of a leg: one stream of RTP, whatever it is
// made of.
type sender struct {
	count *counters // the worker's of this leg; set once
	hush  *hush     // the engine's; set once
	ssrc  uint32    // set once

	heard atomic.Int64 // when the peer was, in ns; kept only while we are hushed

	mu      sync.Mutex // guards what follows; held for one packet, by workers and handshakes
	fd      int        // written under mu; read by the leg's worker
	closed  bool
	on      bool
	own     bool // the leg plays: nothing is forwarded
	to      sockaddr
	pt      uint8
	events  uint8
	codec   Codec
	encoder *g722.Encoder // if that is G.722
	step    int           // samples of a packet that we make
	seat    *seat         // whose mix the stream is made of; nil = none's
	seal    *srtp.Sealer  // nil = what leaves is plain
	locked  bool          // keys or the peer's consent are missing

	sequence  uint16        // of the last packet in order
	reference uint32        // timestamp that comes after what was sent …
	due       time.Duration // … and when
	started   bool
	packets   uint64
	octets    uint64

	// The stream that is forwarded, and how its numbers become ours.
	mapped          bool
	from            *Leg
	fromSSRC        uint32
	sequenceOffset  uint16
	timestampOffset uint32
	base, highest   uint16 // sequence numbers that came in
}

// outgoing is room for a packet that we make ourselves. The worker that sends it
// has it: a leg that is bridged makes none.
type outgoing [rtp.HeaderSize + maxPtime*8]byte

// samples turns a time into samples at 8 kHz, rounded to the nearest.
func samples(d time.Duration) int64 { return int64((d + 62_500) / 125_000) }

// duration is the inverse.
func duration(n int) time.Duration { return time.Duration(n) * 125 * time.Microsecond }

func (s *sender) configure(p Params, to netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on, s.pt, s.events, s.codec, s.step = p.Send, p.PT, p.EventPT, p.Codec, p.Ptime*8
	s.to = makeSockaddr(to)
	if s.codec == G722 && s.encoder == nil {
		s.encoder = g722.NewEncoder()
	}
}

// aim sends to another address from now on.
func (s *sender) aim(to netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = makeSockaddr(to)
}

// hold reserves the stream for what the leg plays itself, or frees it, and
// returns when the next frame continues the stream without a gap.
func (s *sender) hold(own bool) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own = own
	s.mapped = false
	return s.due
}

func (s *sender) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.from = true, nil
	return unix.Close(s.fd)
}

func (s *sender) sent() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.packets
}

// sendable reports whether anything may leave.
func (s *sender) sendable(now time.Duration) bool {
	return s.on && !s.closed && !s.locked && s.to.is.IsValid() && s.hush.spares(time.Duration(s.heard.Load()), now)
}

// follow returns the timestamp for something new at the given time, and
// whether there was silence before it.
func (s *sender) follow(at time.Duration) (timestamp uint32, silence bool) {
	if !s.started {
		return s.reference, true
	}
	late := samples(at - s.due)
	if late <= continuous {
		return s.reference, false
	}
	return s.reference + uint32(late*s.codec.rate()), true
}

// after notes that sound up to n samples after a timestamp was sent.
func (s *sender) after(timestamp uint32, n int, at time.Duration) {
	s.started, s.reference, s.due = true, timestamp+uint32(int64(n)*s.codec.rate()), at+duration(n)
}

// transmit sends a packet whose header has been written.
func (s *sender) transmit(b []byte) bool {
	wire := b
	if s.seal != nil {
		var err error
		if wire, err = s.seal.RTP(b); err != nil {
			return false
		}
	}
	if !transmit(s.fd, wire, &s.to) {
		return false
	}
	s.packets++
	s.octets += uint64(len(b) - rtp.HeaderSize)
	s.count.out.Add(1)
	return true
}

// transmitOwn does so for a packet that no other leg accounts for.
func (s *sender) transmitOwn(b []byte) {
	if !s.transmit(b) {
		s.count.drop(DropUnsendable)
	}
}

// frame sends n samples that fill puts into the room. fill is called even
// if nothing may be sent: time goes on.
func (s *sender) frame(room *outgoing, p *player, n int, at time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := room[:rtp.HeaderSize+n]
	codec := s.codec
	if codec == G722 { // clips are in G.711
		codec = PCMA
	}
	p.fill(b[rtp.HeaderSize:], codec, at)
	if !s.sendable(at) || s.codec == Opus {
		return
	}
	if s.codec == G722 {
		s.widen(b[rtp.HeaderSize:], codec)
	}
	s.packet(b, at)
}

// packet sends sound that we made, in front of which there is room for the
// header. The lock is held.
func (s *sender) packet(b []byte, at time.Duration) {
	timestamp, silence := s.follow(at)
	s.sequence++
	rtp.Header{
		Marker: silence, PayloadType: s.pt, Sequence: s.sequence, Timestamp: timestamp, SSRC: s.ssrc,
	}.Put(b)
	s.transmitOwn(b)
	s.after(timestamp, len(b)-rtp.HeaderSize, at)
}

// event sends one packet of a key press that began at the given timestamp; the
// first one fixes it.
func (s *sender) event(room *outgoing, k dtmf.Packet, began *uint32, at time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.Marker {
		*began, _ = s.follow(at)
	}
	if !s.sendable(at) || s.events == 0 {
		return
	}
	b := room[:rtp.HeaderSize+dtmf.PayloadSize]
	s.sequence++
	rtp.Header{
		Marker: k.Marker, PayloadType: s.events, Sequence: s.sequence, Timestamp: *began, SSRC: s.ssrc,
	}.Put(b)
	copy(b[rtp.HeaderSize:], k.Payload[:])
	s.transmitOwn(b)
	if k.New > 0 {
		s.after(*began+k.Duration-uint32(k.New), k.New, at)
	}
}

// passing is a packet on its way through a bridge.
type passing struct {
	from       *Leg
	header     rtp.Header
	datagram   []byte // rewritten
	begin, end int    // of the payload
	kind       kind
	codec      Codec
	at         time.Duration
}

// kind is what a packet is to a bridge.
type kind uint8

const (
	kindAudio kind = iota
	kindEvent
	kindOther   // not forwarded, but it has a sequence number
	kindClaimed // nor is the rest of a key that had its effect before the bridge
)

// ours reports whether packets of a kind end here.
func (k kind) ours() bool { return k == kindOther || k == kindClaimed }

// forwarded says what became of a packet.
type forwarded uint8

const (
	forwardDone forwarded = iota
	forwardRefused
	forwardFailed
	forwardGone
)

// forward sends another leg's packet as part of our stream, at once.
func (s *sender) forward(p *passing) forwarded {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return forwardGone
	}
	if !s.sendable(p.at) || s.own {
		s.mapped = false
		return forwardRefused
	}
	pt := s.pt
	switch {
	case p.kind.ours():
		s.omit(p)
		return forwardDone
	case p.kind == kindEvent && s.events == 0, p.kind == kindAudio && p.codec.apart(s.codec):
		s.omit(p)
		return forwardRefused
	case p.kind == kindEvent:
		pt = s.events
	}
	sequence, timestamp, marker, ok := s.place(p)
	if !ok {
		return forwardRefused
	}
	payload := p.datagram[p.begin:p.end]
	if p.kind == kindAudio && p.codec != s.codec {
		s.convert(p, payload)
	}
	// Our header is shorter than or equal to the one that came, so it goes
	// right before the payload: nothing is copied.
	b := p.datagram[p.begin-rtp.HeaderSize : p.end]
	rtp.Header{
		Marker: marker || p.header.Marker, PayloadType: pt, Sequence: sequence, Timestamp: timestamp, SSRC: s.ssrc,
	}.Put(b)
	if !s.transmit(b) {
		return forwardFailed
	}
	return forwardDone
}

// place maps the numbers of a forwarded packet to ours. It reports false for a
// packet older than what we began with.
func (s *sender) place(p *passing) (sequence uint16, timestamp uint32, marker, ok bool) {
	h := p.header
	ahead := int16(h.Sequence - s.highest)
	if !s.mapped || s.from != p.from || s.fromSSRC != h.SSRC || ahead > maxAhead || ahead < -maxBehind {
		s.align(p)
		marker, ahead = true, 1
	}
	if int16(h.Sequence-s.base) < 0 {
		return 0, 0, false, false
	}
	sequence, timestamp = h.Sequence+s.sequenceOffset, h.Timestamp+s.timestampOffset
	if ahead <= 0 {
		return sequence, timestamp, marker, true // late or twice: keeps its old place
	}
	rate := s.codec.rate()
	expected := s.reference + uint32(samples(p.at-s.due)*rate)
	if off := int64(int32(timestamp - expected)); p.kind == kindAudio && (off > adrift*rate || off < -adrift*rate) {
		s.alignTime(p)
		timestamp, marker = h.Timestamp+s.timestampOffset, true
	}
	s.highest, s.sequence = h.Sequence, sequence
	if int16(s.highest-s.base) > youth {
		s.base = s.highest - youth
	}
	s.passed(p, timestamp)
	return sequence, timestamp, marker, true
}

// passed notes how far the stream has come with a forwarded packet.
func (s *sender) passed(p *passing, timestamp uint32) {
	n := p.end - p.begin
	if p.kind == kindAudio {
		s.after(timestamp, s.codec.length(p.datagram[p.begin:p.end]), p.at)
		return
	}
	if n >= dtmf.PayloadSize {
		timestamp += uint32(binary.BigEndian.Uint16(p.datagram[p.begin+2:]))
	}
	if !s.started || timestamp != s.reference { // not the repetition of an end
		s.started, s.reference, s.due = true, timestamp, p.at
	}
}

// omit closes the gap that a packet leaves which is not forwarded: it is no
// loss.
func (s *sender) omit(p *passing) {
	ahead := int16(p.header.Sequence - s.highest)
	if s.mapped && s.from == p.from && s.fromSSRC == p.header.SSRC && ahead > 0 && ahead <= maxAhead {
		s.highest, s.base = p.header.Sequence, p.header.Sequence+1
		s.sequenceOffset--
	}
}

// align makes a new incoming stream the continuation of ours.
func (s *sender) align(p *passing) {
	s.mapped, s.from, s.fromSSRC = true, p.from, p.header.SSRC
	s.base, s.highest = p.header.Sequence, p.header.Sequence-1
	s.sequenceOffset = s.sequence + 1 - p.header.Sequence
	s.alignTime(p)
}

func (s *sender) alignTime(p *passing) {
	timestamp, _ := s.follow(p.at)
	s.timestampOffset = timestamp - p.header.Timestamp
}

// report fills in what a sender report says.
func (s *sender) report(r *rtcp.Report, at time.Duration, reported *uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.packets == *reported {
		return
	}
	*reported = s.packets
	r.Sender, r.Packets, r.Octets = true, uint32(s.packets), uint32(s.octets)
	r.RTPTime = s.reference + uint32(samples(at-s.due)*s.codec.rate())
}
