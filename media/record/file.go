package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tierline/media/wav"
)

// Partial is what stands behind the name of a recording that is not complete.
const Partial = ".partial"

// File is a recording that grows: A-law, 8 kHz, mono.
type File struct {
	f    *os.File
	path string
}

// Create begins the recording that will have a certain name. Its directory
// must be there.
func Create(path string) (*File, error) {
	f, err := os.OpenFile(path+Partial, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create recording: %w", err)
	}
	header, _ := wav.Header(wav.ALaw, 0)
	if _, err := f.Write(header); err != nil {
		return nil, errors.Join(fmt.Errorf("create recording: %w", err), f.Close(), os.Remove(f.Name()))
	}
	return &File{f: f, path: path}, nil
}

// Write appends sound.
func (f *File) Write(alaw []byte) error {
	if _, err := f.f.Write(alaw); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return nil
}

// Finish cuts the recording off after some samples and gives it its name.
// Whatever goes wrong, nothing is left behind.
func (f *File) Finish(samples int) error {
	err := errors.Join(seal(f.f, samples), f.f.Close())
	if err == nil {
		err = os.Rename(f.f.Name(), f.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("finish recording: %w", err), os.Remove(f.f.Name()))
	}
	return nil
}

// Discard throws the recording away.
func (f *File) Discard() error {
	if err := errors.Join(f.f.Close(), os.Remove(f.f.Name())); err != nil {
		return fmt.Errorf("discard recording: %w", err)
	}
	return nil
}

// seal writes the header that a number of samples needs, and sees to it that
// all of it is on the disk.
func seal(f *os.File, samples int) error {
	header, pad := wav.Header(wav.ALaw, samples)
	end := int64(len(header) + samples)
	if err := f.Truncate(end); err != nil {
		return err
	}
	if _, err := f.WriteAt(header, 0); err != nil {
		return err
	}
	if _, err := f.WriteAt(make([]byte, pad), end); err != nil {
		return err
	}
	return f.Sync()
}

// Repair completes a recording that a crash left behind, by its own name, and
// returns how long it is. One without sound is removed, and 0 returned.
func Repair(path string) (time.Duration, error) {
	f, err := os.OpenFile(path+Partial, os.O_RDWR, 0)
	if err != nil {
		return 0, fmt.Errorf("repair recording: %w", err)
	}
	r := &File{f: f, path: path}
	info, err := f.Stat()
	if err != nil {
		return 0, errors.Join(fmt.Errorf("repair recording: %w", err), f.Close())
	}
	header, _ := wav.Header(wav.ALaw, 0)
	samples := int(info.Size()) - len(header)
	if samples <= 0 {
		return 0, r.Discard()
	}
	return time.Duration(samples) * time.Second / wav.Rate, r.Finish(samples)
}

// Left returns the names of all recordings below a directory that a crash left
// incomplete, as Repair takes them.
func Left(dir string) (names []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(path, Partial); err == nil && ok && d.Type().IsRegular() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return names, fmt.Errorf("look for recordings: %w", err)
	}
	return names, nil
}
