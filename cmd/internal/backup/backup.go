package backup

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Format is the version of the file:
//
//	gzip, in it tar, in it
//	manifest.json    what follows
//	state            the replicated state after an entry, see cluster.Image
//	story.db         call records, events, numbers and the list of recordings
//	prompts/SHA.wav  the sounds that documents name
const Format = 1

// Names of parts.
const (
	manifest  = "manifest.json"
	State     = "state"
	Records   = "story.db"
	soundsDir = "prompts/"
)

// maxManifest bounds what is read of a manifest.
const maxManifest = 16 << 20

// ErrDamaged says that a file isn't what was written.
var ErrDamaged = errors.New("backup is damaged")

// Manifest is what a file says of itself.
type Manifest struct {
	Format  int       `json:"format"`
	Release string    `json:"release"`
	Cluster string    `json:"cluster,omitempty"`
	Node    string    `json:"node"` // who wrote it
	Made    time.Time `json:"made"`
	Index   uint64    `json:"index"` // of the last entry in the state
	Term    uint64    `json:"term"`
	Files   []File    `json:"files"`
	Missing []string  `json:"missing,omitempty"` // sounds that the node didn't have
}

// File is one part, as the manifest has it.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Part is one part to be written. It is read twice.
type Part struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// SoundName is the name of a sound's part.
func SoundName(sha string) string { return soundsDir + sha + ".wav" }

// IsSound tells whether a part is a sound.
func IsSound(name string) bool { return strings.HasPrefix(name, soundsDir) }

// Write writes a file.
func Write(w io.Writer, m Manifest, parts []Part) error {
	m.Format, m.Files = Format, nil
	for _, p := range parts {
		f, err := measure(p)
		if err != nil {
			return err
		}
		m.Files = append(m.Files, f)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	err = put(t, m.Made, manifest, int64(len(text)), strings.NewReader(string(text)))
	for i, p := range parts {
		if err == nil {
			err = copyPart(t, m.Made, p, m.Files[i].Size)
		}
	}
	if err != nil {
		return fmt.Errorf("write backup: %w", err) // without its end it is no file
	}
	if err = errors.Join(t.Close(), z.Close()); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	return nil
}

func measure(p Part) (File, error) {
	r, err := p.Open()
	if err != nil {
		return File{}, fmt.Errorf("read %s: %w", p.Name, err)
	}
	sum := sha256.New()
	n, err := io.Copy(sum, r)
	if err = errors.Join(err, r.Close()); err != nil {
		return File{}, fmt.Errorf("read %s: %w", p.Name, err)
	}
	return File{Name: p.Name, Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

func copyPart(t *tar.Writer, made time.Time, p Part, size int64) error {
	r, err := p.Open()
	if err != nil {
		return err
	}
	return errors.Join(put(t, made, p.Name, size, r), r.Close())
}

func put(t *tar.Writer, made time.Time, name string, size int64, r io.Reader) error {
	if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: made}); err != nil {
		return err
	}
	_, err := io.CopyN(t, r, size)
	return err
}

// Read reads a file and hands over each part. Only when it returns without an
// error is what was handed over complete and right.
func Read(r io.Reader, take func(name string, r io.Reader) error) (m Manifest, err error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	t := tar.NewReader(z)
	if m, err = readManifest(t); err != nil {
		return m, err
	}
	for _, f := range m.Files {
		if err = readPart(t, f, take); err != nil {
			return m, err
		}
	}
	if _, err = t.Next(); !errors.Is(err, io.EOF) {
		return m, fmt.Errorf("%w: there is more in it than it says", ErrDamaged)
	}
	if _, err = io.Copy(io.Discard, z); err != nil { // its checksum is at the end
		return m, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return m, nil
}

func readManifest(t *tar.Reader) (m Manifest, err error) {
	h, err := t.Next()
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if h.Name != manifest || h.Size > maxManifest {
		return m, fmt.Errorf("%w: it doesn't begin with %s", ErrDamaged, manifest)
	}
	if err = json.NewDecoder(t).Decode(&m); err != nil {
		return m, fmt.Errorf("%w: %s: %w", ErrDamaged, manifest, err)
	}
	if m.Format != Format {
		return m, fmt.Errorf("backup of format %d, made by release %.40q: this release reads %d",
			m.Format, m.Release, Format)
	}
	return m, nil
}

func readPart(t *tar.Reader, f File, take func(name string, r io.Reader) error) error {
	h, err := t.Next()
	switch {
	case err != nil:
		return fmt.Errorf("%w: %s: %w", ErrDamaged, f.Name, err)
	case h.Name != f.Name || h.Size != f.Size:
		return fmt.Errorf("%w: %.80q of %d bytes in place of %s of %d", ErrDamaged, h.Name, h.Size, f.Name, f.Size)
	case f.Name != State && f.Name != Records && !IsSound(f.Name):
		return fmt.Errorf("%w: %.80q is no part of this format", ErrDamaged, f.Name)
	}
	sum := sha256.New()
	in := io.TeeReader(t, sum)
	if err = take(f.Name, in); err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	if _, err = io.Copy(io.Discard, in); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, f.Name, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
		return fmt.Errorf("%w: %s has another SHA-256 than it says", ErrDamaged, f.Name)
	}
	return nil
}

// Check reads a file to its end.
func Check(r io.Reader) (Manifest, error) {
	return Read(r, func(string, io.Reader) error { return nil })
}
