package store

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd/report"
)

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	onEach(t, func(t *testing.T, at place) {
		s, stories := at.open(t), day(40)
		fold := report.NewFold()
		for _, story := range stories {
			fold.Take(story)
		}
		b, err := fold.Flush()
		if err != nil {
			t.Fatal(err)
		}
		if err = s.Commit(t.Context(), b, true); err != nil {
			t.Fatal(err)
		}
		got, err := s.CDRs(t.Context(), Query{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(b.Ended)
		slices.Reverse(want)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("records (-written +read):\n%s", d)
		}
		events, err := s.Events(t.Context(), 0, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(b.Events, events); d != "" {
			t.Errorf("events (-written +read):\n%s", d)
		}
		one, err := s.CDR(t.Context(), "c00007")
		if err != nil || !cmp.Equal(one, b.Ended[7]) {
			t.Errorf("record of one call: %v %s", err, cmp.Diff(b.Ended[7], one))
		}
		if _, err := s.CDR(t.Context(), "nobody"); !errors.Is(err, ErrNotFound) {
			t.Errorf("an unknown call gives %v, want ErrNotFound", err)
		}
		if end, err := s.Cursor(t.Context()); err != nil || end != uint64(len(stories)) {
			t.Errorf("cursor %d (%v), want %d", end, err, len(stories))
		}
	})
}

func TestWritingTwiceChangesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, at place) {
		s := at.open(t)
		fold := report.NewFold()
		for _, story := range day(10) {
			fold.Take(story)
		}
		b, err := fold.Flush()
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err = s.Commit(t.Context(), b, false); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.CDRs(t.Context(), Query{Limit: 100})
		if err != nil || len(got) != 10 {
			t.Fatalf("%d records, error %v, want 10", len(got), err)
		}
		for _, c := range got {
			if want := 2 + 2*boolToInt(c.Answered); len(c.Segments) != want {
				t.Errorf("call %s has %d segments, want %d", c.Call, len(c.Segments), want)
			}
		}
	})
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestAReopenedFileGoesOn(t *testing.T) {
	onEach(t, func(t *testing.T, at place) {
		stories := day(20)
		first := at.open(t)
		write(t, first, stories[:57], 10)
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		second := at.open(t) // the same tables
		saved, err := second.Load(t.Context())
		if err != nil || saved.Cursor != 57 || len(saved.Calls) != 2 {
			t.Fatalf("cursor %d with %d running calls (%v), want 57 with 2", saved.Cursor, len(saved.Calls), err)
		}
		write(t, second, stories[50:], 10) // told again from before
		got, err := second.CDRs(t.Context(), Query{Limit: 100})
		if err != nil || len(got) != 20 {
			t.Fatalf("%d records, error %v, want 20", len(got), err)
		}
		if saved, err = second.Load(t.Context()); err != nil || len(saved.Calls) != 0 {
			t.Errorf("%d running calls left (%v)", len(saved.Calls), err)
		}
		if last := stories[len(stories)-1]; saved.Cursor != last.Index || saved.Wall != report.Time(last.Wall) {
			t.Errorf("they end at %d, %v; want %d, %v", saved.Cursor, saved.Wall, last.Index, last.Wall)
		}
	})
}

func TestQueries(t *testing.T) {
	onEach(t, func(t *testing.T, at place) {
		s := at.open(t)
		write(t, s, day(10), 1000)
		tests := map[string]struct {
			q    Query
			want []string
		}{
			"newest first":  {Query{Limit: 3}, []string{"c00009", "c00008", "c00007"}},
			"caller":        {Query{Number: "13800000004", Limit: 9}, []string{"c00004"}},
			"called":        {Query{Number: "10000", Limit: 1}, []string{"c00009"}},
			"part of it":    {Query{Number: "0000000", Limit: 9}, nil},
			"agent":         {Query{Agent: "1001", Limit: 2}, []string{"c00009", "c00007"}},
			"nobody":        {Query{Agent: "1002", Limit: 2}, nil},
			"from":          {Query{From: base + 840, Limit: 9}, []string{"c00009"}},
			"until":         {Query{Until: base + 11, Limit: 9}, []string{"c00000"}},
			"quote is safe": {Query{Number: "' OR 1=1 --", Limit: 9}, nil},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				got, err := s.CDRs(t.Context(), tt.q)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(tt.want, calls(got)); d != "" {
					t.Errorf("calls (-want +got):\n%s", d)
				}
			})
		}
	})
}

func calls(records []report.CDR) (names []string) {
	for _, c := range records {
		names = append(names, c.Call)
	}
	return names
}

func TestPagesFitTogether(t *testing.T) {
	onEach(t, func(t *testing.T, at place) {
		s := at.open(t)
		write(t, s, day(25), 1000)
		var got []string
		for q := (Query{Limit: 4}); ; {
			page, err := s.CDRs(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, calls(page)...)
			if len(page) < q.Limit {
				break
			}
			last := page[len(page)-1]
			q.Before = Place{Index: last.LastIndex, Call: last.Call}
		}
		slices.Sort(got)
		var want []string
		for i := range 25 {
			want = append(want, fmt.Sprintf("c%05d", i))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("all pages together (-want +got):\n%s", d)
		}
	})
}

func TestEventsOfOneEntryStayTogether(t *testing.T) {
	onEach(t, func(t *testing.T, at place) {
		s, stories := at.open(t), day(30)
		write(t, s, stories, 1000)
		for limit := 1; limit < 20; limit++ {
			var after uint64
			n := 0
			for {
				page, err := s.Events(t.Context(), after, limit)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					break
				}
				n += len(page)
				after = page[len(page)-1].Index
				if last := page[len(page)-1]; last.Seq != len(stories[last.Index-1].Facts)-1 {
					t.Fatalf("limit %d: the page ends inside entry %d", limit, last.Index)
				}
			}
			if want := countFacts(stories); n != want {
				t.Errorf("limit %d: %d events, want %d", limit, n, want)
			}
		}
	})
}

func countFacts(stories []report.Story) (n int) {
	for _, s := range stories {
		n += len(s.Facts)
	}
	return n
}

func TestPruneRemovesWhatIsOldInChunks(t *testing.T) {
	onEach(t, func(t *testing.T, at place) {
		s := at.open(t)
		write(t, s, day(20), 1000)
		before := base + 1000
		var rounds int
		for {
			n, err := s.Prune(t.Context(), before, 7)
			if err != nil {
				t.Fatal(err)
			}
			if rounds++; n == 0 {
				break
			}
			if n > 14 {
				t.Fatalf("%d rows in one chunk, want at most 7 of each table", n)
			}
		}
		if rounds < 5 {
			t.Errorf("done in %d rounds: not in chunks", rounds)
		}
		left, err := s.CDRs(t.Context(), Query{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range left {
			if c.Ended < before || len(c.Segments) == 0 {
				t.Errorf("call %s ended %s with %d segments", c.Call, c.Ended, len(c.Segments))
			}
		}
		var orphans int
		if err := s.read.QueryRow(`SELECT count(*) FROM segments WHERE call NOT IN (SELECT call FROM calls)`).Scan(&orphans); err != nil || orphans != 0 {
			t.Errorf("%d segments without a call (%v)", orphans, err)
		}
		if oldest, err := s.Oldest(t.Context()); err != nil || oldest != 100 {
			t.Errorf("oldest event %d (%v), want 100", oldest, err)
		}
		if len(left) == 0 || len(left) == 20 {
			t.Errorf("%d calls left of 20", len(left))
		}
	})
}

func TestAFileThatIsNoDatabase(t *testing.T) {
	if s, err := Open(t.Context(), t.TempDir()); err == nil {
		t.Errorf("a directory was opened: %v", s.Close())
	}
}

// The page for readers of the tables names every column.
func TestEveryColumnIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/reference/cdr.md")
	if err != nil {
		t.Fatal(err)
	}
	onEach(t, func(t *testing.T, at place) {
		s := at.open(t)
		for _, table := range []string{"calls", "segments", "notes", "events"} {
			_, part, found := strings.Cut(string(text), "\n## "+table+"\n")
			if !found {
				t.Fatalf("no chapter about %s", table)
			}
			part, _, _ = strings.Cut(part, "\n## ")
			rows, err := s.query(t.Context(), `SELECT * FROM `+table+` LIMIT 0`)
			if err != nil {
				t.Fatal(err)
			}
			columns, err := rows.Columns()
			if err = errors.Join(err, rows.Close()); err != nil {
				t.Fatal(err)
			}
			for _, column := range columns {
				if !strings.Contains(part, "\n| `"+column+"` |") {
					t.Errorf("%s.%s is not documented", table, column)
				}
			}
			if n := strings.Count(part, "\n| `"); n != len(columns) {
				t.Errorf("%s has %d columns and %d documented", table, len(columns), n)
			}
		}
	})
}
