package rtp

import "time"

// Limits of RFC 3550 appendix A.1: a sequence number further ahead or behind
// is no loss or reordering but, if the next one confirms it, a new beginning.
const (
	maxDropout  = 3000
	maxMisorder = 100
)

// Reception counts one incoming stream. A new SSRC or a sequence that begins
// anew starts a new count; the totals go on.
type Reception struct {
	started bool
	ssrc    uint32
	base    uint32 // extended sequence number of the first packet
	highest uint32 // extended sequence number
	bad     uint32 // sequence number that would confirm a new beginning
	got     uint64 // packets since base

	transit  int64 // arrival minus timestamp of the previous audio packet, in timestamp units
	timed    bool
	jitter   int64 // RFC 3550 A.8, scaled by 16
	last     time.Duration
	arrived  bool
	late     uint64
	gap      time.Duration
	received uint64 // all packets
	expected uint64 // of finished counts

	reportedExpected, reportedGot uint64 // at the previous Interval
}

// Packet counts a packet that arrived at the given time. Packets whose
// timestamp does not follow the audio (events) are not timed. It reports
// false for a packet far out of sequence, which nothing should be done with.
func (r *Reception) Packet(h Header, at time.Duration, audio bool) bool {
	r.received++
	if r.arrived {
		r.gap = max(r.gap, at-r.last)
	}
	r.arrived, r.last = true, at
	if !r.started || h.SSRC != r.ssrc {
		r.restart(h)
	} else if !r.sequence(h) {
		return false
	}
	r.got++
	if audio {
		r.time(h, at)
	}
	return true
}

func (r *Reception) restart(h Header) {
	if r.started {
		r.expected += r.current()
		// The interval of the next report begins with the new count.
		r.reportedExpected, r.reportedGot = 0, 0
	}
	r.started, r.timed = true, false
	r.ssrc, r.base, r.highest, r.got = h.SSRC, uint32(h.Sequence), uint32(h.Sequence), 0
	r.bad = 1 << 16 // matches no sequence number
}

func (r *Reception) sequence(h Header) bool {
	delta := h.Sequence - uint16(r.highest)
	switch {
	case delta < maxDropout:
		r.highest += uint32(delta)
	case delta > 1<<16-1-maxMisorder: // overtaken, or one of before there twice
		r.late++
	case uint32(h.Sequence) == r.bad:
		r.restart(h)
	default:
		r.bad = uint32(h.Sequence + 1)
		return false
	}
	return true
}

func (r *Reception) time(h Header, at time.Duration) {
	arrival := int64(at) / 125_000 // 8 kHz units
	transit := int64(int32(uint32(arrival) - h.Timestamp))
	if r.timed {
		d := int64(int32(uint32(transit) - uint32(r.transit)))
		d = max(d, -d)
		// Longer than a second is a jump of the sender's clock, not jitter.
		if d < 8000 {
			r.jitter += d - (r.jitter+8)>>4
		}
	}
	r.timed, r.transit = true, transit
}

// Pause says that the stream may stop now (hold): the silence that follows is
// no gap.
func (r *Reception) Pause() { r.arrived, r.timed = false, false }

// Started reports whether a packet was ever counted.
func (r *Reception) Started() bool { return r.started }

// SSRC returns the source of the current count.
func (r *Reception) SSRC() uint32 { return r.ssrc }

// Highest returns the extended highest sequence number.
func (r *Reception) Highest() uint32 { return r.highest }

// current returns how many packets the current count should have.
func (r *Reception) current() uint64 {
	if !r.started {
		return 0
	}
	return uint64(r.highest-r.base) + 1
}

// Late returns how many packets came after a later one.
func (r *Reception) Late() uint64 { return r.late }

// Received returns all packets that arrived.
func (r *Reception) Received() uint64 { return r.received }

// Lost returns expected minus received over the whole life, never below 0:
// duplicates must not hide behind each other.
func (r *Reception) Lost() uint64 {
	expected := r.expected + r.current()
	if r.received >= expected {
		return 0
	}
	return expected - r.received
}

// Jitter returns the interarrival jitter in timestamp units.
func (r *Reception) Jitter() uint32 { return uint32(r.jitter >> 4) }

// Gap returns the longest time between two packets.
func (r *Reception) Gap() time.Duration { return r.gap }

// Interval returns what a receiver report says (RFC 3550 A.3): the fraction
// lost since the previous report and the cumulative number lost.
func (r *Reception) Interval() (fraction uint8, lost int32) {
	expected, got := r.current(), r.got
	newExpected := int64(expected - r.reportedExpected)
	newLost := newExpected - int64(got-r.reportedGot)
	r.reportedExpected, r.reportedGot = expected, got
	if newExpected > 0 && newLost > 0 {
		fraction = uint8(min(newLost<<8/newExpected, 255))
	}
	total := int64(expected) - int64(got)
	return fraction, int32(max(min(total, 1<<23-1), -1<<23))
}
