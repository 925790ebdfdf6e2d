package service

import (
	"path"
	"strings"
)

// Directories of sounds in a service directory.
const (
	SoundsDir     = "prompts"    // what is played
	RecordingsDir = "recordings" // what people recorded, of any rate; prompts are made of it
	// PackFile says where the sounds come from; `tierline prompts` keeps it.
	PackFile = SoundsDir + "/pack.yaml"
)

// fragments is the prefix of the sounds that readings are made of.
const fragments = "say/"

// FragmentKey is the key of a fragment's sound in a bundle.
func FragmentKey(fragment, language string) string { return soundKey(fragments+fragment, language) }

// SoundFile returns the path of a sound: prompts/welcome.zh.wav,
// prompts/say/zh/yi4.wav, prompts/music/hold-1.wav.
func SoundFile(key string) string { return path.Join(SoundsDir, soundPath(key)) }

// RecordingFile returns the path of what was recorded for a sound.
func RecordingFile(key string) string { return path.Join(RecordingsDir, soundPath(key)) }

func soundPath(key string) string {
	fragment, ok := strings.CutPrefix(key, fragments)
	if !ok {
		return key + ".wav"
	}
	name, language, _ := strings.Cut(fragment, ".")
	return path.Join(fragments, language, name+".wav")
}

// SoundKey is the inverse of SoundFile and RecordingFile, for a path below the
// directory.
func SoundKey(file string) (key string, ok bool) {
	name, ok := strings.CutSuffix(file, ".wav")
	if !ok {
		return "", false
	}
	fragment, ok := strings.CutPrefix(name, fragments)
	if !ok {
		return name, true
	}
	language, fragment, ok := strings.Cut(fragment, "/")
	return FragmentKey(fragment, language), ok && !strings.ContainsAny(fragment, "/.")
}
