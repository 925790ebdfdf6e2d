package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tierline/media/wav"
)

func create(t *testing.T, path string) *File {
	t.Helper()
	f, err := Create(path, 1)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a, err := wav.Decode(b)
	if err != nil || a.Format != wav.ALaw {
		t.Fatalf("%v, %v", a.Format, err)
	}
	return a.Data
}

func TestFinish(t *testing.T) {
	sound := []byte("anything is a sound in A-law")
	for n := 1; n <= len(sound); n++ { // even and odd: the padding of RIFF
		path := filepath.Join(t.TempDir(), "a.wav")
		f := create(t, path)
		for _, b := range sound {
			if err := f.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Fatal("it is there before it is complete")
			}
		}
		if err := f.Finish(n); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); !bytes.Equal(got, sound[:n]) {
			t.Errorf("%q, want %q", got, sound[:n])
		}
	}
}

func TestDiscard(t *testing.T) {
	dir := t.TempDir()
	f := create(t, filepath.Join(dir, "a.wav"))
	if err := errors.Join(f.Write(make([]byte, 100)), f.Discard()); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v left, %v", left, err)
	}
}

func TestTwoOfOneName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.wav")
	f := create(t, path)
	if _, err := Create(path, 1); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
	if err := f.Discard(); err != nil {
		t.Error(err)
	}
}

// TestRepair cuts the process off after every number of bytes.
func TestRepair(t *testing.T) {
	header, _ := wav.Header(wav.ALaw, 1, 0)
	for n := 0; n <= len(header)+9; n++ {
		path := filepath.Join(t.TempDir(), "a.wav")
		whole := append(bytes.Clone(header), "123456789"...)
		if err := os.WriteFile(path+Partial, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		names, err := Left(filepath.Dir(path))
		if err != nil || len(names) != 1 || names[0] != path {
			t.Fatalf("%v, %v", names, err)
		}
		d, err := Repair(path)
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		want := max(0, n-len(header))
		if d != time.Duration(want)*125*time.Microsecond {
			t.Errorf("%d bytes: %v", n, d)
		}
		if want > 0 && string(read(t, path)) != "123456789"[:want] {
			t.Errorf("%d bytes: %q", n, read(t, path))
		}
		if names, err = Left(filepath.Dir(path)); err != nil || len(names) != 0 {
			t.Errorf("%d bytes: %v still left, %v", n, names, err)
		}
	}
	if _, err := Repair(filepath.Join(t.TempDir(), "b.wav")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := Left(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := &File{f: full, channels: 1, path: filepath.Join(t.TempDir(), "a.wav")}
	if err := f.Write(make([]byte, 100)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	if err := full.Close(); err != nil {
		t.Error(err)
	}
}

// Two channels left by a crash: what is half a sample at the end is cut off.
func TestRepairOfTwoChannels(t *testing.T) {
	for n, want := range []int{0, 0, 1, 1, 2} {
		path := filepath.Join(t.TempDir(), "a.wav")
		f, err := Create(path, 2)
		if err != nil {
			t.Fatal(err)
		}
		if err = errors.Join(f.Write([]byte("LRLR")[:n]), f.f.Close()); err != nil {
			t.Fatal(err)
		}
		d, err := Repair(path)
		if err != nil || d != time.Duration(want)*125*time.Microsecond {
			t.Fatalf("%d bytes: %v, %v", n, d, err)
		}
		if want == 0 {
			continue
		}
		b, err := os.ReadFile(path)
		header, _ := wav.Header(wav.ALaw, 2, want)
		if err != nil || !bytes.Equal(b, append(header, "LRLR"[:2*want]...)) {
			t.Errorf("%d bytes: % x, %v", n, b, err)
		}
		sum, err := Sum(path)
		if is := sha256.Sum256(b); err != nil || sum != hex.EncodeToString(is[:]) {
			t.Errorf("%s, %v", sum, err)
		}
	}
	if _, err := Sum(filepath.Join(t.TempDir(), "b.wav")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestRecordingIsNeverWrittenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c-1.wav")
	if err := os.WriteFile(path, []byte("the first"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path, 2); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "the first" {
		t.Errorf("%q, %v", text, err)
	}
}
