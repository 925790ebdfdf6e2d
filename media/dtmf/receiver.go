package dtmf

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"tierline/media/rtp"
)

// PayloadSize is the size of one event (RFC 4733 §2.3).
const PayloadSize = 4

const (
	updateTimeout = 100 * time.Millisecond // without an update a press is over
	burst         = 16                     // presses at once
	refill        = 50 * time.Millisecond  // one more press each
	memory        = 16                     // presses whose packets are still recognised
	replayPackets = 3000                   // sequence numbers up to this far back are old packets
)

const keys = "0123456789*#ABCD"

// Key returns the key of an event code; false for events that are no keys.
func Key(code uint8) (rune, bool) {
	if int(code) >= len(keys) {
		return 0, false
	}
	return rune(keys[code]), true
}

// Code is the inverse of Key.
func Code(key rune) (uint8, bool) {
	i := strings.IndexRune(keys, key)
	return uint8(i), i >= 0
}

// Press is a key that was heard.
type Press struct {
	Key      rune
	Duration time.Duration // so far, as its first packet said
}

type press struct {
	ssrc, timestamp uint32
	code            uint8
}

// Receiver turns event packets into presses.
type Receiver struct {
	recent [memory]press
	taken  uint16 // bits of those in recent that were claimed
	filled int    // how many of recent are set
	next   int    // where the next is put

	current  press // the newest; valid if filled > 0
	sequence uint16
	duration uint16
	ended    bool
	updated  time.Duration

	spent   int // of burst
	counted time.Duration
}

// Packet takes one event packet and returns the press that begins with it.
func (r *Receiver) Packet(h rtp.Header, payload []byte, at time.Duration) (Press, bool) {
	if len(payload) < PayloadSize {
		return Press{}, false
	}
	key, ok := Key(payload[0])
	if !ok {
		return Press{}, false
	}
	p := press{ssrc: h.SSRC, timestamp: h.Timestamp, code: payload[0]}
	end, duration := payload[1]&0x80 != 0, binary.BigEndian.Uint16(payload[2:])
	if r.filled > 0 && p == r.current {
		r.update(h, end, duration, at)
		return Press{}, false
	}
	if r.old(p, h.Sequence) {
		return Press{}, false
	}
	continued := r.continues(p, at)
	r.begin(p, h, end, duration, at)
	if continued && r.claimed(r.next-2) {
		r.taken |= 1 << ((r.next + memory - 1) % memory)
	}
	if continued || !r.allow(at) {
		return Press{}, false
	}
	return Press{Key: key, Duration: time.Duration(duration) * time.Second / 8000}, true
}

// Claim says that the presses heard so far have had their effect: what is still
// to come of them is nobody else's business.
func (r *Receiver) Claim() { r.taken = 1<<r.filled - 1 }

// Claimed reports whether an event packet, which Packet has taken, belongs to
// a press that was claimed.
func (r *Receiver) Claimed(h rtp.Header, payload []byte) bool {
	if r.taken == 0 || len(payload) < PayloadSize {
		return false
	}
	i := slices.Index(r.recent[:r.filled], press{ssrc: h.SSRC, timestamp: h.Timestamp, code: payload[0]})
	return i >= 0 && r.claimed(i)
}

// claimed is for a place in recent, counted round.
func (r *Receiver) claimed(i int) bool { return r.taken&(1<<((i+memory)%memory)) != 0 }

func (r *Receiver) update(h rtp.Header, end bool, duration uint16, at time.Duration) {
	if int16(h.Sequence-r.sequence) > 0 {
		r.sequence = h.Sequence
	}
	r.duration = max(r.duration, duration)
	r.ended = r.ended || end
	r.updated = at
}

// old reports whether a packet belongs to a press before the newest. A
// timestamp that goes back does not say so alone: some clocks begin anew.
func (r *Receiver) old(p press, sequence uint16) bool {
	if slices.Contains(r.recent[:r.filled], p) {
		return true
	}
	if r.filled == 0 || p.ssrc != r.current.ssrc {
		return false
	}
	behind := int16(r.sequence - sequence)
	return behind >= 0 && behind < replayPackets && int32(p.timestamp-r.current.timestamp) <= 0
}

// continues reports whether a press is the next segment of the current one:
// it begins exactly where a full duration field ended (RFC 4733 §2.5.1.3).
func (r *Receiver) continues(p press, at time.Duration) bool {
	return r.filled > 0 && p.ssrc == r.current.ssrc && p.code == r.current.code &&
		!r.ended && at-r.updated <= updateTimeout &&
		r.duration >= 0xff00 && p.timestamp-r.current.timestamp >= uint32(r.duration) &&
		p.timestamp-r.current.timestamp <= 0xffff+1
}

func (r *Receiver) begin(p press, h rtp.Header, end bool, duration uint16, at time.Duration) {
	r.recent[r.next] = p
	r.taken &^= 1 << r.next
	r.next = (r.next + 1) % memory
	r.filled = min(r.filled+1, memory)
	r.current, r.sequence, r.duration, r.ended, r.updated = p, h.Sequence, duration, end, at
}

// allow is a token bucket.
func (r *Receiver) allow(at time.Duration) bool {
	back := int(min((at-r.counted)/refill, burst))
	r.counted += time.Duration(back) * refill
	r.spent = max(r.spent-back, 0)
	if r.spent == 0 {
		r.counted = at
	}
	if r.spent == burst {
		return false
	}
	r.spent++
	return true
}
