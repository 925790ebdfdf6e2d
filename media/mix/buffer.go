package mix

import "math"

const (
	ring   = 1 << 13             // samples that a buffer holds: a second
	absent = math.MinInt16       // what no codec of a telephone decodes to
	jump   = 4000                // a timestamp that is further off is a new beginning
	first  = 3 * Frame           // depth before anything is known
	_      = uint(ring - 2*jump) // what is no jump has room
)

// Packet is sound as it came, decoded.
type Packet struct {
	SSRC      uint32
	Sequence  uint16
	Timestamp uint32
	Samples   []int16
}

// Buffer holds what came of one stream until it is played. The zero value is
// ready.
type Buffer struct {
	started bool
	ssrc    uint32
	last    uint32 // timestamp of the newest packet …
	newest  int64  // … and its position
	play    int64  // position of the next sample to be played
	sound   [ring]int16
}

// Put takes a packet that came at a time, in samples.
func (b *Buffer) Put(p Packet, _ int64) {
	at := b.newest + int64(int32(p.Timestamp-b.last))
	if !b.started || p.SSRC != b.ssrc || at-b.play > jump || at-b.play < -jump {
		b.begin(p)
		at = b.newest
	}
	if at > b.newest {
		b.newest, b.last = at, p.Timestamp
	}
	for i, x := range p.Samples {
		if n := at + int64(i); n >= b.play && n < b.play+ring {
			b.sound[n%ring] = max(x, absent+1)
		}
	}
}

func (b *Buffer) begin(p Packet) {
	for i := range b.sound {
		b.sound[i] = absent
	}
	b.started, b.ssrc, b.last = true, p.SSRC, p.Timestamp
	b.newest, b.play = ring, ring-first
}

// Take writes the frame that is due; false: there is nothing to hear.
func (b *Buffer) Take(out *[Frame]int16, _ int64) (sound bool) {
	if !b.started {
		return false
	}
	for i := range out {
		at := &b.sound[(b.play+int64(i))%ring]
		out[i] = *at
		if *at == absent {
			out[i] = 0
		} else {
			sound = true
		}
		*at = absent
	}
	b.play += Frame
	return sound
}
