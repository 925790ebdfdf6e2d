package tone

import (
	"math"
	"testing"
	"time"

	"tierline/media/g711"
)

const ms = time.Millisecond

func TestDetectorHearsWhatIsThere(t *testing.T) {
	hz := []float64{350, 440, 600, 1000, 1500, 2500}
	for i, f := range hz {
		for _, level := range []float64{0, -10, -30} {
			d := NewDetector(hz...)
			samples := Make(500*ms, level, f)
			for j, s := range samples { // as it sounds after the network
				samples[j] = g711.DecodeU(g711.AToU(g711.EncodeA(s)))
			}
			d.Feed(samples)
			for k, h := range d.Heard() {
				want := time.Duration(0)
				if k == i {
					want = 500 * ms
				}
				if h.Duration != want || h.Longest != want || h.Hz != hz[k] || k == i && math.Abs(h.Level-level) > 0.5 {
					t.Errorf("%v Hz at %v dBm0: %+v", f, level, h)
				}
			}
			if d.Loudest() != f {
				t.Errorf("loudest is %v, not %v", d.Loudest(), f)
			}
		}
	}
}

func TestDetectorHearsNothing(t *testing.T) {
	noise := make([]int16, 8000)
	seed := uint32(1)
	for i := range noise {
		seed = seed*1664525 + 1013904223
		noise[i] = int16(seed >> 18)
	}
	for what, s := range map[string][]int16{
		"silence": make([]int16, 8000), "too soft": Make(time.Second, -50, 440), "noise": noise,
		"between": Make(time.Second, -10, 720),
	} {
		d := NewDetector(440, 1000)
		d.Feed(s)
		for _, h := range d.Heard() {
			if h.Duration > 0 {
				t.Errorf("%s: %+v", what, h)
			}
		}
		if d.Loudest() != 0 || !math.IsInf(d.Heard()[0].Level, -1) {
			t.Errorf("%s: %v", what, d.Heard())
		}
	}
}

func TestDetectorTellsGapsAndChords(t *testing.T) {
	d := NewDetector(440, 1000)
	for _, s := range [][]int16{Make(100*ms, -10, 440), make([]int16, 480), Make(200*ms, -10, 440, 1000)} {
		for len(s) > 0 { // in crooked pieces
			n := min(len(s), 77)
			d.Feed(s[:n])
			s = s[n:]
		}
	}
	h := d.Heard()
	if h[0].Duration != 300*ms || h[0].Longest != 200*ms || h[1].Duration != 200*ms {
		t.Errorf("%+v", h)
	}
	d.Reset()
	if h := d.Heard(); h[0].Duration != 0 || h[0].Longest != 0 {
		t.Errorf("%+v after Reset", h)
	}
}

func TestMake(t *testing.T) {
	if s := Make(20*ms, fullScale, 1000); len(s) != 160 || s[2] != math.MaxInt16 {
		t.Errorf("%d samples, peak %d", len(s), s[2])
	}
	// Too loud is clipped, not wrapped.
	if s := Make(20*ms, fullScale, 1000, 1000); s[2] != math.MaxInt16 || s[6] != math.MinInt16 {
		t.Errorf("clipping: %d, %d", s[2], s[6])
	}
}

func BenchmarkGoertzel(b *testing.B) {
	s := Make(20*ms, -10, 440)
	d := NewDetector(440)
	for b.Loop() {
		d.Feed(s)
	}
}
