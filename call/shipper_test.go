package call

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tierline/media"
)

// shelf is a bucket in memory.
type shelf struct {
	mu      sync.Mutex
	objects map[string]string
	broken  func(key string) error // nil: it isn't
	tried   []time.Duration        // since the beginning
	began   time.Time
}

func (s *shelf) Put(_ context.Context, key, path, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried = append(s.tried, time.Since(s.began))
	if s.broken != nil {
		if err := s.broken(key); err != nil {
			return err
		}
	}
	b, err := os.ReadFile(path)
	if err == nil {
		s.objects[key] = string(b)
	}
	return err
}

func (s *shelf) Get(_ context.Context, key string) (io.ReadSeekCloser, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.objects[key]
	if !ok {
		return nil, time.Time{}, fmt.Errorf("%w on the shelf", fs.ErrNotExist)
	}
	return closer{strings.NewReader(text)}, s.began, nil
}

func (*shelf) Place(key string) string { return "shelf:" + key }

type closer struct{ io.ReadSeeker }

func (closer) Close() error { return nil }

// warehouse is a directory of recordings and the shelf that they go to.
type warehouse struct {
	*testing.T
	dir   string
	tapes *Tapes
	shelf *shelf
	told  []string
	ship  *Shipper
	desk  *Messages
	live  atomic.Bool // each call
}

// store begins to ship in a bubble.
func (w *warehouse) start() (stop func()) {
	w.Helper()
	var err error
	if w.tapes, err = OpenTapes(w.dir, slog.New(slog.DiscardHandler)); err != nil {
		w.Fatal(err)
	}
	if w.desk, err = OpenMessages(filepath.Join(w.dir, "messages")); err != nil {
		w.Fatal(err)
	}
	a := &Archive{Tapes: w.tapes, Messages: w.desk, Bucket: w.shelf}
	live := func(string) bool { return w.live.Load() }
	w.ship = NewShipper(a, slog.New(slog.DiscardHandler), live, func(ref, place string) {
		w.shelf.mu.Lock()
		defer w.shelf.mu.Unlock()
		w.told = append(w.told, ref+" "+place)
	})
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.ship.Run(ctx)
	}()
	synctest.Wait()
	return func() {
		cancel()
		<-done
	}
}

// make completes a recording.
func (w *warehouse) make(ref string) {
	w.Helper()
	path := w.tapes.Path(ref)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("sound of "+ref), 0o600)); err != nil {
		w.Fatal(err)
	}
	c := &conversation{kept: true, about: About{Ref: ref, Call: "c", Marks: []Mark{}}}
	if err := w.tapes.settle(c, media.Taped{Length: time.Second, SHA256: "5"}); err != nil {
		w.Fatal(err)
	}
}

// here lists the sounds that are still on this machine.
func (w *warehouse) here() (refs []string) {
	w.Helper()
	found, err := filepath.Glob(filepath.Join(w.dir, "*", "*", "*", "*.wav"))
	if err != nil {
		w.Fatal(err)
	}
	for _, f := range found {
		refs = append(refs, strings.TrimSuffix(filepath.Base(f), ".wav"))
	}
	return refs
}

func inWarehouse(t *testing.T, test func(w *warehouse)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		test(&warehouse{T: t, dir: dir, shelf: &shelf{objects: map[string]string{}, began: time.Now()}})
	})
}

func TestRecordingGoesToTheStoreAndIsPlayedFromThere(t *testing.T) {
	inWarehouse(t, func(w *warehouse) {
		stop := w.start()
		w.make("2000/01/01/c-1")
		synctest.Wait()
		stop()
		if here := w.here(); len(here) > 0 || !slices.Equal(w.told, []string{"2000/01/01/c-1 shelf:2000/01/01/c-1.wav"}) {
			t.Fatalf("here %q, told %q", here, w.told)
		}
		if got := w.ship.Stats(); got != (ShipperStats{Stored: 1}) {
			t.Errorf("%+v", got)
		}
		messages, err := OpenMessages(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		a := &Archive{Tapes: w.tapes, Messages: messages, Bucket: w.shelf}
		s, err := a.Open(t.Context(), "2000/01/01/c-1")
		if err != nil {
			t.Fatal(err)
		}
		if text, bad := io.ReadAll(s); bad != nil || string(text) != "sound of 2000/01/01/c-1" || s.Name != "c-1.wav" {
			t.Errorf("%q of %s, %v", text, s.Name, bad)
		}
		here, err := a.About(t.Context(), "2000/01/01/c-1")
		if err != nil || here.Stored != "shelf:2000/01/01/c-1.wav" || here.LengthMS != 1000 {
			t.Errorf("%+v, %v", here, err)
		}
		if err = os.RemoveAll(filepath.Join(w.dir, "2000")); err != nil { // as on another node
			t.Fatal(err)
		}
		if there, err := a.About(t.Context(), "2000/01/01/c-1"); err != nil || there.Stored != here.Stored || there.SHA256 != "5" {
			t.Errorf("%+v, %v", there, err)
		}
		for _, ref := range []string{"2000/01/01/c-2", "no-tape"} {
			_, err := a.Open(t.Context(), ref)
			_, err2 := a.About(t.Context(), ref)
			if !errors.Is(err, ErrNoRecording) || !errors.Is(err2, ErrNoRecording) {
				t.Errorf("%s: %v, %v", ref, err, err2)
			}
		}
	})
}

func TestRecordingStaysHereUntilTheStoreHasIt(t *testing.T) {
	inWarehouse(t, func(w *warehouse) {
		down := true
		w.shelf.broken = func(string) error {
			if down {
				return errors.New("down")
			}
			return nil
		}
		stop := w.start()
		w.make("2000/01/01/c-1")
		time.Sleep(time.Hour)
		if got := w.ship.Stats(); len(w.here()) != 1 || got.Waiting != 1 || got.Stored != 0 {
			t.Errorf("%q, %+v", w.here(), got)
		}
		for i, at := range w.shelf.tried[1:] { // 1 s, 2 s … 5 min and a quarter more at most
			want := min(time.Second<<i, 5*time.Minute)
			if wait := at - w.shelf.tried[i]; wait < want || wait > want*5/4+time.Second {
				t.Errorf("try %d after %v, want %v", i+2, wait, want)
			}
		}
		stop()
		w.make("2000/01/01/c-2")
		down = false
		stop = w.start() // after a restart
		if here := w.here(); len(here) > 0 || len(w.told) != 2 {
			t.Errorf("here %q, told %q", here, w.told)
		}
		stop()
	})
}

func TestOneRecordingThatCantBeStoredDoesntKeepTheOthersBack(t *testing.T) {
	inWarehouse(t, func(w *warehouse) {
		w.shelf.broken = func(key string) error {
			switch key {
			case "2000/01/01/c-0.wav":
				return errors.New("too ugly")
			case "2000/01/01/c-1.wav":
				panic("too heavy")
			}
			return nil
		}
		stop := w.start()
		for i := range 20 {
			w.make(fmt.Sprintf("2000/01/01/c-%d", i))
		}
		time.Sleep(time.Minute)
		if here := w.here(); !slices.Equal(here, []string{"c-0", "c-1"}) {
			t.Errorf("%q", here)
		}
		stop()
	})
}

func TestWhatACrashLeavesBetweenStoreAndHere(t *testing.T) {
	inWarehouse(t, func(w *warehouse) {
		stop := w.start()
		stop()
		w.make("2000/01/01/c-1") // nothing is shipped now
		w.make("2000/01/01/c-2")
		about, err := w.tapes.about("2000/01/01/c-2")
		about.Stored = "shelf:2000/01/01/c-2.wav"
		err = errors.Join(err, w.tapes.describe(about), os.Remove(w.tapes.sidecar("2000/01/01/c-1")))
		if err != nil {
			t.Fatal(err)
		}
		stop = w.start()
		stop()
		if here := w.here(); !slices.Equal(here, []string{"c-1"}) || len(w.shelf.objects) > 0 || w.ship.Stats().Waiting > 0 {
			t.Errorf("here %q, there %v", here, w.shelf.objects)
		}
	})
}

func TestMessageGoesToTheStoreWhenItsCallIsOver(t *testing.T) {
	inWarehouse(t, func(w *warehouse) {
		w.live.Store(true)
		defer w.start()()
		const ref = "01a2093606d76c09-1"
		path, err := w.desk.Path(ref)
		if err = errors.Join(err, os.WriteFile(path, []byte("my line is dead"), 0o600),
			os.WriteFile(filepath.Join(w.dir, "messages", "notes.txt"), nil, 0o600)); err != nil {
			w.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		if len(w.told) > 0 {
			w.Fatalf("%q went while its caller could discard it", w.told)
		}
		w.live.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.Equal(w.told, []string{ref + " shelf:messages/" + ref + ".wav"}) {
			w.Errorf("told %q", w.told)
		}
		if _, err = os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			w.Errorf("the message is still here: %v", err)
		}
		a := &Archive{Tapes: w.tapes, Messages: w.desk, Bucket: w.shelf}
		sound, err := a.Open(w.Context(), ref)
		if err != nil {
			w.Fatal(err)
		}
		if b, bad := io.ReadAll(sound); bad != nil || string(b) != "my line is dead" {
			w.Errorf("played: %q, %v", b, bad)
		}
		if _, err = a.Open(w.Context(), "01a2093606d76c09-2"); !errors.Is(err, ErrNoRecording) {
			w.Errorf("one that is nowhere: %v", err)
		}
	})
}
