package cluster

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"tierline/acd"
)

// TestWhatAProcessHadThatIsGoneIsTakenAtOnce: that a silent node is down may come
// into the log so late that it was heard again, so its heir waits until it must be
// silent once more. On a busy machine each death was such a case, and a killed
// follower's calls had a hole of more than a second. Of a process that is gone
// nothing will be heard.
func TestWhatAProcessHadThatIsGoneIsTakenAtOnce(t *testing.T) {
	for _, gone := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			seen := newEffectLog()
			own := newOwnEntries("n2")
			own.start = 1
			f := &fsm{
				log: testLogger(t), clock: &clock{mono: defaults().mono}, tape: &tape{keep: keepStories}, state: acd.NewState(),
				effects: outlet{carry: seen.add}, changed: make(chan struct{}, 1), own: own,
			}
			call := arrive("c1")
			call.Leg = []byte("leg")
			for i, ev := range []acd.Event{
				centre(1),
				acd.NodeReady{Node: "n1"},
				acd.NodeReady{Node: "n2"},
				call,
				acd.NodeDown{Node: "n1", Heir: "n2", Process: 1, Gone: gone},
			} {
				k, body, err := encodeEvent(ev)
				if err != nil {
					t.Fatal(err)
				}
				l := &raft.Log{Index: uint64(i + 1), Term: 1, Type: raft.LogCommand} // there is no leader of that term
				l.Data = encode(int64(i), int64(i), origin{Node: "n3", Start: 1, Seq: uint64(i + 1)}, k, body)
				if a, ok := f.Apply(l).(applied); !ok || a.fate != fateApplied || a.refused != nil {
					t.Fatalf("%T: %+v", ev, a)
				}
			}
			took := func() bool {
				return slices.ContainsFunc(seen.all(), func(e acd.Effect) bool { _, ok := e.(acd.TakeCall); return ok })
			}
			if took() != gone {
				t.Errorf("gone %t: taken at once: %t", gone, took())
			}
			time.Sleep(silence + time.Millisecond)
			synctest.Wait()
			if !took() {
				t.Errorf("gone %t: never taken", gone)
			}
		})
	}
}
