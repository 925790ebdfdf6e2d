package call

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"tierline/media/prompt"
)

// ErrRecording says that a recording's name can't be one of ours.
var ErrRecording = errors.New("no name of a recording")

// Messages keeps what callers recorded, one file each: CALL-N.wav.
type Messages struct{ dir string }

// OpenMessages makes the directory if it is missing. Nobody but us reads it:
// people speak of themselves there.
func OpenMessages(dir string) (*Messages, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open messages: %w", err)
	}
	return &Messages{dir: dir}, nil
}

// Path returns the file of a recording.
func (m *Messages) Path(ref string) (string, error) {
	if m == nil || !regexp.MustCompile(`^[0-9a-f]{8,64}-[0-9]{1,9}$`).MatchString(ref) {
		return "", fmt.Errorf("%.80q: %w", ref, ErrRecording)
	}
	return filepath.Join(m.dir, ref+".wav"), nil
}

// messageKey names a recording in a bucket.
func messageKey(ref string) string { return "messages/" + ref + ".wav" }

// all are the recordings that are here.
func (m *Messages) all() (refs []string, err error) {
	files, err := os.ReadDir(m.dir)
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	for _, f := range files {
		ref, isSound := strings.CutSuffix(f.Name(), ".wav")
		if _, bad := m.Path(ref); isSound && bad == nil {
			refs = append(refs, ref)
		}
	}
	return refs, nil
}

// Clip reads a recording.
func (m *Messages) Clip(ref string) (*prompt.Clip, error) {
	name, err := m.Path(ref)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	return prompt.LoadClip(f)
}

// Drop deletes a recording; one that isn't there is no mistake.
func (m *Messages) Drop(ref string) error {
	name, err := m.Path(ref)
	if err != nil {
		return err
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("drop recording: %w", err)
	}
	return nil
}
