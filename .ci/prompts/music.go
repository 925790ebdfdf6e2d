package main

import "math"

// The hold music is made here, note by note, so that nobody's rights are in
// it: a slow round of eight chords with a quiet melody above them, 38.4 s that
// end where they begin.
const (
	rate     = 8000
	bar      = 4 * rate * 12 / 10 // 4.8 s
	overlap  = rate               // chords fade into each other for 1 s
	loudness = 0.42               // of full scale, at the peak
)

// chords in MIDI note numbers: C, Am7, F, G6, Em7, Am, Dm7, G.
func chords() [][]int {
	return [][]int{
		{48, 60, 64, 67, 72},
		{45, 57, 60, 64, 67},
		{53, 60, 65, 69, 72},
		{43, 59, 62, 64, 67},
		{52, 59, 62, 64, 67},
		{45, 60, 64, 69, 72},
		{50, 57, 60, 65, 69},
		{43, 59, 62, 67, 71},
	}
}

// melody holds two notes for each chord, from its own tones.
func melody() [][2]int {
	return [][2]int{{76, 72}, {72, 76}, {77, 72}, {74, 71}, {71, 67}, {72, 76}, {74, 69}, {71, 74}}
}

// music returns the loop as samples.
func music() []int16 {
	mix := make([]float64, bar*len(chords()))
	for i, chord := range chords() {
		for _, n := range chord {
			pad(mix, i*bar, n)
		}
		for j, n := range melody()[i] {
			pluck(mix, i*bar+j*bar/2+bar/8, n)
		}
	}
	return normal(mix)
}

func hz(note int) float64 { return 440 * math.Pow(2, float64(note-69)/12) }

// pad is one soft voice: three partials, two of them slightly out of tune
// against each other, faded in and out.
func pad(mix []float64, at, note int) {
	f := hz(note)
	length := bar + overlap
	for i := range length {
		t := float64(i) / rate
		env := math.Min(1, math.Min(float64(i), float64(length-i))/overlap)
		env = env * env * (3 - 2*env)
		v := math.Sin(2*math.Pi*f*t) + 0.7*math.Sin(2*math.Pi*f*1.003*t) + 0.25*math.Sin(4*math.Pi*f*t)
		mix[(at+i)%len(mix)] += env * v / 2
	}
}

// pluck is a note of the melody: it begins quickly and rings out.
func pluck(mix []float64, at, note int) {
	f := hz(note)
	for i := range 2 * rate {
		t := float64(i) / rate
		env := math.Min(1, float64(i)/(0.02*rate)) * math.Exp(-2.2*t)
		v := math.Sin(2*math.Pi*f*t) + 0.3*math.Sin(4*math.Pi*f*t)*math.Exp(-3*t)
		mix[(at+i)%len(mix)] += 0.8 * env * v
	}
}

func normal(mix []float64) []int16 {
	peak := 0.0
	for _, v := range mix {
		peak = math.Max(peak, math.Abs(v))
	}
	out := make([]int16, len(mix))
	for i, v := range mix {
		out[i] = int16(v / peak * loudness * math.MaxInt16)
	}
	return out
}
