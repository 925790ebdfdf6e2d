package record

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tierline/media/wav"
)

// Partial is what stands behind the name of a recording that is not complete.
const Partial = ".partial"

// File is a recording that grows: A-law, 8 kHz, of one channel or two.
type File struct {
	f        *os.File
	path     string
	channels int
}

// Create begins the recording of so many channels that will have a certain
// name. Its directory must be there.
func Create(path string, channels int) (*File, error) {
	if _, err := os.Stat(path); err == nil {
		return nil, fmt.Errorf("create recording %s: %w", path, fs.ErrExist)
	}
	f, err := os.OpenFile(path+Partial, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create recording: %w", err)
	}
	header, _ := wav.Header(wav.ALaw, channels, 0)
	if _, err := f.Write(header); err != nil {
		return nil, errors.Join(fmt.Errorf("create recording: %w", err), f.Close(), os.Remove(f.Name()))
	}
	return &File{f: f, path: path, channels: channels}, nil
}

// Write appends sound, the channels' samples in turn.
func (f *File) Write(alaw []byte) error {
	if _, err := f.f.Write(alaw); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return nil
}

// Finish cuts the recording off after some samples of each channel and gives
// it its name.
// Whatever goes wrong, nothing is left behind.
func (f *File) Finish(samples int) error {
	err := errors.Join(f.seal(samples), f.f.Close())
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
func (f *File) seal(samples int) error {
	header, pad := wav.Header(wav.ALaw, f.channels, samples)
	end := int64(len(header) + f.channels*samples)
	if err := f.f.Truncate(end); err != nil {
		return err
	}
	if _, err := f.f.WriteAt(header, 0); err != nil {
		return err
	}
	if _, err := f.f.WriteAt(make([]byte, pad), end); err != nil {
		return err
	}
	return f.f.Sync()
}

// Repair completes a recording that a crash left behind, by its own name, and
// returns how long it is. One without sound is removed, and 0 returned.
func Repair(path string) (time.Duration, error) {
	f, err := os.OpenFile(path+Partial, os.O_RDWR, 0)
	if err != nil {
		return 0, fmt.Errorf("repair recording: %w", err)
	}
	header, _ := wav.Header(wav.ALaw, 1, 0)
	n, err := f.ReadAt(header, 0)
	info, bad := f.Stat()
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err = errors.Join(err, bad); err != nil {
		return 0, errors.Join(fmt.Errorf("repair recording: %w", err), f.Close())
	}
	r := &File{f: f, path: path, channels: wav.Channels(header[:n])}
	samples := (int(info.Size()) - len(header)) / r.channels
	if samples <= 0 {
		return 0, r.Discard()
	}
	return time.Duration(samples) * time.Second / wav.Rate, r.Finish(samples)
}

// Sum returns the SHA-256 of a recording, in hex.
func Sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("sum recording: %w", err)
	}
	h := sha256.New()
	if _, err = io.Copy(h, f); err != nil {
		return "", errors.Join(fmt.Errorf("sum recording: %w", err), f.Close())
	}
	return hex.EncodeToString(h.Sum(nil)), f.Close()
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
