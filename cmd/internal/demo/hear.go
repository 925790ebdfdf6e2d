package demo

import (
	"crypto/sha256"
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

// ears know the sounds that a call may hear.
type ears struct {
	pack recognise.Pack
	// names tells sounds that are the same by the first one's name: 亿 and 一
	// before 百 are.
	names map[string]string
	same  map[[sha256.Size]byte]string
}

// pack loads the sounds that the call may hear; nil if nobody asked.
func (f *dialFlags) pack() (*ears, error) {
	if f.hear == "" {
		if f.expectHeard != "" {
			return nil, errors.New("--expect-heard needs --hear DIR, where the sounds are")
		}
		return nil, nil //nolint:nilnil // no pack, and that is right
	}
	dir := filepath.Join(f.hear, "prompts")
	e := &ears{names: map[string]string{}, same: map[[sha256.Size]byte]string{}}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name, sound := strings.CutSuffix(path, ".wav")
		if err != nil || d.IsDir() || !sound {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return fmt.Errorf("name of %s: %w", path, err)
		}
		return e.add(filepath.ToSlash(rel), path)
	})
	if err != nil {
		return nil, fmt.Errorf("--hear: %w", err)
	}
	return e, nil
}

func (e *ears) add(name, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read a sound: %w", err)
	}
	clip, err := prompt.LoadClip(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	sum := sha256.Sum256(clip.ALaw())
	if first, known := e.same[sum]; known {
		e.names[name] = first
		return nil
	}
	e.names[name], e.same[sum] = name, name
	e.pack.Add(name, clip)
	return nil
}

// heardPrompts lists what was recognised.
func heardPrompts(out io.Writer, e *ears, samples []int16) []recognise.Found {
	if e == nil {
		return nil
	}
	found := e.pack.Find(samples)
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
func (f *dialFlags) verdictHeard(e *ears, found []recognise.Found) error {
	if f.expectHeard == "" {
		return nil
	}
	for want := range strings.SplitSeq(f.expectHeard, ",") {
		want = strings.TrimSpace(want)
		name, known := e.names[want]
		if !known {
			return fmt.Errorf("%w: there is no sound prompts/%s.wav", ErrExpectation, want)
		}
		i := slices.IndexFunc(found, func(got recognise.Found) bool { return got.Name == name })
		if i < 0 {
			return fmt.Errorf("%w: %s was not heard, or not in this order", ErrExpectation, want)
		}
		found = found[i+1:]
	}
	return nil
}
