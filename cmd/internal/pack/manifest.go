package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"tierline/call/service"
)

// Source says where a sound comes from.
type Source string

// Sources.
const (
	Machine  Source = "machine"  // a speech engine made it
	Recorded Source = "recorded" // made of a file in recordings/
	Given    Source = "given"    // somebody put it into prompts/ as it is
)

// entry is what the pack's document says about one sound.
type entry struct {
	Source Source `yaml:"source"`
	Sound  string `yaml:"sound"`         // of the file in prompts/
	Text   string `yaml:"text"`          // hash of the text that it speaks, as the pack first saw it
	Of     string `yaml:"of,omitempty"`  // recorded: of the file in recordings/
	Key    string `yaml:"key,omitempty"` // of everything that makes the sound
}

// manifest is the pack's document.
type manifest struct {
	Sounds map[string]entry `yaml:"sounds"`
}

func readManifest(dir string) (manifest, error) {
	m := manifest{Sounds: map[string]entry{}}
	b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(service.PackFile)))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("read the pack's document: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(b, &m, yaml.Strict()); err != nil {
		return m, fmt.Errorf("%s: %w (delete it if you don't know why: the sounds there are count as given then)",
			service.PackFile, err)
	}
	if m.Sounds == nil {
		m.Sounds = map[string]entry{}
	}
	return m, nil
}

const manifestHead = `# Where the sounds of this directory come from, and which texts they speak. Kept
# by tierline prompts build: don't edit it.
sounds:
`

// write stores the document, unless it says the same already.
func (m manifest) write(dir string) error {
	var b strings.Builder
	b.WriteString(manifestHead)
	for _, key := range slices.Sorted(maps.Keys(m.Sounds)) {
		e := m.Sounds[key]
		fmt.Fprintf(&b, "  %s: {source: %s, sound: %q, text: %q", key, e.Source, e.Sound, e.Text)
		if e.Of != "" {
			fmt.Fprintf(&b, ", of: %q", e.Of)
		}
		if e.Key != "" {
			fmt.Fprintf(&b, ", key: %q", e.Key)
		}
		b.WriteString("}\n")
	}
	file := filepath.Join(dir, filepath.FromSlash(service.PackFile))
	if old, err := os.ReadFile(file); err == nil && string(old) == b.String() {
		return nil
	}
	return replace(file, []byte(b.String()))
}

// replace makes a file appear whole.
func replace(file string, b []byte) (err error) {
	if err = os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", file, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// hash names contents shortly: 64 bits are enough to see a change.
func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// textHash names what a sound speaks. Pinyin is not part of it: it says how a
// machine reads the text, and people read it without.
func textHash(w service.Wanted) string { return hash(w.Text) }
