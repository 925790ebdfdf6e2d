package recognise_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/media/g711"
	"tierline/media/prompt"
	"tierline/media/recognise"
	"tierline/media/tone"
	"tierline/media/wav"
)

// voice is a sound unlike all others, of n samples.
func voice(seed uint64, n int) []int16 {
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([]int16, n)
	level := 0.0
	for i := range out {
		level = 0.9*level + r.Float64()*4000 - 2000
		out[i] = int16(level)
	}
	return out
}

// heard is a sound as it comes out of a telephone.
func heard(samples []int16, mu bool) []int16 {
	out := make([]int16, len(samples))
	for i, s := range samples {
		out[i] = g711.DecodeA(g711.EncodeA(s))
		if mu {
			out[i] = g711.DecodeU(g711.EncodeU(s))
		}
	}
	return out
}

func join(parts ...[]int16) (out []int16) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func TestPromptsAreFoundInWhatACallerHeard(t *testing.T) {
	long, short, tiny := voice(1, 12_000), voice(2, 3_000), voice(3, 700)
	quiet := join(make([]int16, 900), voice(4, 2_000), make([]int16, 900))
	p := &recognise.Pack{}
	for name, s := range map[string][]int16{"long": long, "short": short, "tiny": tiny, "quiet": quiet} {
		p.Add(name, prompt.NewClip(s))
	}
	silence := make([]int16, 1_000)
	for _, tt := range []struct {
		name      string
		recording []int16
		want      []recognise.Found
	}{
		{"nothing", nil, nil},
		{"silence", silence, nil},
		{"another voice", voice(9, 20_000), nil},
		{"whole ones, fluently", join(silence, heard(short, false), heard(tiny, false), heard(short, false)), []recognise.Found{
			{Name: "short", At: at(1_000), Length: at(3_000), Whole: true},
			{Name: "tiny", At: at(4_000), Length: at(700), Whole: true},
			{Name: "short", At: at(4_700), Length: at(3_000), Whole: true},
		}},
		{"in the other codec", heard(long, true), []recognise.Found{{Name: "long", Length: at(12_000), Whole: true}}},
		{"cut by a key", join(heard(long[:5_000], false), silence), []recognise.Found{{Name: "long", Length: at(5_000)}}},
		{"only its middle", join(voice(9, 1_000), heard(long[4_000:8_000], false)), []recognise.Found{
			{Name: "long", At: at(1_000), Length: at(4_000)},
		}},
		{"too little", join(silence, heard(long[:400], false), silence), nil},
		{"with silence at its ends", join(heard(quiet, false)), []recognise.Found{{Name: "quiet", Length: at(3_800), Whole: true}}},
		{"a lost packet", join(heard(long[:6_000], false), make([]int16, 160), heard(long[6_160:], false)), []recognise.Found{
			{Name: "long", Length: at(11_840), Whole: true},
		}},
		{"late packets", join(heard(long[:6_000], false), make([]int16, 320), heard(long[6_000:], false)), []recognise.Found{
			{Name: "long", Length: at(12_000), Whole: true},
		}},
		{"a hole too long for packets", join(heard(long[:6_000], false), make([]int16, 900), heard(long[6_900:], false)), []recognise.Found{
			{Name: "long", Length: at(6_000)}, {Name: "long", At: at(6_900), Length: at(5_100)},
		}},
		{"cut by a key and played again", join(heard(long[:6_000], false), heard(long, false)), []recognise.Found{
			{Name: "long", Length: at(6_000)}, {Name: "long", At: at(6_000), Length: at(12_000), Whole: true},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := p.Find(tt.recording)
			if d := cmp.Diff(tt.want, got, cmp.Comparer(near)); d != "" && len(got)+len(tt.want) > 0 {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func at(samples int) time.Duration { return time.Duration(samples) * time.Second / wav.Rate }

// near allows for neighbouring samples that happen to be equal.
func near(a, b time.Duration) bool { return (a - b).Abs() < 2*time.Millisecond }

// TestATone has the same window thousands of times: finding must end, and
// soon.
func TestATone(t *testing.T) {
	p := &recognise.Pack{}
	ring := tone.Make(time.Second, -10, 400)
	p.Add("ring", prompt.NewClip(ring))
	got := p.Find(heard(join(ring, ring, ring), false))
	if len(got) == 0 || got[0].Name != "ring" {
		t.Errorf("found %v", got)
	}
}

// A cut sound goes on by chance where the next one begins: both are found.
func TestNeighboursMayShareASample(t *testing.T) {
	first, second := voice(1, 12_000), voice(2, 3_000)
	second[0] = first[8_000]
	p := &recognise.Pack{}
	p.Add("first", prompt.NewClip(first))
	p.Add("second", prompt.NewClip(second))
	var names []string
	for _, f := range p.Find(heard(join(first[:8_000], second), false)) {
		names = append(names, f.Name)
		if want := f.Name == "second"; f.Whole != want {
			t.Errorf("%s: whole %v", f.Name, f.Whole)
		}
	}
	if diff := cmp.Diff([]string{"first", "second"}, names); diff != "" {
		t.Error(diff)
	}
}
