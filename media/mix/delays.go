package mix

import "math"

const (
	bucket  = 80         // samples: 10 ms
	buckets = 40         // longer than 400 ms nobody waits
	window  = 2 * 8000   // how long the fastest packet is remembered, at least
	whole   = 1 << 24    // all packets lately, in a histogram
	memory  = 128        // packets that count
	rare    = whole / 50 // packets that may be too late: 2 %
	initial = 2          // buckets that we believe in …
	belief  = 8          // … like in so many packets
)

// delays measures how late packets are.
type delays struct {
	known         bool
	began         int64          // the present window
	before, least int64          // transit of the fastest packets of the last window and this one
	packets       int32          // measured, memory at most
	fastest       int64          // what late counts from
	late          [buckets]int32 // share of packets later than the fastest by so many buckets
}

// restart forgets transits, which mean nothing for another stream, but not how
// much they differ.
func (d *delays) restart() { d.known = false }

// base is the transit of the fastest packets lately.
func (d *delays) base() int64 { return min(d.before, d.least) }

// observe takes the transit of a packet, in samples of two clocks that have
// nothing to do with each other.
func (d *delays) observe(transit, now int64) {
	switch {
	case !d.known:
		d.known, d.began, d.before, d.least, d.fastest = true, now, math.MaxInt64, transit, transit
	case now-d.began >= window:
		d.began, d.before, d.least = now, d.least, transit
	default:
		d.least = min(d.least, transit)
	}
	d.shift(int((d.base() - d.fastest) / bucket))
	n := max(min((transit-d.fastest)/bucket, buckets-1), 0)
	if d.packets == 0 {
		d.packets, d.late[initial] = belief, whole
	}
	d.packets = min(d.packets+1, memory)
	for i := range d.late {
		d.late[i] -= d.late[i] / d.packets
	}
	d.late[n] += whole / d.packets
}

// shift counts from a fastest packet that is so many buckets slower.
func (d *delays) shift(by int) {
	if by == 0 {
		return
	}
	d.fastest += int64(by) * bucket
	var late [buckets]int32
	for i, share := range d.late {
		late[min(max(i-by, 0), buckets-1)] += share
	}
	d.late = late
}

// depth is how long the fastest packets have to wait so that hardly any is too
// late. A frame is taken at once, so that its last sample must be there with
// its first one.
func (d *delays) depth() int64 {
	i := buckets - 1
	for sum := int32(0); i > 0; i-- {
		if sum += d.late[i]; sum > rare {
			break
		}
	}
	return int64(i+1)*bucket + Frame
}
