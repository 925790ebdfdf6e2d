package master_test

import (
	"math"
	"testing"
	"time"

	"tierline/media/master"
	"tierline/media/wav"
)

// sine makes a tone with silence around it.
func sine(rate int, hz, amplitude float64, silence, length time.Duration) wav.Wide {
	n := func(d time.Duration) int { return int(d * time.Duration(rate) / time.Second) }
	w := wav.Wide{Rate: rate, Samples: make([]float64, n(length)+2*n(silence))}
	for i := range n(length) {
		w.Samples[n(silence)+i] = amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))
	}
	return w
}

// power returns how much of a frequency is in samples, as an amplitude.
func power(s []float64, hz float64) float64 {
	var re, im float64
	for i, v := range s {
		re += v * math.Cos(2*math.Pi*hz*float64(i)/master.Rate)
		im += v * math.Sin(2*math.Pi*hz*float64(i)/master.Rate)
	}
	return 2 * math.Hypot(re, im) / float64(len(s))
}

// A tone keeps its frequency and level, and what is above the band doesn't
// come back as an alias.
func TestResample(t *testing.T) {
	for _, rate := range []int{8000, 11025, 16000, 22050, 24000, 44100, 48000, 96000, 8001} {
		got := master.Resample(sine(rate, 1000, 0.5, 0, time.Second).Samples, rate)
		if n := len(got); n < 7999 || n > 8001 {
			t.Errorf("%d Hz: %d samples", rate, n)
		}
		if a := power(got[1000:7000], 1000); math.Abs(a-0.5) > 0.005 {
			t.Errorf("%d Hz: 1 kHz has %.4f", rate, a)
		}
		if a := power(got[1000:7000], 2000); a > 0.001 {
			t.Errorf("%d Hz: distortion of %.4f", rate, a)
		}
		if rate < 16000 {
			continue
		}
		got = master.Resample(sine(rate, 5000, 0.5, 0, time.Second).Samples, rate)
		if a := power(got[1000:7000], 3000); a > 0.0005 {
			t.Errorf("%d Hz: 5 kHz comes back at 3 kHz with %.5f", rate, a)
		}
	}
}

func TestMake(t *testing.T) {
	for _, amplitude := range []float64{0.01, 0.5, 1} {
		s := master.Make(sine(22050, 500, amplitude, time.Second, 600*time.Millisecond), master.Speech)
		f := master.Measure(s)
		if want := 800 * time.Millisecond; (f.Length - want).Abs() > 15*time.Millisecond {
			t.Errorf("%v is %v long", amplitude, f.Length)
		}
		if math.Abs(f.Peak+3) > 0.1 || f.Clipped > 0 || f.Silent() {
			t.Errorf("%v: %+v", amplitude, f)
		}
	}
	direct := sine(8000, 500, 0.1, 0, time.Second)
	for i := range direct.Samples {
		direct.Samples[i] += 0.5
	}
	sum := 0.0
	s := master.Make(direct, master.Speech)
	for _, v := range s {
		sum += float64(v)
	}
	if mean := sum / float64(len(s)); math.Abs(mean) > 200 {
		t.Errorf("direct current of %.0f is left", mean)
	}
}

// Fragments begin and end with their sound, and are as loud as each other.
func TestFragment(t *testing.T) {
	loud := sine(16000, 300, 0.9, 300*time.Millisecond, 200*time.Millisecond)
	soft := sine(16000, 900, 0.02, 300*time.Millisecond, 200*time.Millisecond)
	for _, w := range []wav.Wide{loud, soft} {
		f := master.Measure(master.Make(w, master.Fragment))
		if math.Abs(f.Level+18) > 0.8 {
			t.Errorf("level %.1f dB", f.Level)
		}
		if f.Length > 225*time.Millisecond || f.Length < 195*time.Millisecond {
			t.Errorf("%v long", f.Length)
		}
	}
}

func TestMusicKeepsItsLength(t *testing.T) {
	f := master.Measure(master.Make(sine(16000, 300, 0.9, time.Second, time.Second), master.Music))
	if f.Length != 3*time.Second {
		t.Errorf("%v", f.Length)
	}
}

func TestMeasure(t *testing.T) {
	if f := master.Measure(make([]int16, 8000)); !f.Silent() || f.Length != time.Second {
		t.Errorf("silence: %+v", f)
	}
	if f := master.Measure(nil); !f.Silent() || f.Length != 0 {
		t.Errorf("nothing: %+v", f)
	}
	clipped := make([]int16, 100)
	for i := range 10 {
		clipped[20+i], clipped[60+i] = math.MaxInt16, math.MinInt16
	}
	if f := master.Measure(clipped); f.Clipped != 2 {
		t.Errorf("clipped: %+v", f)
	}
	if s := master.Make(wav.Wide{Rate: 8000, Samples: make([]float64, 400)}, master.Speech); !master.Measure(s).Silent() {
		t.Error("silence got a sound")
	}
	if s := master.Make(wav.Wide{Rate: 44100, Samples: []float64{1}}, master.Fragment); len(s) == 0 {
		t.Error("one sample vanished")
	}
}
