package demo

import (
	"io/fs"
	"math"
	"testing"

	"tierline/call/service"
	"tierline/cmd/internal/pack"
	"tierline/media/wav"
	"tierline/routing/document"
	documents "tierline/testdata/demo"
)

// Every sound that the documents ask for is there, fit to be heard, of the text
// that is written now; nothing else is.
func TestPromptPack(t *testing.T) {
	const dir = "../../../testdata/demo"
	bundle, _ := service.ReadDir(dir, nil)
	wanted, problems := service.Sounds(bundle)
	if document.HasErrors(problems) {
		t.Fatal(problems)
	}
	states, err := pack.Report(dir, wanted)
	if err != nil {
		t.Fatal(err)
	}
	if len(states) < 300 {
		t.Errorf("%d sounds only", len(states))
	}
	for _, s := range states {
		for _, r := range s.Remarks {
			if r.Code != "machine" {
				t.Errorf("%s: %s", s.File, r.Text)
			}
		}
		if s.Source == "" || s.Source == pack.Given && s.Key != "music/hold-1" {
			t.Errorf("%s: nobody knows where it comes from: tierline prompts build", s.File)
		}
		b, err := fs.ReadFile(documents.Files(), s.File)
		if err != nil {
			t.Errorf("it is not in the binary: %v", err)
			continue
		}
		if a, err := wav.Decode(b); err != nil || a.Format != wav.ALaw {
			t.Errorf("%s: %v, %v, not A-law", s.File, a.Format, err)
		}
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
