package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/acd/report/interval"
	"tierline/routing"
)

// callbackStories are a call that answers a question, leaves a message and asks
// to be called back, and the call-back, which is missed once and done.
func callbackStories() []report.Story {
	gold := routing.Gold
	var out []report.Story
	tell := func(facts ...acd.Fact) {
		i := int64(len(out) + 1)
		out = append(out, report.Story{Index: uint64(i), At: i * 1000, Wall: int64(base) + i*1000, Facts: facts})
	}
	about := func(kind acd.FactKind, call string, change func(*acd.Fact)) acd.Fact {
		f := acd.Fact{Kind: kind, Call: call, Queue: "human", Tier: &gold, Agent: "1001", Offer: 4}
		change(&f)
		return f
	}
	as := func(*acd.Fact) {}
	tell(acd.Fact{Kind: acd.FactCallArrived, Call: "c1", Node: "n1", Tier: &gold})
	tell(about(acd.FactCallSurveyed, "c1", func(f *acd.Fact) { f.Question, f.Value = "satisfaction", "4" }))
	tell(about(acd.FactCallRecorded, "c1", func(f *acd.Fact) { f.Reason, f.Ref, f.LengthMS = "message", "c1-1", 3200 }))
	tell(about(acd.FactCallRecorded, "c1", func(f *acd.Fact) {
		f.Reason, f.Ref, f.LengthMS, f.SHA256 = "conversation", "2026/11/23/c1-2", 61_000, "9f86d081"
	}))
	tell(about(acd.FactCallRecorded, "c1", func(f *acd.Fact) { f.Reason, f.Ref, f.Cause = "conversation", "2026/11/23/c1-3", "disk" }))
	tell(about(acd.FactCallTransferred, "c1", func(f *acd.Fact) { f.To, f.Cause, f.Agent = "shop", "busy", "" }))
	tell(about(acd.FactCallQueued, "c1", as))
	tell(about(acd.FactCallLeftQueue, "c1", func(f *acd.Fact) { f.Cause, f.WaitMS = "callback", 1000 }),
		about(acd.FactCallbackRequested, "b1", func(f *acd.Fact) { f.Origin, f.To = "c1", "138" }),
		about(acd.FactCallbackDue, "b1", as))
	tell(about(acd.FactCallOffered, "b1", as))
	tell(about(acd.FactCallbackDialled, "b1", as))
	tell(about(acd.FactCallbackMissed, "b1", func(f *acd.Fact) { f.Cause, f.SIP = "busy", 486 }), about(acd.FactCallbackDue, "b1", as))
	tell(about(acd.FactCallOffered, "b1", as))
	tell(about(acd.FactCallbackDialled, "b1", as))
	tell(about(acd.FactCallbackReached, "b1", func(f *acd.Fact) { f.Trunk, f.SIPCallID = "ct", "b1@n1" }))
	tell(about(acd.FactAgentReleased, "b1", as), about(acd.FactCallbackEnded, "b1", func(f *acd.Fact) { f.Cause = acd.CallbackDone }))
	tell(acd.Fact{Kind: acd.FactCallEnded, Call: "c1", Cause: "normal", By: "caller"})
	return out
}

// Records with all that is kept of a call come back as they were, and so do the
// numbers of call-backs and tallies; both in pieces, over a restart.
func TestCallBacksComeBackAsTheyWere(t *testing.T) {
	onEach(t, func(t *testing.T, at place) {
		s, stories := at.open(t), callbackStories()
		fold := report.NewFold()
		for _, story := range stories {
			fold.Take(story)
		}
		b, err := fold.Flush()
		if err != nil {
			t.Fatal(err)
		}
		write(t, s, stories[:11], 4)
		write(t, s, stories, 3)
		got, err := s.CDRs(t.Context(), Query{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		want := []report.CDR{b.Ended[1], b.Ended[0]}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("records (-written +read):\n%s", d)
		}
		if len(want[0].Notes) != 5 || want[0].Callback != "b1" || want[1].Origin != "c1" || want[1].Direction != report.Outward {
			t.Errorf("the records lack something: %+v", want)
		}
		checkNumbers(t, s, stories, "stored in pieces")
		n := read(t, s, interval.Query{Until: 1 << 42})
		k := interval.Key{Place: interval.Place{Queue: "human"}}
		if c := n.Callbacks[k]; c != (interval.Callbacks{Requested: 1, Attempts: 2, Done: 1, DoneMS: 6000}) {
			t.Errorf("call-backs %+v", c)
		}
		if len(n.Tallies) != 2 {
			t.Errorf("tallies %+v, want an answer and a transfer", n.Tallies)
		}
	})
}

// What is old goes, notes with their records.
func TestOldNotesGo(t *testing.T) {
	onEach(t, func(t *testing.T, at place) {
		s := at.open(t)
		write(t, s, callbackStories(), 100)
		for range 3 {
			if _, err := s.Prune(t.Context(), base+10*interval.Slot, 100); err != nil {
				t.Fatal(err)
			}
		}
		for _, table := range []string{"calls", "notes", "callback_numbers", "tallies"} {
			var n int
			if err := s.read.QueryRow(`SELECT count(*) FROM ` + table).Scan(&n); err != nil || n != 0 {
				t.Errorf("%d rows are left in %s (%v)", n, table, err)
			}
		}
	})
}
