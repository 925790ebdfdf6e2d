package emodel

import "time"

// Figures of the model; the package comment has the sources.
const (
	best     = 93.2  // R without any impairment
	knee     = 177.3 // ms; a longer delay disturbs the conversation itself
	codecIe  = 0.0
	codecBpl = 25.1
	burst    = 1.0
)

// Buffer is what a telephone waits before it plays a packet: twice the jitter,
// and never less than shortest.
func Buffer(jitter time.Duration) time.Duration {
	const shortest = 40 * time.Millisecond
	return max(2*jitter, shortest)
}

// R returns the rating factor, 0 to 93.2, for a share of packets lost (0 to 1)
// and the delay from mouth to ear.
func R(loss float64, delay time.Duration) float64 {
	percent := 100 * min(max(loss, 0), 1)
	ms := float64(max(delay, 0)) / float64(time.Millisecond)
	delayed := 0.024 * ms
	if ms > knee {
		delayed += 0.11 * (ms - knee)
	}
	equipment := codecIe + (95-codecIe)*percent/(percent/burst+codecBpl)
	return min(max(best-delayed-equipment, 0), best)
}

// MOS returns the mean opinion score of a rating factor, 1 (bad) to 4.4 (as good
// as a telephone gets).
func MOS(r float64) float64 {
	if r <= 0 {
		return 1
	}
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}

// Stream is what is known of one direction of a leg.
type Stream struct {
	Expected  uint64 // packets
	Lost      uint64
	Jitter    time.Duration
	RoundTrip time.Duration // 0: nobody told
	Packet    time.Duration // sound in one packet
}

// Score returns the stream's MOS in hundredths, or 0 if there was no packet to
// judge.
func (s Stream) Score() int64 {
	if s.Expected == 0 {
		return 0
	}
	loss := float64(min(s.Lost, s.Expected)) / float64(s.Expected)
	return int64(100*MOS(R(loss, s.RoundTrip/2+s.Packet+Buffer(s.Jitter))) + 0.5)
}
