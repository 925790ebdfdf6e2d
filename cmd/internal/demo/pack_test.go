package demo

import (
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"tierline/media/wav"
	documents "tierline/testdata/demo"
)

// wanted lists the sounds that the documents name.
func wanted(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(documents.Files(), "flows/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d flows: %v", len(files), err)
	}
	var all []string
	for _, f := range append(files, "features.yaml") {
		src, err := fs.ReadFile(documents.Files(), f)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Prompts map[string]any `yaml:"prompts"`
		}
		if err := yaml.Unmarshal(src, &doc); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for id, v := range doc.Prompts {
			segments, ok := v.([]any)
			if !ok {
				segments = []any{v}
			}
			for _, s := range segments {
				for key, value := range s.(map[string]any) {
					switch key {
					case "file":
						all = append(all, value.(string))
					case "pinyin":
					default:
						all = append(all, id+"."+key+".wav")
					}
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestPromptPack(t *testing.T) {
	want := wanted(t)
	if len(want) < 60 {
		t.Fatalf("documents name only %d sounds", len(want))
	}
	for _, name := range want {
		t.Run(name, func(t *testing.T) {
			b, err := fs.ReadFile(documents.Files(), path.Join("prompts", name))
			if err != nil {
				t.Fatal(err)
			}
			a, err := wav.Decode(b) // insists on 8 kHz and one channel
			if err != nil {
				t.Fatal(err)
			}
			if a.Format != wav.ALaw {
				t.Errorf("is %v, not A-law", a.Format)
			}
			listen(t, a.Samples())
		})
	}
	var have []string
	err := fs.WalkDir(documents.Files(), "prompts", func(p string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			have = append(have, strings.TrimPrefix(p, "prompts/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(have)
	if !slices.Equal(have, want) {
		for _, n := range have {
			if !slices.Contains(want, n) {
				t.Errorf("nobody uses %s", n)
			}
		}
	}
}

// listen checks that a sound is loud enough, not clipped, and begins and ends
// without a long pause.
func listen(t *testing.T, pcm []int16) {
	t.Helper()
	peak, loud, first, last := 0, 0.0, -1, 0
	for i, s := range pcm {
		v := int(math.Abs(float64(s)))
		peak = max(peak, v)
		loud += float64(v) * float64(v)
		if v > 400 {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	loud = math.Sqrt(loud / float64(len(pcm)))
	if peak < 8000 || peak > 26000 {
		t.Errorf("peak %d: silent or clipped", peak)
	}
	if loud < 800 {
		t.Errorf("mean level %.0f: too quiet", loud)
	}
	if first < 0 || first > 8000/4 || len(pcm)-last > 8000/2 {
		t.Errorf("%d ms of silence before, %d ms after", first/8, (len(pcm)-last)/8)
	}
}

// TestMusicLoops: a hold music of half a minute or more that ends where it
// begins, without a click.
func TestMusicLoops(t *testing.T) {
	b, err := fs.ReadFile(documents.Files(), "prompts/music/hold-1.wav")
	if err != nil {
		t.Fatal(err)
	}
	a, err := wav.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	pcm := a.Samples()
	if len(pcm) < 30*8000 {
		t.Errorf("lasts %d s", len(pcm)/8000)
	}
	if step := math.Abs(float64(pcm[0]) - float64(pcm[len(pcm)-1])); step > 1500 {
		t.Errorf("a step of %.0f where the loop closes", step)
	}
	steepest := 0.0
	for i := 1; i < len(pcm); i++ {
		steepest = max(steepest, math.Abs(float64(pcm[i])-float64(pcm[i-1])))
	}
	if steepest > 8000 {
		t.Errorf("a click: step of %.0f", steepest)
	}
}
