package store

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd/report"
)

func TestACopyIsWhole(t *testing.T) {
	s, stories := newFile(t), day(40)
	fold := report.NewFold()
	for _, story := range stories[:len(stories)/2] {
		fold.Take(story)
	}
	commit := func() {
		t.Helper()
		b, err := fold.Flush()
		if err == nil {
			err = s.Commit(t.Context(), b, true)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	commit()
	want, err := s.CDRs(t.Context(), Query{Limit: 100})
	if err != nil || len(want) == 0 {
		t.Fatalf("%d records, %v", len(want), err)
	}
	file := filepath.Join(t.TempDir(), "copy.db")
	at, err := s.Copy(t.Context(), file)
	if err != nil || at != uint64(len(stories)/2) {
		t.Fatalf("copied up to %d, %v", at, err)
	}
	for _, story := range stories[len(stories)/2:] { // the original goes on
		fold.Take(story)
	}
	commit()
	c, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if bad := c.Close(); bad != nil {
			t.Error(bad)
		}
	})
	got, err := c.CDRs(t.Context(), Query{Limit: 100})
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v (-original +copy):\n%s", err, d)
	}
	if _, err := s.Copy(t.Context(), file); err == nil {
		t.Error("a copy was written over a file")
	}
}
