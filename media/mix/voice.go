package mix

import "math"

const (
	shortest = 40  // samples of a period: 200 Hz
	longest  = 140 // 57 Hz
	history  = 3*longest + longest/4
	compared = 160 // samples by which periods are found
	intact   = 80  // samples made at full loudness …
	faded    = 480 // … and when nothing of them is left
	overlap  = 40  // samples in which made sound becomes real sound
	smooth   = 16  // samples in which real sound becomes made sound
	similar  = 0.8 // periods that may stand for each other
)

// voice makes sound that goes on like what was heard, in place of what is
// missing: the last period of a voice again and again, fading away.
type voice struct {
	noise  noise
	past   [history]int16 // what was heard last, made or real
	sum    int32          // of the amplitudes of real samples …
	summed int32          // … so many of them

	made   int            // samples made in a row
	source [history]int16 // past before the first of them
	lag    int            // period of source
	cycle  [3 * longest]int16
	length int // of cycle in use
	at     int // in cycle
}

// hear takes samples that are played.
func (v *voice) hear(samples []int16) {
	copy(v.past[:], v.past[len(samples):])
	copy(v.past[history-len(samples):], samples)
}

// learn takes real ones, to know what the line sounds like.
func (v *voice) learn(samples []int16) {
	for _, x := range samples {
		v.sum += max(int32(x), -int32(x))
		if v.summed++; v.summed == Frame {
			v.noise.learn(v.sum / Frame)
			v.sum, v.summed = 0, 0
		}
	}
}

// conceal makes sound where there is none; false: nobody would hear it.
func (v *voice) conceal(out []int16) (audible bool) {
	if v.made == 0 {
		v.source = v.past
		v.lag, _ = period(v.source[history-compared:], v.source[:history-compared])
		v.widen(1)
		v.at = 0
	}
	audible = v.made < faded || v.noise.audible()
	for i := range out {
		out[i] = v.next()
	}
	v.hear(out)
	return audible
}

// widen repeats more periods: one alone soon sounds like a buzzer.
func (v *voice) widen(periods int) {
	before := v.length
	v.length = periods * v.lag
	copy(v.cycle[:], v.source[history-v.length:])
	q := v.lag / 4
	for j := range q { // its end leads to its beginning
		at := v.length - q + j
		v.cycle[at] = blend(v.cycle[at], v.source[history-v.length-q+j], j, q)
	}
	v.at += v.length - before
}

// next makes a sample.
func (v *voice) next() int16 {
	x := v.noise.next()
	if v.made < faded {
		switch v.made {
		case intact:
			v.widen(2)
		case 2 * intact:
			v.widen(3)
		}
		voiced := int32(v.cycle[v.at])
		if v.at++; v.at == v.length {
			v.at = 0
		}
		if rest := int32(smooth - v.made); rest > 0 { // no step at the beginning
			voiced += int32(int(v.source[history-1])-int(v.source[history-1-v.lag])) * rest / smooth
		}
		loud := min(int32(faded-v.made), faded-intact)
		x = (voiced*loud + x*(faded-intact-loud)) / (faded - intact)
	}
	v.made++
	return clip(x)
}

// merge goes over from made sound to real sound.
func (v *voice) merge(came []int16) {
	if v.made > 0 {
		n := min(overlap, len(came))
		for i := range n {
			came[i] = blend(v.next(), came[i], i+1, n+1)
		}
		v.made = 0
	}
	v.hear(came)
	v.learn(came)
}

// shorten plays a frame with a period less and returns the samples that are
// left out, 0 if that would be heard. far: it must be done, heard or not.
func (v *voice) shorten(out *[Frame]int16, sound *[Frame + longest]int16, far bool) int {
	n, alike := periodAhead(sound)
	if !far && alike < similar && !v.quiet(sound[:Frame]) {
		return 0
	}
	for i := range out {
		out[i] = blend(sound[i], sound[i+n], i, Frame)
	}
	v.hear(out[:])
	return n
}

// lengthen plays one with a period more; what it returns is negative.
func (v *voice) lengthen(out *[Frame]int16, sound *[Frame + longest]int16, far bool) int {
	n, alike := period(sound[:Frame], v.past[:])
	if !far && alike < similar && !v.quiet(sound[:Frame]) {
		return 0
	}
	for i := range out {
		before := v.past[min(history-n+i, history-1)]
		if i >= n {
			before = sound[i-n]
		}
		out[i] = blend(sound[i], before, i, Frame)
	}
	v.hear(out[:])
	return -n
}

// quiet tells whether nobody speaks.
func (v *voice) quiet(samples []int16) bool {
	sum := int32(0)
	for _, x := range samples {
		sum += max(int32(x), -int32(x))
	}
	return sum/int32(len(samples)) <= max(2*v.noise.floor, quietest)
}

// blend goes over from one sample to another in steps.
func blend(from, to int16, step, steps int) int16 {
	return int16((int(from)*(steps-step) + int(to)*step) / steps)
}

// period finds the period with which samples repeat those before them, and how
// alike the two are: 1 the same.
func period(samples, before []int16) (lag int, alike float64) {
	var line [longest + compared]int16
	copy(line[:longest], before[len(before)-longest:])
	copy(line[longest:], samples)
	return best(line[:], longest, -1)
}

// periodAhead does so for the samples after them.
func periodAhead(sound *[Frame + longest]int16) (lag int, alike float64) {
	return best(sound[:], 0, 1)
}

// best compares what begins at a place of a line with what is before or after.
func best(line []int16, at, direction int) (lag int, alike float64) {
	lag = shortest
	samples := line[at : at+compared]
	own := 1.0
	for _, x := range samples {
		own += float64(x) * float64(x)
	}
	for n := shortest; n <= longest; n++ {
		other := line[at+direction*n:][:compared]
		product, energy := int64(0), int64(1)
		for i, x := range samples {
			y := int64(other[i])
			product += int64(x) * y
			energy += y * y
		}
		if is := float64(product) / math.Sqrt(own*float64(energy)); is > alike {
			lag, alike = n, is
		}
	}
	return lag, alike
}
