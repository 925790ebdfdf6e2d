package demo

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tierline/media/prompt"
	"tierline/media/recognise"
)

// pack loads the sounds that the call may hear; nil if nobody asked.
func (f *dialFlags) pack() (*recognise.Pack, error) {
	if f.hear == "" {
		if f.expectHeard != "" {
			return nil, errors.New("--expect-heard needs --hear DIR, where the sounds are")
		}
		return nil, nil //nolint:nilnil // no pack, and that is right
	}
	dir := filepath.Join(f.hear, "prompts")
	p := &recognise.Pack{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name, sound := strings.CutSuffix(path, ".wav")
		if err != nil || d.IsDir() || !sound {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return fmt.Errorf("name of %s: %w", path, err)
		}
		return addSound(p, filepath.ToSlash(rel), path)
	})
	if err != nil {
		return nil, fmt.Errorf("--hear: %w", err)
	}
	return p, nil
}

func addSound(p *recognise.Pack, name, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read a sound: %w", err)
	}
	clip, err := prompt.LoadClip(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	p.Add(name, clip)
	return nil
}

// heardPrompts lists what was recognised.
func heardPrompts(out io.Writer, p *recognise.Pack, samples []int16) []recognise.Found {
	if p == nil {
		return nil
	}
	found := p.Find(samples)
	for _, f := range found {
		part := ""
		if !f.Whole {
			part = ", cut"
		}
		_, _ = fmt.Fprintf(out, "heard at %.2f s for %.2f s: %s%s\n", f.At.Seconds(), f.Length.Seconds(), f.Name, part)
	}
	return found
}

// verdictHeard wants the expected prompts in their order; others may come
// between.
func (f *dialFlags) verdictHeard(found []recognise.Found) error {
	if f.expectHeard == "" {
		return nil
	}
	for want := range strings.SplitSeq(f.expectHeard, ",") {
		want = strings.TrimSpace(want)
		i := slices.IndexFunc(found, func(got recognise.Found) bool { return got.Name == want })
		if i < 0 {
			return fmt.Errorf("%w: %s was not heard, or not in this order", ErrExpectation, want)
		}
		found = found[i+1:]
	}
	return nil
}
