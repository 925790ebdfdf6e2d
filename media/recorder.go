package media

import (
	"math"
	"time"

	"tierline/media/g711"
	"tierline/media/rtp"
)

// next takes an empty chunk; false if the disk has them all.
func (r *recorder) next() bool {
	select {
	case r.chunk = <-r.empty:
	default:
		return false
	}
	for i := range r.chunk {
		r.chunk[i] = g711.IdleA
	}
	return true
}

// flush hands the chunk over and begins the next.
func (r *recorder) flush() bool {
	r.full <- r.chunk // has room for every chunk there is
	r.start += chunkSize
	r.end = max(r.end, r.start)
	return r.next()
}

// advance writes silence where nothing came for a while.
func (r *recorder) advance(to int64) bool {
	to = min(to, samples(r.options.Max))
	for r.start+chunkSize <= to {
		if !r.flush() {
			return false
		}
	}
	return true
}

// take puts a packet where its timestamp says.
func (r *recorder) take(h rtp.Header, payload []byte, codec Codec, now time.Duration) bool {
	at := r.place(h, len(payload), now)
	if voiced := r.ear.hears(payload, codec); voiced {
		r.heard += int64(len(payload))
		r.last = max(r.last, at+int64(len(payload)))
	}
	if behind := r.start - at; behind > 0 { // too late, or from before the beginning
		payload = payload[min(behind, int64(len(payload))):]
		at = r.start
	}
	if room := samples(r.options.Max) - at; int64(len(payload)) > room {
		payload = payload[:max(room, 0)]
	}
	for len(payload) > 0 {
		for at >= r.start+chunkSize {
			if !r.flush() {
				return false
			}
		}
		n := copy(r.chunk[at-r.start:], payload)
		if codec == PCMU {
			g711.ConvertUToA(r.chunk[at-r.start:][:n])
		}
		payload, at = payload[n:], at+int64(n)
		r.end = max(r.end, at)
	}
	return true
}

// placer says where in a recording packets belong.
type placer struct {
	began    time.Duration
	end      int64 // position behind the last sample that came
	anchored bool
	ssrc     uint32
	base     uint32 // timestamp of position 0
}

// place returns the position of a packet: by its timestamp, or by the clock
// where a stream begins or its timestamps make no sense.
func (r *placer) place(h rtp.Header, n int, now time.Duration) int64 {
	live := samples(now-r.began) - int64(n)
	if r.anchored && h.SSRC == r.ssrc {
		// The timestamp tells the position up to a multiple of 2³²: the one
		// near the clock is meant.
		at := live + int64(int32(h.Timestamp-r.base-uint32(live)))
		if off := at - live; off < leap && off > -leap {
			return at
		}
	}
	at := max(live, 0)
	if r.anchored {
		at = max(at, r.end)
	}
	r.anchored, r.ssrc, r.base = true, h.SSRC, h.Timestamp-uint32(at)
	return at
}

// voiceEar tells a voice from the noise of a line, which it learns.
type voiceEar struct {
	floor, least, quiet float64 // mean squares
}

// Levels in dBm0, and the rise of the floor in dB a second: within half a
// minute a steady noise, a tone of an exchange too, is no voice any more.
const (
	floorLevel  = -55.0
	quietLevel  = -45.0
	aboveFloor  = 10.0 // times
	floorRise   = 1.5
	squareLevel = 3.17 // of a sine of full scale
)

func meanSquare(level float64) float64 {
	return math.MaxInt16 * math.MaxInt16 / 2 * math.Pow(10, (level-squareLevel)/10)
}

func newVoiceEar() voiceEar {
	least := meanSquare(floorLevel)
	return voiceEar{floor: least, least: least, quiet: meanSquare(quietLevel)}
}

// hears reports whether there is a voice in a packet.
func (e *voiceEar) hears(payload []byte, codec Codec) bool {
	if len(payload) == 0 {
		return false
	}
	sum := int64(0)
	for _, c := range payload {
		s := int64(decodeSample(codec, c))
		sum += s * s
	}
	p := float64(sum) / float64(len(payload))
	e.floor *= 1 + floorRise*math.Ln10/10*float64(len(payload))/8000
	e.floor = max(min(e.floor, p), e.least)
	return p > e.quiet && p > aboveFloor*e.floor
}

func decodeSample(c Codec, b byte) int16 {
	if c == PCMA {
		return g711.DecodeA(b)
	}
	return g711.DecodeU(b)
}
