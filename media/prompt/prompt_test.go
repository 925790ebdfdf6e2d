package prompt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tierline/media/g711"
	"tierline/media/wav"
)

func sound(t testing.TB, a wav.Audio) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := wav.Write(&b, a); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLoadClip(t *testing.T) {
	pcm := make([]int16, 161)
	law := make([]byte, 161)
	for i := range pcm {
		pcm[i], law[i] = int16(i*200-16000), byte(i)
	}
	for _, a := range []wav.Audio{
		wav.FromSamples(pcm), {Format: wav.ALaw, Data: law}, {Format: wav.MuLaw, Data: law},
	} {
		c, err := LoadClip(bytes.NewReader(sound(t, a)))
		if err != nil {
			t.Fatal(err)
		}
		if c.Duration() != 161*125*time.Microsecond || len(c.ALaw()) != 161 || len(c.MuLaw()) != 161 {
			t.Errorf("%v: %v, %d and %d bytes", a.Format, c.Duration(), len(c.ALaw()), len(c.MuLaw()))
		}
		for i := range 161 {
			var wantA, wantU byte
			switch a.Format {
			case wav.ALaw:
				wantA, wantU = law[i], g711.AToU(law[i])
			case wav.MuLaw:
				wantA, wantU = g711.UToA(law[i]), law[i]
			case wav.PCM16:
				wantA, wantU = g711.EncodeA(pcm[i]), g711.EncodeU(pcm[i])
			}
			if c.ALaw()[i] != wantA || c.MuLaw()[i] != wantU {
				t.Fatalf("%v, sample %d: %#x and %#x", a.Format, i, c.ALaw()[i], c.MuLaw()[i])
			}
		}
	}
	if _, err := LoadClip(strings.NewReader("not a sound")); !errors.Is(err, wav.ErrInvalid) {
		t.Errorf("%v", err)
	}
}

func TestSilence(t *testing.T) {
	c := Silence(30)
	if c.Duration() != 30*time.Millisecond || !bytes.Equal(c.ALaw(), bytes.Repeat([]byte{g711.IdleA}, 240)) {
		t.Errorf("%v, % x", c.Duration(), c.ALaw())
	}
	for _, s := range c.MuLaw() {
		if v := g711.DecodeU(s); v < -8 || v > 8 {
			t.Fatalf("silence of %d", v)
		}
	}
	if c := Silence(-1); c.Duration() != 0 || len(c.ALaw()) != 0 {
		t.Errorf("%v", c.Duration())
	}
}

func open(t *testing.T, dir string) *Library {
	t.Helper()
	l, err := OpenLibrary(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLibrary(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "library")
	l := open(t, dir)
	b := sound(t, wav.FromSamples(make([]int16, 400)))
	sum := sha256.Sum256(b)
	want := hex.EncodeToString(sum[:])
	for range 2 {
		sha, err := l.Put(bytes.NewReader(b))
		if err != nil || sha != want {
			t.Fatalf("%s, %v", sha, err)
		}
	}
	if on, err := os.ReadFile(filepath.Join(dir, want+".wav")); err != nil || !bytes.Equal(on, b) {
		t.Fatalf("%d bytes on disk, %v", len(on), err)
	}
	first, err := l.Get(want)
	if err != nil || first.Duration() != 50*time.Millisecond {
		t.Fatalf("%v, %v", first, err)
	}
	if second, err := l.Get(want); err != nil || second != first {
		t.Error("not cached")
	}
	// Another process, or after a restart.
	if c, err := open(t, dir).Get(want); err != nil || c.Duration() != first.Duration() {
		t.Errorf("%v, %v", c, err)
	}
}

func TestLibraryRefuses(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	if _, err := l.Put(strings.NewReader("no sound")); !errors.Is(err, wav.ErrInvalid) {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%d files left", len(left))
	}
	none := strings.Repeat("ab", 32)
	for _, sha := range []string{"", "x", none, strings.ToUpper(none), "../../etc/passwd", strings.Repeat("/", 64), none + "00"} {
		if _, err := l.Get(sha); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", sha, err)
		}
	}
	// A file whose contents are not what its name says.
	if err := os.WriteFile(filepath.Join(dir, none+".wav"), sound(t, wav.FromSamples(make([]int16, 4))), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Get(none); !errors.Is(err, wav.ErrInvalid) {
		t.Errorf("%v", err)
	}
}

func TestLibraryForgetsInterruptedPuts(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "abc.123.partial")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := OpenLibrary(filepath.Join(dir, "file", "x")); err != nil {
		t.Errorf("%v", err)
	}
}

func TestLibraryCacheIsBounded(t *testing.T) {
	l := open(t, t.TempDir())
	c := &Clip{alaw: make([]byte, cacheSize/8), mulaw: make([]byte, cacheSize/8)}
	for _, sha := range []string{"a", "b", "c", "d"} {
		l.remember(sha, c)
	}
	if l.recall("a") == nil { // and now b is the oldest
		t.Fatal("forgotten too early")
	}
	l.remember("e", c)
	if l.recall("b") != nil || l.recall("a") == nil || l.recall("e") == nil || l.size != cacheSize {
		t.Errorf("cache of %d with %d clips", l.size, l.recent.Len())
	}
}

func TestLibraryIsShared(t *testing.T) {
	l := open(t, t.TempDir())
	var wait sync.WaitGroup
	for i := range 8 {
		b := sound(t, wav.FromSamples(make([]int16, 100+i%2)))
		wait.Go(func() {
			sha, err := l.Put(bytes.NewReader(b))
			if err != nil {
				t.Error(err)
			}
			if _, err := l.Get(sha); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}
