package master

import (
	"math"
	"time"
)

// Figures are what can be measured of a sound at 8 kHz.
type Figures struct {
	Length  time.Duration
	Peak    float64 // dB of full scale
	Level   float64 // of the speech in it, dB of full scale
	Clipped int     // places where it was cut off at the loudest sample there is
}

// Silence is the peak below which nobody hears anything, in dB of full scale.
const Silence = -50.0

// Silent tells that there is nothing to hear.
func (f Figures) Silent() bool { return f.Peak < Silence }

// full is what both codecs decode their loudest code to, at least.
const full = 32124

// Measure looks at samples.
func Measure(samples []int16) Figures {
	s := make([]float64, len(samples))
	f := Figures{Length: time.Duration(len(samples)) * time.Second / Rate}
	peak, run := 0.0, 0
	for i, v := range samples {
		s[i] = float64(v) / (1 << 15)
		peak = max(peak, math.Abs(s[i]))
		if v < full && v > -full {
			run = 0
			continue
		}
		if run++; run == 3 { // one or two may be a true peak
			f.Clipped++
		}
	}
	f.Peak, f.Level = decibels(peak), decibels(speechLevel(s))
	return f
}

func decibels(v float64) float64 { return 20 * math.Log10(max(v, 1e-5)) }
