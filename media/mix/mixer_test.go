package mix_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"tierline/media/mix"
)

// Members come, go, and change whom they hear; each hears the sum of what the
// others say, made in wide numbers and clipped once.
func TestEveryoneHearsTheOthersAndNeverHimself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m mix.Mixer
		said, gains := map[int][]int16{}, map[[2]int]int{}
		gain := func(from, to int) int64 { return int64(gains[[2]int{from, to}]) } // nobody hears who comes in
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			members := make([]int, 0, len(said))
			for s := range 12 {
				if said[s] != nil {
					members = append(members, s)
				}
			}
			switch n := rapid.IntRange(0, 5).Draw(t, "what"); {
			case n < 2 && len(members) < 10:
				s := m.Add()
				if said[s] != nil {
					t.Fatalf("slot %d is taken", s)
				}
				said[s] = []int16{}
				for k := range gains {
					if k[0] == s || k[1] == s {
						delete(gains, k)
					}
				}
			case n == 2 && len(members) > 0:
				s := rapid.SampledFrom(members).Draw(t, "leaves")
				m.Remove(s)
				delete(said, s)
			case n == 3 && len(members) > 1:
				k := [2]int{rapid.SampledFrom(members).Draw(t, "from"), rapid.SampledFrom(members).Draw(t, "to")}
				gains[k] = rapid.SampledFrom([]int{0, 64, mix.Unity, 300, 512}).Draw(t, "gain")
				m.Gain(k[0], k[1], gains[k])
			default:
				frame(t, &m, said)
				for _, to := range members {
					var out [mix.Frame]int16
					m.Heard(to, &out)
					for i := range out {
						sum := int64(0)
						for _, from := range members {
							if from != to && len(said[from]) > 0 {
								sum += int64(said[from][i]) * gain(from, to) / mix.Unity
							}
						}
						if want := min(max(sum, math.MinInt16), math.MaxInt16); int64(out[i]) != want {
							t.Fatalf("%d hears %d at %d, want %d", to, out[i], i, want)
						}
					}
				}
			}
		}
	})
}

// frame lets members say something, as loud as can be, or nothing.
func frame(t *rapid.T, m *mix.Mixer, said map[int][]int16) {
	for s := range 12 {
		if said[s] == nil {
			continue
		}
		said[s] = said[s][:0]
		quiet := rapid.Bool().Draw(t, "quiet")
		m.Silent(s, quiet)
		if quiet {
			continue
		}
		x := rapid.Int16().Draw(t, "sample")
		for i := range m.Said(s) {
			m.Said(s)[i] = x ^ int16(i*321)
			said[s] = append(said[s], m.Said(s)[i])
		}
	}
	m.Sum()
}

func BenchmarkMixer(b *testing.B) {
	for _, n := range []int{2, 3, 4, 8} {
		b.Run(string(rune('0'+n))+" members", func(b *testing.B) {
			var m mix.Mixer
			var out [mix.Frame]int16
			for range n {
				s := m.Add()
				m.Silent(s, false)
				for i := range m.Said(s) {
					m.Said(s)[i] = int16(i * 100)
				}
				for other := range s {
					m.Gain(s, other, mix.Unity)
					m.Gain(other, s, mix.Unity)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				m.Sum()
				for s := range n {
					m.Heard(s, &out)
				}
			}
		})
	}
}
