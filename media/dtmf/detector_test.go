package dtmf

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tierline/media/g711"
	"tierline/media/tone"
)

// amplitude of a sine of a level in dBm0.
func amplitude(level float64) float64 { return 32767 * math.Pow(10, (level-3.17)/20) }

// keying is a key as somebody presses it.
type keying struct {
	key            rune
	d              time.Duration
	level          float64 // dBm0, of the louder tone
	twist          float64 // dB: the low tone is so much louder, or the high one if below 0
	detuneL        float64 // of 1
	detuneH        float64
	noise          float64 // dB below both tones together; 0 = none
	harmonic       float64 // dB below its tone; 0 = none
	offset         int     // samples of silence before
	interruption   int     // samples in the middle
	interruptionAt int
}

func (k keying) samples(r *rand.Rand) []int16 {
	i := strings.IndexRune(toneKeys, k.key)
	f := tones()
	low, high := f[i/4]*(1+k.detuneL), f[4+i%4]*(1+k.detuneH)
	al, ah := amplitude(k.level), amplitude(k.level)
	if k.twist > 0 {
		ah = amplitude(k.level - k.twist)
	} else {
		al = amplitude(k.level + k.twist)
	}
	n := int(k.d * rate / time.Second)
	out := make([]int16, k.offset+n)
	phaseL, phaseH := r.Float64()*2*math.Pi, r.Float64()*2*math.Pi
	sigma := 0.0
	if k.noise != 0 {
		sigma = math.Sqrt((al*al+ah*ah)/2) * math.Pow(10, -k.noise/20)
	}
	h := 0.0
	if k.harmonic != 0 {
		h = math.Pow(10, -k.harmonic/20)
	}
	for j := range out {
		v := sigma * r.NormFloat64()
		if m := j - k.offset; m >= 0 && (m < k.interruptionAt || m >= k.interruptionAt+k.interruption) {
			wl, wh := 2*math.Pi*low*float64(m)/rate+phaseL, 2*math.Pi*high*float64(m)/rate+phaseH
			v += al*math.Sin(wl) + ah*math.Sin(wh) + h*(al*math.Sin(2*wl)+ah*math.Sin(2*wh))
		}
		out[j] = int16(max(min(math.Round(v), math.MaxInt16), math.MinInt16))
	}
	return out
}

// pause is silence with the same noise floor as a quiet line.
func pause(d time.Duration) []int16 { return make([]int16, d*rate/time.Second) }

// hear runs sound through the network and a detector, in packets.
func hear(packet int, pieces ...[]int16) (keys string) {
	d := NewDetector()
	for _, p := range pieces {
		for len(p) > 0 {
			n := min(packet, len(p))
			frame := make([]int16, n)
			for i, v := range p[:n] {
				frame[i] = g711.DecodeA(g711.EncodeA(v))
			}
			d.Feed(frame, func(k rune) { keys += string(k) })
			p = p[n:]
		}
	}
	return keys
}

// trials says how often of n each of the sixteen keys is heard exactly once, at
// random phases and places within a block.
func trials(n int, k keying) (right, wrong int) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, key := range toneKeys {
		for range n {
			k.key, k.offset = key, r.IntN(2*blockSize)
			switch got := hear(160, pause(60*ms), k.samples(r), pause(60*ms)); got {
			case string(key):
				right++
			case "":
			default:
				wrong++
			}
		}
	}
	return right, wrong
}

func TestDetectorHearsWhatQ24Says(t *testing.T) {
	good := keying{d: 40 * ms, level: -10}
	with := func(f func(k *keying)) keying {
		k := good
		f(&k)
		return k
	}
	const all, none = 1.0, 0.0
	for _, c := range []struct {
		what string
		k    keying
		want float64
	}{
		{"40 ms", good, all},
		{"25 ms", with(func(k *keying) { k.d = 25 * ms }), none},
		{"20 ms", with(func(k *keying) { k.d = 20 * ms }), none},
		{"65 ms", with(func(k *keying) { k.d = 65 * ms }), all},
		{"5 s", with(func(k *keying) { k.d = 5 * time.Second }), all},
		{"0 dBm0", with(func(k *keying) { k.level = -3 }), all},
		{"-27 dBm0", with(func(k *keying) { k.level = -27 }), all},
		{"-40 dBm0", with(func(k *keying) { k.level = -40 }), none},
		{"both 1.5 % high", with(func(k *keying) { k.detuneL, k.detuneH = 0.015, 0.015 }), all},
		{"both 1.5 % low", with(func(k *keying) { k.detuneL, k.detuneH = -0.015, -0.015 }), all},
		{"1.5 % apart", with(func(k *keying) { k.detuneL, k.detuneH = -0.015, 0.015 }), all},
		{"low tone 3.5 % high", with(func(k *keying) { k.detuneL = 0.035 }), none},
		{"low tone 3.5 % low", with(func(k *keying) { k.detuneL = -0.035 }), none},
		{"high tone 3.5 % high", with(func(k *keying) { k.detuneH = 0.035 }), none},
		{"high tone 3.5 % low", with(func(k *keying) { k.detuneH = -0.035 }), none},
		{"twist 8 dB", with(func(k *keying) { k.twist = 8 }), all},
		{"twist 8 dB, quiet, out of tune", with(func(k *keying) { k.twist, k.level, k.detuneL, k.detuneH = 8, -19, 0.015, -0.015 }), all},
		{"twist 12 dB", with(func(k *keying) { k.twist = 12 }), none},
		{"reverse twist 4 dB", with(func(k *keying) { k.twist = -4 }), all},
		{"reverse twist 8 dB", with(func(k *keying) { k.twist = -8 }), none},
		{"15 dB above noise", with(func(k *keying) { k.noise = 15 }), all},
		{"12 dB above noise, 60 ms", with(func(k *keying) { k.noise, k.d = 12, 60*ms }), all},
		{"15 dB above noise, twist 8 dB, 1.5 %", with(func(k *keying) { k.noise, k.twist, k.detuneL, k.detuneH = 15, 8, 0.015, 0.015 }), all},
		{"0 dB above noise", with(func(k *keying) { k.noise = 0.01 }), none},
		{"harmonics 20 dB down", with(func(k *keying) { k.harmonic = 20 }), all},
		{"harmonics 12 dB down", with(func(k *keying) { k.harmonic = 12 }), none},
		{"interrupted for 10 ms", with(func(k *keying) { k.d, k.interruption, k.interruptionAt = 120*ms, 80, 400 }), all},
	} {
		const n = 20
		right, wrong := trials(n, c.k)
		if wrong > 0 || float64(right) != c.want*n*16 {
			t.Errorf("%s: %d of %d heard, %d wrong", c.what, right, n*16, wrong)
		}
	}
}

// The frequencies at which it changes its mind lie between the two limits, for
// each tone by itself.
func TestDetectorBandwidth(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, key := range "159D" {
		for _, sign := range []float64{1, -1} {
			for step := range 51 {
				off := sign * float64(step) / 1000
				for _, k := range []keying{
					{key: key, d: 60 * ms, level: -8, detuneL: off}, {key: key, d: 60 * ms, level: -8, detuneH: off},
				} {
					got := hear(160, pause(50*ms), k.samples(r), pause(50*ms))
					if step <= 15 && got != string(key) || step >= 35 && got != "" {
						t.Errorf("%c: %.1f %% off (%v, %v): heard %q", key, 100*off, k.detuneL, k.detuneH, got)
					}
				}
			}
		}
	}
}

func TestDetectorTellsKeysApart(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, gap := range []time.Duration{40 * ms, 50 * ms, 100 * ms} {
		for _, packet := range []int{1, 80, 160, 240, 480, 7} {
			pieces, want := [][]int16{pause(time.Duration(r.IntN(30)) * ms)}, ""
			for range 100 {
				k := rune(toneKeys[r.IntN(16)])
				want += string(k)
				pieces = append(pieces, keying{key: k, d: 40 * ms, level: -12}.samples(r), pause(gap))
			}
			if got := hear(packet, pieces...); got != want {
				t.Errorf("pauses of %v, packets of %d: %q, want %q", gap, packet, got, want)
			}
		}
	}
}

func TestDetectorHearsOtherTonesNot(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var pieces [][]int16
	for _, hz := range [][]float64{
		{425}, {450}, {350, 440}, {480, 620}, {440, 480}, {950}, {1400}, {1800}, {2100}, {1100}, // tones of exchanges, faxes and modems
		{697}, {1209}, {697, 770}, {1209, 1336}, {770, 941, 1336}, {697, 1209, 1477},
	} {
		pieces = append(pieces, tone.Make(time.Second, -10, hz...), pause(100*ms))
	}
	noise := make([]int16, 20*rate)
	for i := range noise {
		noise[i] = int16(3000 * r.NormFloat64())
	}
	if got := hear(160, append(pieces, noise)...); got != "" {
		t.Errorf("heard %q", got)
	}
}

func TestSkippedSilenceIsAPause(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	d, got := NewDetector(), ""
	for range 3 {
		d.Feed(keying{key: '5', d: 60 * ms, level: -10}.samples(r), func(k rune) { got += string(k) })
		d.Skip(400)
	}
	if got != "555" {
		t.Errorf("heard %q", got)
	}
	d.Skip(-5)
	d.Skip(math.MaxInt)
}

func TestDetectorAllocatesNothing(t *testing.T) {
	d := NewDetector()
	s := keying{key: '5', d: 100 * ms, level: -10}.samples(rand.New(rand.NewPCG(1, 1)))
	heard := 0
	count := func(rune) { heard++ }
	if n := testing.AllocsPerRun(100, func() { d.Feed(s, count); d.Skip(800) }); n != 0 || heard != 101 {
		t.Errorf("%v allocations, %d keys", n, heard)
	}
}

// FuzzDetector: any sound is at most one key for each 60 ms.
func FuzzDetector(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	var seed []byte
	for _, v := range (keying{key: '#', d: 50 * ms, level: -10}).samples(r) {
		seed = append(seed, g711.EncodeA(v))
	}
	f.Add(seed, uint8(160))
	f.Add([]byte{0x2a, 0xaa}, uint8(1))
	f.Fuzz(func(t *testing.T, sound []byte, packet uint8) {
		d, keys, n := NewDetector(), "", max(int(packet), 1)
		frame := make([]int16, 0, 255)
		for rest := sound; len(rest) > 0; {
			frame = frame[:0]
			for _, c := range rest[:min(n, len(rest))] {
				frame = append(frame, g711.DecodeA(c))
			}
			rest = rest[len(frame):]
			d.Feed(frame, func(k rune) { keys += string(k) })
		}
		for _, k := range keys {
			if _, ok := Code(k); !ok {
				t.Fatalf("heard %q", k)
			}
		}
		if len(keys) > len(sound)/(minTone*blockSize) {
			t.Fatalf("%d keys in %d samples", len(keys), len(sound))
		}
	})
}

func BenchmarkDetector(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	speech := newSpeech(1).next(10 * time.Second)
	for name, s := range map[string][]int16{
		"silence": pause(10 * time.Second), "speech": speech, "tone": keying{key: '5', d: 10 * time.Second, level: -10}.samples(r),
	} {
		b.Run(name, func(b *testing.B) {
			d := NewDetector()
			for b.Loop() {
				d.Feed(s, func(rune) {})
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/10, "µs/s-of-sound")
		})
	}
}
