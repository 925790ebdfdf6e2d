package mix_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"tierline/media/mix"
	"tierline/media/tone"
)

const second = 8000

// arrival is a packet and when it comes, in samples of our clock.
type arrival struct {
	mix.Packet
	at int64
}

// voice is something like a vowel: a gliding pitch with overtones, louder and
// softer.
func voice(seconds int) []int16 {
	out := make([]int16, seconds*second)
	phase := 0.0
	for i := range out {
		at := float64(i) / second
		phase += 2 * math.Pi * (130 + 25*math.Sin(2*math.Pi*0.4*at)) / second
		x := 0.0
		for k := 1; k <= 12; k++ {
			f := 130.0 * float64(k)
			x += math.Sin(float64(k)*phase) / (1 + math.Abs(f-600)/250)
		}
		out[i] = int16(2500 * x * (0.6 + 0.4*math.Sin(2*math.Pi*3*at)))
	}
	return out
}

func hum(seconds int) []int16 {
	all := tone.Make(1e9, -16, 440)
	return slices.Concat(slices.Repeat([][]int16{all}, seconds)...)
}

// send cuts sound into packets of n samples that take 50 ms.
func send(sound []int16, n int) (all []arrival) {
	for i := 0; i+n <= len(sound); i += n {
		all = append(all, arrival{
			Packet: mix.Packet{SSRC: 7, Timestamp: uint32(1<<32-4000) + uint32(i), Samples: sound[i : i+n]},
			at:     1_000_000 + int64(i+n) + 400,
		})
	}
	return all
}

// lose takes out a share of packets.
func lose(all []arrival, share float64, random *rand.Rand) []arrival {
	return slices.DeleteFunc(slices.Clone(all), func(arrival) bool { return random.Float64() < share })
}

// play lets packets come and takes a frame every 20 ms.
func play(b *mix.Buffer, all []arrival) (out []int16) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b arrival) int { return int(a.at - b.at) })
	var frame [mix.Frame]int16
	for now := all[0].at - all[0].at%mix.Frame; len(all) > 0; now += mix.Frame {
		for len(all) > 0 && all[0].at <= now {
			b.Put(all[0].Packet, all[0].at)
			all = all[1:]
		}
		if !b.Take(&frame, now) {
			clear(frame[:])
		}
		out = append(out, frame[:]...)
	}
	return out
}

// tail is what is measured: when a buffer knows its stream.
const tail = 4 * second

// delay finds how much later the last of something is heard than it was said.
func delay(said, heard []int16) int {
	lag, least := 0, math.Inf(1)
	from := len(said) - tail
	for d := range second / 2 {
		wrong := 0.0
		for i := range 8 * mix.Frame {
			x := float64(said[from+i-d]) - float64(heard[from+i])
			wrong += x * x
		}
		if wrong < least {
			lag, least = d, wrong
		}
	}
	return lag
}

// snr is how loud the last of it is above what is wrong with it, in dB.
func snr(said, heard []int16) float64 {
	d := delay(said, heard)
	signal, wrong := 0.0, 1e-9
	for i := len(said) - tail; i < min(len(said), len(heard)); i++ {
		x, y := float64(said[i-d]), float64(heard[i])
		signal += x * x
		wrong += (x - y) * (x - y)
	}
	return 10 * math.Log10(signal/wrong)
}

func TestWhatComesInTimeIsPlayedAsItIs(t *testing.T) {
	sound := voice(20)
	for _, n := range []int{80, 160, 240, 320, 400, 480, 53} {
		var b mix.Buffer
		out := play(&b, send(sound, n))
		if c := b.Counts(); c.Late != 0 || c.Restarts != 0 || c.Stretched > 400 || c.Concealed > 800 {
			t.Errorf("packets of %d: %+v", n, c)
		}
		if got := snr(sound, out); got < 90 {
			t.Errorf("packets of %d: %.1f dB", n, got)
		}
		if d := delay(sound, out); d-n > 440 || b.Depth() > 320 {
			t.Errorf("packets of %d wait %d samples, are heard after %d", n, b.Depth(), d)
		}
	}
}

// What is made in place of lost packets is nearer to what was said than
// silence, and a tone stays a tone.
func TestLossIsConcealed(t *testing.T) {
	for _, c := range []struct {
		name  string
		sound []int16
		share float64
		least float64 // dB
	}{
		{"tone", hum(20), 0.01, 35},
		{"tone", hum(20), 0.05, 28},
		{"tone", hum(20), 0.2, 14},
		{"voice", voice(20), 0.01, 19},
		{"voice", voice(20), 0.05, 14.5},
		{"voice", voice(20), 0.2, 8.5},
	} {
		var b mix.Buffer
		out := play(&b, lose(send(c.sound, 160), c.share, rand.New(rand.NewPCG(1, 2))))
		got, silence := snr(c.sound, out), -10*math.Log10(c.share)
		t.Logf("%s, %2.0f %% lost: %.1f dB, with silence %.1f dB", c.name, c.share*100, got, silence)
		if got < c.least {
			t.Errorf("%s, %2.0f %% lost: %.1f dB, want %.1f", c.name, c.share*100, got, c.least)
		}
		ear := tone.NewDetector(440)
		ear.Feed(out)
		if h := ear.Heard()[0]; c.name == "tone" && c.share < 0.1 && h.Longest.Seconds() < 19.5 {
			t.Errorf("%2.0f %% lost: the tone is heard without a gap for %v", c.share*100, h.Longest)
		}
	}
}

func TestNetworksOfAllKinds(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	each := func(f func(i int, a *arrival)) func([]arrival) []arrival {
		return func(all []arrival) []arrival {
			for i := range all {
				f(i, &all[i])
			}
			return all
		}
	}
	for name, c := range map[string]struct {
		network             func([]arrival) []arrival
		late, made, restart uint64 // at most
		deep                int    // the depth at the end, at most …
		least               int    // … and at least
		gap                 float64
	}{
		"jitter up to 60 ms":  {each(func(_ int, a *arrival) { a.at += random.Int64N(480) }), 30, 6000, 0, 800, 480, 0.1},
		"jitter up to 200 ms": {each(func(_ int, a *arrival) { a.at += random.Int64N(1600) }), 60, 12000, 0, 1840, 1440, 0.4},
		"a stall of 300 ms every 5 s": {each(func(i int, a *arrival) {
			if left := int64(2400 - i%250*160); left > 0 {
				a.at += left
			}
		}), 0, 3000, 0, 800, 240, 1.2},
		"every packet twice":              {func(all []arrival) []arrival { return slices.Concat(all, all) }, 1500, 500, 0, 320, 240, 0.1},
		"neighbours change places":        {each(func(i int, a *arrival) { a.at += int64(i%2) * -170 }), 10, 2000, 0, 480, 240, 0.1},
		"the clock of the sender is fast": {each(func(_ int, a *arrival) { a.at -= (a.at - 1_000_000) / 2000 }), 0, 500, 0, 320, 240, 0.1},
		"the clock of the sender is slow": {each(func(_ int, a *arrival) { a.at += (a.at - 1_000_000) / 2000 }), 0, 700, 0, 320, 240, 0.1},
		"a jump of the timestamp": {each(func(i int, a *arrival) {
			if i > 500 {
				a.Timestamp += 1_000_000
			}
		}), 0, 1200, 1, 320, 240, 0.15},
		"a new source": {each(func(i int, a *arrival) {
			if i > 500 {
				a.SSRC, a.Timestamp = 8, a.Timestamp+3
			}
		}), 0, 1200, 1, 320, 240, 0.15},
		"the network is quicker from now on": {each(func(i int, a *arrival) {
			if i > 300 {
				a.at -= 300
			}
		}), 5, 1500, 0, 400, 240, 0.15},
		"the network is slower from now on": {each(func(i int, a *arrival) {
			if i > 300 {
				a.at += 1600
			}
		}), 0, 4000, 0, 480, 240, 0.35},
	} {
		t.Run(name, func(t *testing.T) {
			var b mix.Buffer
			sound := hum(30)
			out := play(&b, c.network(send(sound, 160)))
			got := b.Counts()
			t.Logf("%+v, depth %d", got, b.Depth())
			if got.Late > c.late || got.Concealed > c.made || got.Restarts > c.restart {
				t.Errorf("%+v", got)
			}
			if d := b.Depth(); d > c.deep || d < c.least {
				t.Errorf("depth %d, want %d to %d", d, c.least, c.deep)
			}
			ear := tone.NewDetector(440)
			ear.Feed(out)
			if h := ear.Heard()[0]; h.Duration.Seconds() < 29.9-c.gap {
				t.Errorf("the tone is heard for %v", h.Duration)
			}
		})
	}
}
