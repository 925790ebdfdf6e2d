package master

import (
	"math"

	"tierline/media/wav"
)

// Version is part of the key of everything that was made with this package.
const Version = "1"

// Style says what a sound is for.
type Style uint8

// Styles.
const (
	Speech   Style = iota + 1 // a prompt: a breath of silence at its ends, peak at -3 dB
	Fragment                  // a piece of a reading: no silence, every piece as loud as the others
	Music                     // its ends belong to it
)

const (
	peakLimit     = 0.7079 // -3 dB
	fragmentLevel = 0.1259 // -18 dB of full scale, the level of a fragment's speech
	humBelow      = 120.0  // Hz
	quiet         = 0.01   // of the loudest: -40 dB is the end of speech
	faint         = 0.025  // -32 dB is that of a fragment: what fades after it would part it from the next
	window5ms     = Rate / 200
)

// Make brings a recording to what is played.
func Make(w wav.Wide, style Style) []int16 {
	s := Resample(w.Samples, w.Rate)
	if style != Music {
		s = highPass(s)
	}
	switch style {
	case Speech:
		s = trim(s, quiet, Rate/20, Rate*3/20)
	case Fragment:
		s = trim(s, faint, window5ms, window5ms)
	case Music:
	}
	if style != Music {
		fade(s)
	}
	return scale(s, style)
}

// highPass takes hum and direct current away: second order, Butterworth.
func highPass(in []float64) []float64 {
	w := 2 * math.Pi * humBelow / Rate
	alpha := math.Sin(w) / math.Sqrt2
	cos := math.Cos(w)
	a0 := 1 + alpha
	b0, b1 := (1+cos)/2/a0, -(1+cos)/a0
	a1, a2 := -2*cos/a0, (1-alpha)/a0
	out := make([]float64, len(in))
	var x1, x2, y1, y2 float64
	for i, x := range in {
		y := b0*x + b1*x1 + b0*x2 - a1*y1 - a2*y2
		x1, x2, y1, y2 = x, x1, y, y1
		out[i] = y
	}
	return out
}

// trim leaves so many samples before and after what is louder than a part of
// the loudest.
func trim(s []float64, part float64, before, after int) []float64 {
	levels := make([]float64, (len(s)+window5ms-1)/window5ms)
	loudest := 0.0
	for i := range levels {
		levels[i] = rms(s[i*window5ms : min((i+1)*window5ms, len(s))])
		loudest = max(loudest, levels[i])
	}
	first, last := 0, len(levels)-1
	for first < last && levels[first] < part*loudest {
		first++
	}
	for last > first && levels[last] < part*loudest {
		last--
	}
	out := make([]float64, 0, before+(last-first+1)*window5ms+after)
	from, to := first*window5ms-before, (last+1)*window5ms+after
	for i := from; i < to; i++ {
		if i < 0 || i >= len(s) {
			out = append(out, 0)
			continue
		}
		out = append(out, s[i])
	}
	return out
}

// fade keeps the cuts from clicking.
func fade(s []float64) {
	n := min(window5ms, len(s)/2)
	for i := range n {
		f := float64(i) / float64(n)
		s[i] *= f
		s[len(s)-1-i] *= f
	}
}

func scale(s []float64, style Style) []int16 {
	peak := 0.0
	for _, v := range s {
		peak = max(peak, math.Abs(v))
	}
	gain := 0.0
	if peak > 0 {
		gain = peakLimit / peak
	}
	if level := speechLevel(s); style == Fragment && level > 0 {
		gain = min(gain, fragmentLevel/level)
	}
	out := make([]int16, len(s))
	for i, v := range s {
		out[i] = int16(math.Round(v * gain * math.MaxInt16))
	}
	return out
}

func rms(s []float64) float64 {
	sum := 0.0
	for _, v := range s {
		sum += v * v
	}
	return math.Sqrt(sum / float64(max(len(s), 1)))
}

// speechLevel is the level where somebody speaks: pauses don't count.
func speechLevel(s []float64) float64 {
	const frame = Rate / 50
	var levels []float64
	loudest := 0.0
	for i := 0; i < len(s); i += frame {
		l := rms(s[i:min(i+frame, len(s))])
		levels, loudest = append(levels, l), max(loudest, l)
	}
	sum, n := 0.0, 0
	for _, l := range levels {
		if l >= loudest/10 { // within 20 dB
			sum, n = sum+l*l, n+1
		}
	}
	if n == 0 {
		return 0
	}
	return math.Sqrt(sum / float64(n))
}
