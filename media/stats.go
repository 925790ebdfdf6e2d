package media

import (
	"sync/atomic"
	"time"
)

// Drop is a reason why a packet went no further.
type Drop uint8

// Reasons.
const (
	DropMalformed   Drop = iota // no RTP or RTCP
	DropStranger                // not from where it may come
	DropEarly                   // before Configure
	DropHeld                    // the direction is off
	DropUnwanted                // payload type not negotiated
	DropUnsequenced             // far out of sequence
	DropReplaced                // the other side hears a prompt, or cannot be sent to
	DropUnsendable              // the system refused to send it
	DropFailed                  // the leg is broken
	DropClaimed                 // the rest of a key that began before the bridge
	DropCount
)

// String returns the reason as metrics label it.
func (d Drop) String() string {
	switch d {
	case DropMalformed:
		return "malformed"
	case DropStranger:
		return "stranger"
	case DropEarly:
		return "early"
	case DropHeld:
		return "held"
	case DropUnwanted:
		return "unwanted"
	case DropUnsequenced:
		return "unsequenced"
	case DropReplaced:
		return "replaced"
	case DropUnsendable:
		return "unsendable"
	case DropFailed:
		return "failed"
	case DropClaimed:
		return "claimed"
	case DropCount:
	}
	return "unknown"
}

// LatenessBuckets is the number of bounds of the lateness histogram.
const LatenessBuckets = 8

// LatenessBounds returns the upper bounds of the buckets; one more bucket
// holds what is later than the last.
func LatenessBounds() [LatenessBuckets]time.Duration {
	const ms = time.Millisecond
	return [LatenessBuckets]time.Duration{1 * ms, 2 * ms, 5 * ms, 10 * ms, 20 * ms, 40 * ms, 100 * ms, 300 * ms}
}

// Stats are the engine's counters since its start.
type Stats struct {
	Legs       int
	Ports      int // pairs in the range
	PortsUsed  int
	PortsRest  int // closed lately
	PacketsIn  uint64
	PacketsOut uint64
	Dropped    [DropCount]uint64
	Faults     uint64 // panics survived

	// How late the frames that we pace left.
	Lateness    [LatenessBuckets + 1]uint64 // frames in each bucket, not cumulative
	LatenessSum time.Duration
	LatenessMax time.Duration
}

// counters are one worker's part of Stats. Only the worker writes them.
type counters struct {
	in, out, faults atomic.Uint64
	dropped         [DropCount]atomic.Uint64
	late            [LatenessBuckets + 1]atomic.Uint64
	lateSum         atomic.Int64
	lateMax         atomic.Int64
}

func (c *counters) drop(d Drop) { c.dropped[d].Add(1) }

func (c *counters) lateness(d time.Duration) {
	i := 0
	for _, bound := range LatenessBounds() {
		if d <= bound {
			break
		}
		i++
	}
	c.late[i].Add(1)
	c.lateSum.Add(int64(d))
	if int64(d) > c.lateMax.Load() {
		c.lateMax.Store(int64(d))
	}
}

// Stats returns the counters.
func (e *Engine) Stats() Stats {
	s := Stats{Legs: int(e.legs.Load()), Ports: e.ports.count()}
	s.PortsUsed, s.PortsRest = e.ports.used(e.clock())
	for _, w := range e.workers {
		c := &w.count
		s.PacketsIn += c.in.Load()
		s.PacketsOut += c.out.Load()
		s.Faults += c.faults.Load()
		for i := range s.Dropped {
			s.Dropped[i] += c.dropped[i].Load()
		}
		for i := range s.Lateness {
			s.Lateness[i] += c.late[i].Load()
		}
		s.LatenessSum += time.Duration(c.lateSum.Load())
		s.LatenessMax = max(s.LatenessMax, time.Duration(c.lateMax.Load()))
	}
	return s
}
