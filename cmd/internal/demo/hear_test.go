package demo

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tierline/media/g711"
	"tierline/media/tone"
	"tierline/media/wav"
)

func TestDialTellsWhatItHeard(t *testing.T) {
	dir := t.TempDir()
	low, high := tone.Make(300e6, -10, 440, 300), tone.Make(200e6, -10, 600, 1210)
	for name, samples := range map[string][]int16{"hello.en": low, "say/en/two": high, "say/en/deux": high} {
		var b bytes.Buffer
		if err := wav.Write(&b, wav.FromSamples(samples)); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "prompts", filepath.FromSlash(name)+".wav")
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := dialFlags{hear: dir, expectHeard: "hello.en, say/en/two"}
	p, err := f.pack()
	if err != nil {
		t.Fatal(err)
	}
	samples := slices.Concat(low, high)
	for i, s := range samples {
		samples[i] = g711.DecodeA(g711.EncodeA(s)) // as a telephone hears it
	}
	var out strings.Builder
	found := heardPrompts(&out, p, samples)
	want := "heard at 0.00 s for 0.30 s: hello.en\nheard at 0.30 s for 0.20 s: say/en/deux\n"
	if out.String() != want {
		t.Errorf("told %q, want %q", out.String(), want)
	}
	if err = f.verdictHeard(p, found); err != nil {
		t.Error(err)
	}
	f.expectHeard = "say/en/two,hello.en"
	if f.verdictHeard(p, found) == nil {
		t.Error("the wrong order is accepted")
	}
}

func TestDialNeedsSoundsToRecognise(t *testing.T) {
	if _, err := (&dialFlags{expectHeard: "hello.en"}).pack(); err == nil {
		t.Error("expectations without sounds are accepted")
	}
	if _, err := (&dialFlags{hear: t.TempDir()}).pack(); err == nil {
		t.Error("a directory without prompts is accepted")
	}
}
