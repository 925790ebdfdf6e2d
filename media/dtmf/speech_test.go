package dtmf

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tierline/media/wav"
)

// speech makes sound that is like talking: a voice with a wandering pitch
// through wandering formants, consonants, pauses. It is worse than people, for
// its vowels may stand as still as a singer's.
type speech struct {
	r                     *rand.Rand
	pitch, glide, vibrato float64
	phase, time           float64
	formant               [4]resonator
	kind                  int // 0 vowel, 1 consonant, 2 pause, 3 whistle or song
	left                  int
	level, level2         float64
	notes                 [3]float64
}

type resonator struct{ a, b, c, y1, y2 float64 }

func (f *resonator) set(hz, width float64) {
	f.c = -math.Exp(-2 * math.Pi * width / rate)
	f.b = 2 * math.Exp(-math.Pi*width/rate) * math.Cos(2*math.Pi*hz/rate)
	f.a = 1 - f.b - f.c
}

func (f *resonator) step(x float64) float64 {
	y := f.a*x + f.b*f.y1 + f.c*f.y2
	f.y1, f.y2 = y, f.y1
	return y
}

func newSpeech(seed uint64) *speech { return &speech{r: rand.New(rand.NewPCG(seed, 99)), pitch: 120} }

func (s *speech) between(a, b float64) float64 { return a + (b-a)*s.r.Float64() }

// begin chooses the next sound.
func (s *speech) begin() {
	s.level = amplitude(s.between(-28, -8))
	switch p := s.r.Float64(); {
	case p < 0.55:
		s.kind, s.left = 0, int(s.between(0.05, 0.35)*rate)
		s.pitch, s.glide = s.between(80, 330), s.between(-0.6, 0.6)*float64(s.r.IntN(3))/2
		s.vibrato = s.between(0, 6) * float64(s.r.IntN(2))
		for i, hz := range [4][2]float64{{250, 900}, {750, 2400}, {1700, 3000}, {3000, 3700}} {
			s.formant[i].set(s.between(hz[0], hz[1]), s.between(40, 160))
		}
	case p < 0.75:
		s.kind, s.left = 1, int(s.between(0.02, 0.12)*rate)
		s.formant[0].set(s.between(800, 3600), s.between(200, 1200))
	case p < 0.95:
		s.kind, s.left = 2, int(s.between(0.03, 0.5)*rate)
	default: // somebody whistles, or two sing
		s.kind, s.left = 3, int(s.between(0.06, 0.8)*rate)
		s.level2 = amplitude(s.between(-28, -8))
		for i := range s.notes {
			s.notes[i] = 440 * math.Pow(2, float64(s.r.IntN(40)-15)/12)
		}
	}
}

func (s *speech) sample() float64 {
	if s.left == 0 {
		s.begin()
	}
	s.left--
	s.time += 1.0 / rate
	hiss := 8 * s.r.NormFloat64()
	switch s.kind {
	case 0:
		s.phase += s.pitch * (1 + 0.02*math.Sin(2*math.Pi*s.vibrato*s.time)) / rate
		s.pitch *= 1 + s.glide/rate
		x := hiss / 20
		if s.phase >= 1 { // the vocal folds close
			s.phase--
			x += 30
		}
		y := 0.0
		for i := range s.formant {
			y += s.formant[i].step(x) / float64(i+1)
		}
		return hiss + s.level*y
	case 1:
		return hiss + s.level*s.formant[0].step(2*s.r.NormFloat64())
	case 3:
		w := 2 * math.Pi * s.time
		if s.notes[2] < 660 { // a whistle has no overtones, but it is alone
			return hiss + s.level*math.Sin(w*s.notes[0])
		}
		y := 0.0
		for i, level := range []float64{s.level, s.level2} {
			v := w * s.notes[i]
			y += level * (math.Sin(v) + 0.4*math.Sin(2*v) + 0.2*math.Sin(3*v))
		}
		return hiss + y
	default:
		return hiss
	}
}

func (s *speech) next(d time.Duration) []int16 {
	out := make([]int16, d*rate/time.Second)
	for i := range out {
		out[i] = int16(max(min(s.sample(), 32000), -32000))
	}
	return out
}

// TestTalkOff: an hour of speech, song and whistling, and all prompts and music
// of the demo, hold no keys.
func TestTalkOff(t *testing.T) {
	d, keys := NewDetector(), ""
	heard := func(k rune) { keys += string(k) }
	s, active := newSpeech(2026), 0
	for range 60 {
		minute := s.next(time.Minute)
		d.Feed(minute, heard)
		if meanSquare(minute) > silence {
			active++
		}
	}
	if keys != "" {
		t.Errorf("an hour of speech: heard %q", keys)
	}
	if active < 60 {
		t.Errorf("only %d minutes are loud enough to mean anything", active)
	}
	keys = ""
	seconds := 0
	root := filepath.Join("..", "..", "testdata", "demo")
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".wav") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		a, err := wav.Decode(b)
		if err != nil {
			return err
		}
		seconds += a.Len() / rate
		d.Feed(a.Samples(), heard)
		return nil
	})
	if err != nil || seconds < 60 {
		t.Fatalf("%d seconds of prompts, %v", seconds, err)
	}
	if keys != "" {
		t.Errorf("%d s of prompts and music: heard %q", seconds, keys)
	}
}
