// Command prompts makes the demo centre's prompt pack: one A-law WAV file for
// each prompt and language of its documents, and the music on hold.
//
//	go run ./.ci/prompts [-service testdata/demo] [-only ID]
//
// The voices are espeak-ng's, reading Chinese from pinyin because its readings
// of characters are often wrong; sox brings them to 8 kHz. The pack is
// committed, so nobody needs either program to run the demo.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"tierline/media/g711"
	"tierline/media/wav"
)

func main() {
	service := flag.String("service", "testdata/demo", "service directory")
	only := flag.String("only", "", "make this prompt alone")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *service, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "prompt pack not made:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, service, only string) error {
	for _, tool := range []string{"espeak-ng", "sox"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is missing (Debian: apt install espeak-ng sox): %w", tool, err)
		}
	}
	texts, err := texts(service)
	if err != nil {
		return err
	}
	dir := filepath.Join(service, "prompts")
	if err := os.MkdirAll(filepath.Join(dir, "music"), 0o755); err != nil {
		return fmt.Errorf("make prompt directory: %w", err)
	}
	for _, t := range texts {
		if only != "" && t.id != only {
			continue
		}
		if err := speak(ctx, filepath.Join(dir, t.id+"."+t.language+".wav"), t); err != nil {
			return fmt.Errorf("prompt %s.%s: %w", t.id, t.language, err)
		}
	}
	if only != "" {
		return nil
	}
	if err := stale(dir, texts); err != nil {
		return err
	}
	return save(filepath.Join(dir, "music", "hold-1.wav"), music())
}

// text is one prompt in one language.
type text struct {
	id, language, words, pinyin string
}

// texts collects the prompts of all documents; the same id in two documents
// must say the same.
func texts(service string) ([]text, error) {
	files, err := filepath.Glob(filepath.Join(service, "flows", "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("list flows: %w", err)
	}
	files = append(files, filepath.Join(service, "features.yaml"))
	var all []text
	for _, f := range files {
		found, err := read(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b text) int {
		return strings.Compare(a.id+"."+a.language, b.id+"."+b.language)
	})
	var out []text
	for _, t := range all {
		if n := len(out); n > 0 && out[n-1].id == t.id && out[n-1].language == t.language {
			if out[n-1] != t {
				return nil, fmt.Errorf("prompt %s.%s says %q here and %q there", t.id, t.language, out[n-1].words, t.words)
			}
			continue
		}
		out = append(out, t)
	}
	return out, nil
}

// read takes the prompts of one document.
func read(file string) ([]text, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	var doc struct {
		Prompts map[string]any `yaml:"prompts"`
	}
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return nil, fmt.Errorf("parse document: %w", err)
	}
	var out []text
	for id, v := range doc.Prompts {
		if list, ok := v.([]any); ok {
			for _, segment := range list {
				out = append(out, languages(id, segment)...)
			}
			continue
		}
		out = append(out, languages(id, v)...)
	}
	return out, nil
}

// languages reads {zh: …, en: …, pinyin: …}; a file's name is no text.
func languages(id string, v any) []text {
	m, _ := v.(map[string]any)
	var out []text
	pinyin, _ := m["pinyin"].(string)
	for language, words := range m {
		s, _ := words.(string)
		switch language {
		case "zh":
			out = append(out, text{id: id, language: "zh", words: s, pinyin: pinyin})
		case "en":
			out = append(out, text{id: id, language: "en", words: s})
		}
	}
	return out
}

var errNoPinyin = errors.New("a Chinese text needs pinyin")

// speak makes one file: speech, 8 kHz, silence trimmed to a breath at both
// ends, peak at −3 dB.
func speak(ctx context.Context, file string, t text) error {
	voice, words, speed := "en-us+f3", t.words, "160"
	if t.language == "zh" {
		if t.pinyin == "" {
			return errNoPinyin
		}
		voice, words, speed = "cmn-latn-pinyin+f3", t.pinyin, "150"
	}
	said, err := output(exec.CommandContext(ctx, "espeak-ng", "-v", voice, "-s", speed, "--stdout", "--", words), nil)
	if err != nil {
		return err
	}
	raw, err := output(exec.CommandContext(ctx, "sox", "-D", "-t", "wav", "-", "-t", "raw",
		"-e", "signed", "-b", "16", "-c", "1", "-r", "8000", "-", "gain", "-6", "rate", "8000", "highpass", "120",
		"silence", "1", "0.02", "0.5%", "reverse", "silence", "1", "0.02", "0.5%", "reverse",
		"pad", "0.05", "0.15", "gain", "-n", "-3"), said)
	if err != nil {
		return err
	}
	pcm := make([]int16, len(raw)/2)
	for i := range pcm {
		pcm[i] = int16(uint16(raw[2*i]) | uint16(raw[2*i+1])<<8)
	}
	return save(file, pcm)
}

func output(cmd *exec.Cmd, stdin []byte) ([]byte, error) {
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", cmd.Args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

// save writes samples as A-law, leaving a file that would not change alone.
func save(file string, pcm []int16) error {
	a := wav.Audio{Format: wav.ALaw, Data: make([]byte, len(pcm))}
	for i, s := range pcm {
		a.Data[i] = g711.EncodeA(s)
	}
	var b bytes.Buffer
	if err := wav.Write(&b, a); err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, b.Bytes()) {
		return nil
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write prompt: %w", err)
	}
	fmt.Printf("%5.1f s  %s\n", float64(len(pcm))/rate, file)
	return nil
}

// stale removes files that no document asks for any more.
func stale(dir string, texts []text) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.wav"))
	if err != nil {
		return fmt.Errorf("list prompts: %w", err)
	}
	for _, f := range files {
		id, language, _ := strings.Cut(strings.TrimSuffix(filepath.Base(f), ".wav"), ".")
		if slices.ContainsFunc(texts, func(t text) bool { return t.id == id && t.language == language }) {
			continue
		}
		if err := os.Remove(f); err != nil {
			return fmt.Errorf("remove prompt nobody uses: %w", err)
		}
		fmt.Printf("removed  %s: no document has it\n", f)
	}
	return nil
}
