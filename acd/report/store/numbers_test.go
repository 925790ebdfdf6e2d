package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tierline/acd/report"
	"tierline/acd/report/interval"
)

// always is a query that selects everything as it is.
func always() interval.Query {
	return interval.Query{Until: 1 << 42, Step: interval.Slot, Tier: true, Skill: true, AgentQueues: true}
}

// read returns everything a query selects.
func read(t *testing.T, s *Store, q interval.Query) interval.Numbers {
	t.Helper()
	n, open, err := s.QueueNumbers(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	a, openToo, err := s.AgentNumbers(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(open, openToo); d != "" {
		t.Errorf("what is open (-queues +agents):\n%s", d)
	}
	if d := cmp.Diff(n.Tallies, a.Tallies); d != "" {
		t.Errorf("tallies (-queues +agents):\n%s", d)
	}
	clear(a.Tallies) // both have them
	n.Add(a)
	return n
}

// direct returns the numbers of stories without a store.
func direct(stories []report.Story) interval.Numbers {
	f := interval.NewFold()
	for _, s := range stories {
		f.Take(s.At, s.Wall, s.Facts)
	}
	b, err := f.Flush()
	if err != nil {
		panic(err)
	}
	return b.Numbers
}

func checkNumbers(t *testing.T, s *Store, stories []report.Story, when string) {
	t.Helper()
	if d := cmp.Diff(direct(stories), read(t, s, always())); d != "" {
		t.Errorf("%s: numbers (-told +stored):\n%s", when, d)
	}
}

// long stretches a story over hours, so that there are many slots.
func long(stories []report.Story) []report.Story {
	for i := range stories {
		at := int64(i) * 171_000
		stories[i].At, stories[i].Wall = at, int64(base)+at
	}
	return stories
}

// Whatever is asked for, the database adds up as Query.Select does, however the
// stories came in.
func TestPropertyQueriesAddUp(t *testing.T) {
	onEach(t, func(t *testing.T, at place) {
		stories := long(day(12))
		s := at.open(t)
		write(t, s, stories, 5)
		all := direct(stories)
		checkNumbers(t, s, stories, "stored")
		rapid.Check(t, func(rt *rapid.T) {
			slots := func(name string, from, to int64) int64 {
				return rapid.Int64Range(from, to).Draw(rt, name) * interval.Slot
			}
			begin := int64(base) - int64(base)%interval.Slot
			q := interval.Query{
				From: begin + slots("from", -4, 20), Until: begin + slots("until", 0, 40),
				Step:   rapid.SampledFrom([]int64{0, 1, 2, 4, 96}).Draw(rt, "step") * interval.Slot,
				Offset: slots("offset", -48, 56),
				Tier:   rapid.Bool().Draw(rt, "tier"), Skill: rapid.Bool().Draw(rt, "skill"),
				AgentQueues: rapid.Bool().Draw(rt, "queues"),
			}
			if d := cmp.Diff(q.Select(all), read(t, s, q)); d != "" {
				rt.Fatalf("%+v (-want +got):\n%s", q, d)
			}
		})
	})
}

// A batch that is committed twice, and one that only makes the others durable,
// add nothing.
func TestNumbersOfABatchCountOnce(t *testing.T) {
	onEach(t, func(t *testing.T, at place) {
		s, stories := at.open(t), day(4)
		fold := report.NewFold()
		for _, story := range stories {
			fold.Take(story)
		}
		b, err := fold.Flush()
		if err != nil {
			t.Fatal(err)
		}
		empty, err := fold.Flush()
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range []report.Batch{b, b, empty, b} {
			if err := s.Commit(t.Context(), b, true); err != nil {
				t.Fatal(err)
			}
		}
		checkNumbers(t, s, stories, "committed again")
	})
}

func TestOldNumbersGo(t *testing.T) {
	onEach(t, func(t *testing.T, at place) {
		s, stories := at.open(t), long(day(12))
		write(t, s, stories, 50)
		until := base + 3*interval.Slot
		for {
			n, err := s.Prune(t.Context(), until, 3)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
		}
		q := always()
		q.From = int64(until) - int64(until)%interval.Slot
		want := q.Select(direct(stories))
		if d := cmp.Diff(want, read(t, s, always())); d != "" || len(want.Waits) == 0 {
			t.Errorf("numbers after %s (-want +got):\n%s", until, d)
		}
	})
}
