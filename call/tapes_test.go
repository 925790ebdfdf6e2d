package call

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// days lists the days of which there are recordings, and what else is there.
func days(t *testing.T, dir string) (list []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		name, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, filepath.ToSlash(name))
	}
	return list
}

func TestOldRecordingsGoByTheDay(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { // time begins at 2000-01-01
		for _, day := range []string{"1998/12/31", "1999/12/30", "1999/12/31", "2000/01/01", "1999/99/99", "notes/of/mine"} {
			if err := os.MkdirAll(filepath.Join(dir, day), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, day, "c1-1.wav"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		tapes, err := OpenTapes(dir, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		tapes.Keep(0, slog.New(slog.DiscardHandler), nil) // for ever
		done := make(chan struct{})
		go tapes.Keep(24*time.Hour, slog.New(slog.DiscardHandler), done)
		synctest.Wait()
		want := []string{"1999/12/31", "1999/99/99", "2000/01/01", "notes/of/mine"}
		if got := days(t, dir); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if _, err := os.Stat(filepath.Join(dir, "1998")); err == nil {
			t.Error("an empty year is left")
		}
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		if got := days(t, dir); !slices.Equal(got, append(want[1:2:2], want[2:]...)) {
			t.Errorf("a day later %q", got)
		}
		close(done)
		synctest.Wait()
	})
}
