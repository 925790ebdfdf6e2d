package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/routing"
)

const base = report.Time(1_795_401_540_000)

// day returns the stories of n calls, two of them at any time: the odd ones
// are answered, the even ones abandoned.
func day(n int) []report.Story {
	var out []report.Story
	gold := routing.Gold
	tell := func(facts ...acd.Fact) {
		i := uint64(len(out) + 1)
		out = append(out, report.Story{Index: i, At: int64(i) * 10, Wall: int64(base) + int64(i)*10, Facts: facts})
	}
	call := func(i int) string { return fmt.Sprintf("c%05d", i) }
	for i := range n {
		c := call(i)
		tell(acd.Fact{
			Kind: acd.FactCallArrived, Call: c, Node: "n1", Trunk: "ct", From: fmt.Sprintf("138%08d", i), To: "10000",
			Flow: "svc10000", Generation: 1, SIPCallID: c + "@ct", Tier: &gold, Language: "zh",
		})
		for s := range 5 {
			tell(acd.Fact{Kind: acd.FactCallStep, Call: c, Step: fmt.Sprint("step", s), Key: "1"})
		}
		tell(acd.Fact{Kind: acd.FactCallQueued, Call: c, Queue: "human", Tier: &gold})
		if i > 0 {
			tell(ending(call(i-1), i-1)...)
		}
		if i%2 == 1 {
			tell(acd.Fact{Kind: acd.FactCallOffered, Call: c, Agent: "1001", Offer: uint64(i), Reason: "longest idle"},
				acd.Fact{Kind: acd.FactAgentState, Agent: "1001", State: "reserved", Previous: "ready"})
			tell(acd.Fact{Kind: acd.FactCallRinging, Call: c, Agent: "1001", Offer: uint64(i)})
			tell(acd.Fact{Kind: acd.FactCallConnected, Call: c, Agent: "1001", Offer: uint64(i)})
		}
	}
	tell(ending(call(n-1), n-1)...)
	return out
}

func ending(call string, i int) []acd.Fact {
	q := &acd.Quality{Codec: "PCMA", Sent: 500, Received: 499, Lost: 1, JitterMS: 2}
	if i%2 == 0 {
		return []acd.Fact{
			{Kind: acd.FactCallLeftQueue, Call: call, Queue: "human", Cause: "ended"},
			{Kind: acd.FactCallEnded, Call: call, Cause: "abandoned", By: "caller", Abandoned: true, Quality: q},
		}
	}
	return []acd.Fact{
		{Kind: acd.FactAgentReleased, Call: call, Agent: "1001", Offer: uint64(i), By: "caller", Quality: q},
		{Kind: acd.FactCallEnded, Call: call, Cause: "normal", By: "caller", Quality: q},
	}
}

func openFile(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newFile(t testing.TB) *Store {
	t.Helper()
	return openFile(t, filepath.Join(t.TempDir(), "story.db"))
}

// write folds stories into the store in batches of n.
func write(t testing.TB, s *Store, stories []report.Story, n int) {
	t.Helper()
	saved, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fold, err := report.Resume(saved)
	if err != nil {
		t.Fatal(err)
	}
	for i, story := range stories {
		fold.Take(story)
		if (i+1)%n == 0 || i == len(stories)-1 {
			commit(t, s, fold)
		}
	}
}

func commit(t testing.TB, s *Store, fold *report.Fold) {
	t.Helper()
	b, err := fold.Flush()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), b, false); err != nil {
		t.Fatal(err)
	}
}
