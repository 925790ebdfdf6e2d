package mix_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"tierline/media/mix"
	"tierline/media/tone"
)

// spurts are a second of sound every few seconds; nothing is sent between them.
func spurts(sound []int16, every int) (all []arrival) {
	for _, a := range send(sound, 160) {
		if int(a.at-1_000_000)%(every*second) < second {
			all = append(all, a)
		}
	}
	return all
}

// A pause costs nothing of what is said after it, however long it was, and
// isn't dead silence if the line wasn't.
func TestNothingIsLostAfterAPause(t *testing.T) {
	for _, every := range []int{2, 4, 9} {
		var b mix.Buffer
		out := play(&b, spurts(hum(4*every), every))
		ear := tone.NewDetector(440)
		ear.Feed(out)
		if h := ear.Heard()[0]; h.Duration.Seconds() < 3.9 || h.Duration.Seconds() > 4.6 {
			t.Errorf("4 s with pauses of %d s: the tone is heard for %v", every-1, h.Duration)
		}
		if c := b.Counts(); c.Late > 0 || c.Restarts > 0 || c.Concealed > 4*480+500 {
			t.Errorf("pauses of %d s: %+v", every-1, c)
		}
	}
}

func TestAPauseSoundsLikeTheLine(t *testing.T) {
	level := func(b *mix.Buffer, now int64) float64 {
		var out [mix.Frame]int16
		sum := 0.0
		for n := range int64(100) {
			if !b.Take(&out, now+n*mix.Frame) {
				clear(out[:])
			}
			for _, x := range out {
				sum += float64(x) * float64(x)
			}
		}
		return 10*math.Log10(sum/100/mix.Frame/(32767*32767/2)+1e-12) + 3.17
	}
	for name, c := range map[string]struct {
		hiss        int16
		told        uint8
		least, most float64 // dBm0
	}{
		"a quiet line":       {20, 0, -68, -55},
		"a dead one":         {0, 0, -130, -80},
		"one that tells":     {0, 62, -68, -55},
		"one that shouts so": {0, 10, -60, -48},
	} {
		var b mix.Buffer
		sound := make([]int16, 2*second)
		for i := range sound {
			sound[i] = int16(i*7919%(2*int(c.hiss)+1)) - c.hiss
		}
		all := send(sound, 160)
		play(&b, all)
		if c.told > 0 {
			b.Noise(c.told)
		}
		now := all[len(all)-1].at + 10*mix.Frame
		level(&b, now)
		if got := level(&b, now+100*mix.Frame); got < c.least || got > c.most {
			t.Errorf("%s: %.1f dBm0, want %.0f to %.0f", name, got, c.least, c.most)
		}
	}
}

// Whatever comes, at whatever time, frames come out, and a stream that behaves
// again is heard again.
func TestNothingConfusesABuffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b mix.Buffer
		var out [mix.Frame]int16
		now := int64(1_000_000)
		for range rapid.IntRange(1, 200).Draw(t, "packets") {
			p := mix.Packet{
				SSRC:      rapid.Uint32Range(1, 2).Draw(t, "ssrc"),
				Timestamp: uint32(now) + uint32(rapid.Int32Range(-9000, 9000).Draw(t, "off")),
				Samples:   make([]int16, rapid.IntRange(0, 600).Draw(t, "samples")),
			}
			if rapid.IntRange(0, 9).Draw(t, "wild") == 0 {
				p.Timestamp = rapid.Uint32().Draw(t, "timestamp")
			}
			b.Put(p, now)
			for range rapid.IntRange(0, 12).Draw(t, "frames") {
				now += mix.Frame
				b.Take(&out, now)
			}
		}
		sound := hum(5)
		calm := send(sound, 160)
		for i := range calm {
			calm[i].at += now
		}
		ear := tone.NewDetector(440)
		ear.Feed(play(&b, calm)[second:])
		if h := ear.Heard()[0]; h.Longest.Seconds() < 3.9 {
			t.Errorf("a good stream is heard for %v", h.Longest)
		}
	})
}

func TestABufferAllocatesNothing(t *testing.T) {
	var b mix.Buffer
	var out [mix.Frame]int16
	all := send(voice(20), 160)
	n := 0
	if got := testing.AllocsPerRun(300, func() {
		for range 3 {
			if n%3 != 2 {
				b.Put(all[n].Packet, all[n].at)
			}
			b.Take(&out, all[n].at)
			n++
		}
	}); got != 0 {
		t.Errorf("%v allocations a packet", got)
	}
}

func BenchmarkBuffer(b *testing.B) {
	for name, every := range map[string]int{"no loss": math.MaxInt, "5 percent lost": 20} {
		b.Run(name, func(b *testing.B) {
			var buffer mix.Buffer
			var out [mix.Frame]int16
			sound := voice(1)
			now, n := int64(1_000_000), 0
			b.ReportAllocs()
			for b.Loop() {
				if n++; n%every != 0 {
					at := n * 160 % (second - 160)
					buffer.Put(mix.Packet{SSRC: 1, Timestamp: uint32(n * 160), Samples: sound[at : at+160]}, now)
				}
				buffer.Take(&out, now)
				now += mix.Frame
			}
		})
	}
}
