package tone

import (
	"math"
	"time"
)

const (
	rate      = 8000
	frameSize = 160 // samples in 20 ms
	fullScale = 3.17
)

// Make returns the sum of sine tones, each at the given level in dBm0.
func Make(d time.Duration, level float64, hz ...float64) []int16 {
	samples := make([]int16, int(d*rate/time.Second))
	amplitude := 32767 * math.Pow(10, (level-fullScale)/20)
	for i := range samples {
		sum := 0.0
		for _, f := range hz {
			sum += amplitude * math.Sin(2*math.Pi*f*float64(i)/rate)
		}
		samples[i] = int16(max(min(math.Round(sum), math.MaxInt16), math.MinInt16))
	}
	return samples
}

// Heard is what a detector heard of one frequency.
type Heard struct {
	Hz       float64
	Level    float64       // dBm0, mean over the frames that had it
	Duration time.Duration // frames that had it, together
	Longest  time.Duration // without a gap
}

// A frequency is present in a frame if it is loud enough and makes up enough
// of all the energy there.
const (
	minLevel = -40.0 // dBm0
	minShare = 0.25
)

// Detector listens for a few frequencies. They should be 100 Hz or more
// apart: a frame of 20 ms cannot tell closer ones from each other.
type Detector struct {
	hz     []float64
	power  []float64 // sums over the frames that had the frequency
	frames []int
	run    []int
	best   []int
	frame  [frameSize]int16
	filled int
}

// NewDetector returns a detector for some frequencies.
func NewDetector(hz ...float64) *Detector {
	n := len(hz)
	return &Detector{
		hz: hz, power: make([]float64, n), frames: make([]int, n), run: make([]int, n), best: make([]int, n),
	}
}

// Feed listens to samples; it may be called with pieces of any length.
func (d *Detector) Feed(samples []int16) {
	for len(samples) > 0 {
		n := copy(d.frame[d.filled:], samples)
		d.filled += n
		samples = samples[n:]
		if d.filled == frameSize {
			d.filled = 0
			d.listen()
		}
	}
}

func (d *Detector) listen() {
	total := 0.0
	for _, s := range d.frame {
		total += float64(s) * float64(s)
	}
	total /= frameSize
	for i, hz := range d.hz {
		p := goertzel(d.frame[:], hz)
		if p < minShare*total || level(p) < minLevel {
			d.run[i] = 0
			continue
		}
		d.power[i] += p
		d.frames[i]++
		d.run[i]++
		d.best[i] = max(d.best[i], d.run[i])
	}
}

// Heard reports what was heard since the beginning or the last Reset, in the
// order of NewDetector.
func (d *Detector) Heard() []Heard {
	h := make([]Heard, len(d.hz))
	for i, hz := range d.hz {
		h[i] = Heard{
			Hz:       hz,
			Level:    math.Inf(-1),
			Duration: time.Duration(d.frames[i]) * 20 * time.Millisecond,
			Longest:  time.Duration(d.best[i]) * 20 * time.Millisecond,
		}
		if d.frames[i] > 0 {
			h[i].Level = level(d.power[i] / float64(d.frames[i]))
		}
	}
	return h
}

// Loudest returns the frequency heard for the longest time, 0 if none was.
func (d *Detector) Loudest() (hz float64) {
	frames := 0
	for i, n := range d.frames {
		if n > frames {
			frames, hz = n, d.hz[i]
		}
	}
	return hz
}

// Reset forgets what was heard.
func (d *Detector) Reset() {
	clear(d.power)
	clear(d.frames)
	clear(d.run)
	clear(d.best)
	d.filled = 0
}

// goertzel returns the mean power of one frequency in a frame.
func goertzel(frame []int16, hz float64) float64 {
	coefficient := 2 * math.Cos(2*math.Pi*hz/rate)
	var s1, s2 float64
	for _, v := range frame {
		s1, s2 = float64(v)+coefficient*s1-s2, s1
	}
	n := float64(len(frame))
	return 2 * (s1*s1 + s2*s2 - coefficient*s1*s2) / (n * n)
}

// level turns mean power into dBm0.
func level(power float64) float64 {
	return 10*math.Log10(power/(32767*32767/2.0)+1e-12) + fullScale
}
