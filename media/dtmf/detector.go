package dtmf

import "math"

// The detector listens in blocks of 10 ms and looks closely at 30 ms whose
// three blocks sound like the same key: a tone of 40 ms has three whole blocks
// wherever it begins.
const (
	blockSize  = 80
	windowSize = 3 * blockSize
	rate       = 8000

	minTone    = 3 // blocks until a key is heard
	minPause   = 3 // blocks without it until it is over: 40 ms of pause have three
	toneMillis = 30
)

// Limits. Levels are mean squares of samples, shares are of power.
const (
	silence   = 1.7e4 // -42 dBm0: nothing in such a block is worth a look
	quietest  = 8.6e4 // -35 dBm0: of one tone; -27 is surely heard
	gateShare = 0.4   // of a block, in the two strongest tones
	pureShare = 0.85  // of the window, in the two tones: 7.5 dB above all the rest
	maxTwist  = 8.9   // 9.5 dB: the low tone is louder; 8 dB is surely heard
	maxLift   = 3.6   // 5.5 dB: the high tone is louder; 4 dB is surely heard
	harmonic  = 0.02  // -17 dB: second harmonic of a tone, of the tone
	offTune   = 0.026 // between 1.5 % and 3.5 %
	edgeShare = 0.2   // of the mean: both ends of the window are in the tone
	edge      = 20    // samples: 2.5 ms

	octaveFrom, octaveTo = 1.985, 2.045 // 1.5 % off either way come as near as 1.976 and 2.056

	resolution = 90.0 // Hz: closer tones aren't told from each other
)

const toneKeys = "123A456B789C*0#D" // low tone by high tone

// tones are the low and the high group in Hz.
func tones() [8]float64 { return [8]float64{697, 770, 852, 941, 1209, 1336, 1477, 1633} }

// Detector hears keys as tones in the sound (ITU-T Q.23, Q.24). It is made by
// NewDetector.
type Detector struct {
	factor [8]float64 // 2 cos(2πf/rate)

	window [windowSize]int16 // the last blocks, the newest at the end
	filled int               // of the newest

	candidate int // key in toneKeys that the last blocks sounded like; -1 none
	run       int // how many of them
	current   int // key that was told and isn't over; -1 none
	missed    int // blocks in a row that don't sound like it
}

// NewDetector returns a detector that has heard nothing.
func NewDetector() *Detector {
	d := &Detector{candidate: -1, current: -1}
	for i, hz := range tones() {
		d.factor[i] = 2 * math.Cos(2*math.Pi*hz/rate)
	}
	return d
}

// Feed listens to samples, of any number, and calls heard for each key once it
// has sounded for 30 ms.
func (d *Detector) Feed(samples []int16, heard func(key rune)) {
	for len(samples) > 0 {
		n := copy(d.window[windowSize-blockSize+d.filled:], samples)
		samples = samples[n:]
		if d.filled += n; d.filled == blockSize {
			if key, ok := d.block(); ok {
				heard(key)
			}
			copy(d.window[:], d.window[blockSize:])
			d.filled = 0
		}
	}
}

// Skip says that so many samples of silence were not sent.
func (d *Detector) Skip(samples int) {
	var idle [blockSize]int16
	for n := min(samples, 2*windowSize); n > 0; n -= blockSize {
		d.Feed(idle[:min(n, blockSize)], func(rune) {})
	}
}

// Sounding reports whether a key that was told isn't over.
func (d *Detector) Sounding() bool { return d.current >= 0 }

// block judges the newest block, and the window if it is worth it.
func (d *Detector) block() (rune, bool) {
	key := d.resembles(d.window[windowSize-blockSize:])
	switch {
	case key < 0:
		d.candidate, d.run = -1, 0
	case key == d.candidate:
		d.run++
	default:
		d.candidate, d.run = key, 1
	}
	if d.current >= 0 {
		if key == d.current {
			d.missed = 0
			return 0, false
		}
		if d.missed++; d.missed >= minPause {
			d.current = -1
		}
	}
	if d.run < minTone || !d.pure(d.candidate) {
		return 0, false
	}
	d.current, d.missed = d.candidate, 0
	return rune(toneKeys[d.current]), true
}

// resembles returns the key whose tones make up enough of a block, or -1. It
// is the part that runs all the time.
func (d *Detector) resembles(block []int16) int {
	total := 0.0
	for _, v := range block {
		total += float64(v) * float64(v)
	}
	if total < silence*blockSize {
		return -1
	}
	var s1, s2 [8]float64
	f := &d.factor
	for _, v := range block {
		x := float64(v)
		for i := range s1 {
			s1[i], s2[i] = x+f[i]*s1[i]-s2[i], s1[i]
		}
	}
	low, high := 0, 4
	var power [8]float64
	for i := range power {
		power[i] = s1[i]*s1[i] + s2[i]*s2[i] - f[i]*s1[i]*s2[i]
		switch {
		case i < 4 && power[i] > power[low]:
			low = i
		case i > 4 && power[i] > power[high]:
			high = i
		}
	}
	// A pure tone of mean square p gives p·n²/2, and n·p to the total.
	if (power[low]+power[high])*2/blockSize < gateShare*total {
		return -1
	}
	return low*4 + high - 4
}

// pure looks closely at the window: two tones of the right frequencies and
// levels, and hardly anything else, from one end to the other.
func (d *Detector) pure(key int) bool {
	var shaped [windowSize]float64
	weights, total := shape(&d.window, &shaped)
	f := tones()
	low, ok := tune(&shaped, f[key/4])
	if !ok {
		return false
	}
	high, ok := tune(&shaped, f[4+key%4])
	if !ok {
		return false
	}
	// From the power of the shaped window to the mean square of the tone.
	scale := 2 / (weights * weights)
	p1, p2 := low.power*scale, high.power*scale
	if p1 < quietest || p2 < quietest || p1 > maxTwist*p2 || p2 > maxLift*p1 {
		return false
	}
	if p1+p2 < pureShare*total {
		return false
	}
	// A voice and its octave: no key in tune has that ratio.
	if ratio := high.hz / low.hz; ratio > octaveFrom && ratio < octaveTo {
		return false
	}
	// An octave of a low tone may lie beside the high tone, and couldn't be told
	// from it.
	apart := math.Abs(2*low.hz-high.hz) > resolution
	if apart && goertzel(shaped[:], 2*low.hz)*scale > harmonic*p1 || goertzel(shaped[:], 2*high.hz)*scale > harmonic*p2 {
		return false
	}
	mean := meanSquare(d.window[:])
	return meanSquare(d.window[:edge]) > edgeShare*mean && meanSquare(d.window[windowSize-edge:]) > edgeShare*mean
}

// shape puts a Hann window over the samples, so that the tones don't leak into
// each other, and returns the sum of its weights and the mean square under it.
func shape(window *[windowSize]int16, shaped *[windowSize]float64) (weights, total float64) {
	squares := 0.0
	// cos(2π(i+½)/n) by recurrence.
	step := 2 * math.Cos(2*math.Pi/windowSize)
	now := math.Cos(math.Pi / windowSize)
	before := now
	for i, v := range window {
		w := 0.5 - 0.5*now
		now, before = step*now-before, now
		shaped[i] = w * float64(v)
		weights += w
		squares += w * w
		total += shaped[i] * shaped[i]
	}
	return weights, total / squares
}

// peak is a tone as it really is.
type peak struct{ hz, power float64 }

// tune finds the tone near a frequency; false if it is out of tune.
func tune(shaped *[windowSize]float64, hz float64) (peak, bool) {
	const grid = 3 // steps of 1.2 % to each side
	var power [2*grid + 1]float64
	best := 0
	for i := range power {
		power[i] = goertzel(shaped[:], hz*(1+0.012*float64(i-grid)))
		if power[i] > power[best] {
			best = i
		}
	}
	if best == 0 || best == 2*grid {
		return peak{}, false
	}
	// The top of a parabola through the logarithms of three points.
	a, b, c := math.Log(power[best-1]), math.Log(power[best]), math.Log(power[best+1])
	off := 0.012 * (float64(best-grid) + 0.5*(a-c)/(a-2*b+c))
	if off > offTune || off < -offTune {
		return peak{}, false
	}
	p := peak{hz: hz * (1 + off)}
	p.power = goertzel(shaped[:], p.hz)
	return p, true
}

// goertzel returns the power of one frequency.
func goertzel(samples []float64, hz float64) float64 {
	factor := 2 * math.Cos(2*math.Pi*hz/rate)
	var s1, s2 float64
	for _, v := range samples {
		s1, s2 = v+factor*s1-s2, s1
	}
	return s1*s1 + s2*s2 - factor*s1*s2
}

func meanSquare(samples []int16) float64 {
	sum := 0.0
	for _, v := range samples {
		sum += float64(v) * float64(v)
	}
	return sum / float64(len(samples))
}
