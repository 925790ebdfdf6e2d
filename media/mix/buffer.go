package mix

import "math"

const (
	ring     = 1 << 13        // samples that a buffer holds: a second
	absent   = math.MinInt16  // what no codec of a telephone decodes to
	jump     = 4000           // a timestamp that is further off real time is a new beginning
	pause    = 480            // samples without a packet after which nobody hears where sound goes on
	tolerate = 3 * bucket / 2 // how much longer than need be a sound may wait
	slack    = bucket         // how much shorter
	calm     = 5              // frames between two stretches
)

// Packet is sound as it came, decoded.
type Packet struct {
	SSRC      uint32
	Timestamp uint32
	Samples   []int16
}

// Counts are what a buffer has seen since it was made.
type Counts struct {
	Late      uint64 // packets that came after their time, or twice
	Concealed uint64 // samples made in place of missing ones, pauses apart
	Stretched uint64 // samples taken out or put in to wait shorter or longer
	Restarts  uint64 // streams and jumps of their time
}

// Buffer holds what came of one stream until it is played. The zero value is
// ready.
//
// A position is a timestamp without its wrapping round. The sample at position
// p is to be played at p + transit of the fastest packets lately + depth.
type Buffer struct {
	started bool
	playing bool
	ssrc    uint32
	last    uint32 // timestamp of the newest packet …
	newest  int64  // … and its position
	end     int64  // position after the last sample that came
	play    int64  // position of the next sample to be played
	starved int64  // samples made since there was nothing to play
	calm    int    // frames since the last stretch
	delays  delays
	voice   voice
	counts  Counts
	sound   [ring]int16 // by position
	segment [Frame + longest]int16
}

// Put takes a packet that came at a time.
func (b *Buffer) Put(p Packet, now int64) {
	at := b.newest + int64(int32(p.Timestamp-b.last))
	off := at - (now - b.delays.base())
	if !b.started || p.SSRC != b.ssrc || off > jump || off < -jump {
		b.begin(p)
		at = b.newest
	}
	b.delays.observe(now-at, now)
	if at > b.newest {
		b.newest, b.last = at, p.Timestamp
	}
	if b.playing && at+int64(len(p.Samples)) <= b.play {
		b.counts.Late++
		return
	}
	b.put(at, p.Samples)
}

// begin starts a stream; what is left of the one before is forgotten.
func (b *Buffer) begin(p Packet) {
	b.forget(b.play, b.play+ring)
	if b.started {
		b.counts.Restarts++
	}
	b.started, b.playing, b.ssrc, b.last = true, false, p.SSRC, p.Timestamp
	b.newest, b.end, b.play = ring, ring, 0
	b.delays.restart()
}

func (b *Buffer) put(at int64, samples []int16) {
	from := at
	if b.playing {
		from = b.play
	}
	twice := 0
	for i, x := range samples {
		n := at + int64(i)
		if n < from || n >= from+ring {
			continue
		}
		place := &b.sound[n%ring]
		if *place != absent {
			twice++
			continue
		}
		*place = max(x, absent+1)
	}
	if twice == len(samples) {
		b.counts.Late++
	}
	b.end = max(b.end, at+int64(len(samples)))
}

// forget empties places.
func (b *Buffer) forget(from, to int64) {
	for n := from; n < min(to, from+ring); n++ {
		b.sound[n%ring] = absent
	}
}

// Noise takes the level of a pause, in dB below the loudest (RFC 3389).
func (b *Buffer) Noise(level uint8) { b.voice.noise.set(level) }

// Take writes the frame that is due at a time; false: there is nothing to hear.
func (b *Buffer) Take(out *[Frame]int16, now int64) (audible bool) {
	if !b.started {
		return false
	}
	if !b.playing {
		b.playing, b.play = true, max(b.want(now), 0)
		b.forget(ring-jump, b.play)
	}
	switch {
	case b.play >= b.end:
		b.starved += Frame
		audible = b.conceal(out[:])
	default:
		b.resume(now)
		audible = b.next(out, b.want(now)-b.play)
	}
	return audible
}

// want is what should be played at a time.
func (b *Buffer) want(now int64) int64 { return now - b.delays.base() - b.delays.depth() }

// Counts returns what the buffer has seen.
func (b *Buffer) Counts() Counts { return b.counts }

// Depth returns how long the fastest packets wait, in samples.
func (b *Buffer) Depth() int { return int(b.delays.depth()) }

// resume goes on after there was nothing to play. If sound was late, nothing of
// it is lost; if it was lost or there was none, time has gone on.
func (b *Buffer) resume(now int64) {
	if b.starved == 0 {
		return
	}
	first := b.play
	for first < b.end && b.sound[first%ring] == absent {
		first++
	}
	if b.starved > pause {
		b.play = max(min(b.want(now), first), 0)
	} else {
		b.play += min(b.starved, first-b.play)
	}
	b.starved = 0
}

// next plays the next frame, a little faster or slower if what waits is behind
// by err samples or, below 0, ahead.
func (b *Buffer) next(out *[Frame]int16, err int64) (audible bool) {
	b.calm++
	switch {
	case err > jump:
		b.skip(min(err, b.end-b.play))
	case (err > tolerate || err < -slack) && b.stretch(out, err):
		return true
	}
	there := int(min(b.end-b.play, Frame))
	for i := 0; i < there; {
		n, came := b.run(i, there)
		if came {
			for j := range n {
				out[i+j] = b.sound[(b.play+int64(i+j))%ring]
			}
			b.voice.merge(out[i : i+n])
			audible = true
		} else {
			audible = b.conceal(out[i:i+n]) || audible
		}
		i += n
	}
	if there < Frame { // the rest may still come
		b.starved = int64(Frame - there)
		audible = b.conceal(out[there:]) || audible
	}
	b.skip(int64(there))
	return audible
}

// conceal makes what is missing.
func (b *Buffer) conceal(out []int16) (audible bool) {
	if b.voice.made < pause {
		b.counts.Concealed += uint64(len(out))
	}
	return b.voice.conceal(out)
}

// run returns how many samples from the i-th to the end are there, or are not.
func (b *Buffer) run(i, end int) (n int, came bool) {
	came = b.sound[(b.play+int64(i))%ring] != absent
	for n = 1; i+n < end; n++ {
		if (b.sound[(b.play+int64(i+n))%ring] != absent) != came {
			break
		}
	}
	return n, came
}

func (b *Buffer) skip(n int64) {
	b.forget(b.play, b.play+n)
	b.play += n
}

// stretch plays a frame that takes out or puts in a period of the sound, where
// that can be done unheard; false: it can't now.
func (b *Buffer) stretch(out *[Frame]int16, err int64) bool {
	need := Frame
	if err > 0 {
		need += longest
	}
	if b.calm < calm || b.voice.made > 0 {
		return false
	}
	for i := range need {
		if b.segment[i] = b.sound[(b.play+int64(i))%ring]; b.segment[i] == absent {
			return false
		}
	}
	far := err > 4*tolerate || err < -4*slack
	var n int
	if err > 0 {
		n = b.voice.shorten(out, &b.segment, far)
	} else {
		n = b.voice.lengthen(out, &b.segment, far)
	}
	if n == 0 {
		return false
	}
	b.calm = 0
	b.counts.Stretched += uint64(max(n, -n))
	b.skip(int64(Frame + n))
	return true
}
