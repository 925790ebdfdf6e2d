package pack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"tierline/cmd/internal/config"
	"tierline/media/speech"
)

var errOpenSecret = errors.New("others may read it: chmod 600")

// Voices makes the engines of a node's settings. All mistakes come at once.
func Voices(engines map[string]config.Speech) (map[string]Voice, error) {
	out := map[string]Voice{}
	var wrong []error
	for _, language := range slices.Sorted(maps.Keys(engines)) {
		e := engines[language]
		if e.URL == "" {
			out[language] = Voice{
				Engine: speech.Exec{Command: e.Command, Version: e.Version, Timeout: e.Timeout}, Pinyin: e.Pinyin,
			}
			continue
		}
		h := speech.HTTP{URL: e.URL, JSON: e.JSON, Version: e.Version, Timeout: e.Timeout}
		if e.TokenFile != "" {
			token, err := readToken(e.TokenFile)
			if err != nil {
				wrong = append(wrong, fmt.Errorf("speech engine of %s: %w", language, err))
				continue
			}
			h.Header = map[string]string{"Authorization": "Bearer " + token}
		}
		out[language] = Voice{Engine: h, Pinyin: e.Pinyin}
	}
	return out, errors.Join(wrong...)
}

func readToken(file string) (string, error) {
	st, err := os.Stat(file)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("token file %s: %w", file, errOpenSecret)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// Espeak is what speaks if nothing was set: espeak-ng, if it is installed. It
// makes a centre complete, it is no voice for a live service.
func Espeak(ctx context.Context) map[string]Voice {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	said, err := exec.CommandContext(ctx, "espeak-ng", "--version").Output()
	if err != nil {
		return nil
	}
	line, _, _ := strings.Cut(string(said), "\n")
	version, _, _ := strings.Cut(line, " Data at:") // which says where this machine keeps it
	speaks := func(name, speed string) speech.Exec {
		command := []string{"espeak-ng", "-v", name, "-s", speed, "--stdin", "--stdout"}
		return speech.Exec{Command: command, Version: strings.TrimSpace(version)}
	}
	const zh, en = "cmn-latn-pinyin+f3", "en-us+f3" // the voice cmn spells pinyin in English
	return map[string]Voice{
		"zh": {Engine: speaks(zh, "150"), Pinyin: true, Fragments: speaks(zh, "185")},
		"en": {Engine: speaks(en, "160"), Fragments: speaks(en, "185")},
	}
}
