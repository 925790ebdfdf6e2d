package service_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/call/service"
	"tierline/media/wav"
)

func TestSoundKeys(t *testing.T) {
	for key, file := range map[string]string{
		"welcome.zh": "welcome.zh.wav", "music/hold-1": "music/hold-1.wav", "say/yi4.zh": "say/zh/yi4.wav",
		"say/er4_ling2.zh": "say/zh/er4_ling2.wav",
	} {
		if got := service.SoundFile(key); got != "prompts/"+file {
			t.Errorf("%s: %s", key, got)
		}
		if got := service.RecordingFile(key); got != "recordings/"+file {
			t.Errorf("%s: %s", key, got)
		}
		if got, ok := service.SoundKey(file); got != key || !ok {
			t.Errorf("%s: %s", file, got)
		}
	}
	for _, file := range []string{"welcome.zh.mp3", "say/yi4.wav", "say/zh/x/yi4.wav", "say/zh/yi4.zh.wav", "notes.txt"} {
		if key, ok := service.SoundKey(file); ok {
			t.Errorf("%s is the sound %s", file, key)
		}
	}
}

// A directory's sounds come with their keys; recordings and the pack's own
// document are passed over.
func TestReadSounds(t *testing.T) {
	dir := t.TempDir()
	var sound bytes.Buffer
	if err := wav.Write(&sound, wav.FromSamples([]int16{1, 2, 3})); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"prompts/welcome.zh.wav", "prompts/music/hold-1.wav", "prompts/say/zh/yi4.wav", "prompts/say/en/one.wav",
		"recordings/welcome.zh.wav", "recordings/say/zh/yi4.wav", "prompts/pack.yaml", "prompts/say/loose.wav",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, sound.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	bundle, problems := service.ReadDir(dir, nil)
	var keys []string
	for _, key := range []string{"welcome.zh", "music/hold-1", "say/yi4.zh", "say/one.en"} {
		if _, ok := bundle.Prompts[key]; !ok {
			t.Errorf("%s is missing", key)
		}
		keys = append(keys, key)
	}
	if len(bundle.Prompts) != len(keys) {
		t.Errorf("%v", bundle.Prompts)
	}
	var said []string
	for _, p := range problems {
		said = append(said, p.String())
	}
	want := "prompts/say/loose.wav:1:1: warning: the sound of a fragment is prompts/say/LANGUAGE/FRAGMENT.wav"
	if diff := cmp.Diff(want, strings.Join(said, "\n")); diff != "" {
		t.Error(diff)
	}
}
