package cluster

import (
	"math"
	"testing"

	"github.com/hashicorp/raft"

	"tierline/acd"
)

// TestANodeThatNobodyMissedGoesOnWithItsCalls: a member was killed and began
// anew before the others noticed, so that nobody was told to go on with its
// calls. It is told itself, by its own word that it has begun; what stood before
// that in the log is history.
func TestANodeThatNobodyMissedGoesOnWithItsCalls(t *testing.T) {
	var seen []acd.Effect
	own := newOwnEntries("n1")
	own.start = 2
	f := &fsm{
		log: testLogger(t), clock: &clock{mono: defaults().mono}, tape: &tape{keep: keepStories}, state: acd.NewState(),
		effects: outlet{carry: func(list []acd.Effect) { seen = append(seen, list...) }}, changed: make(chan struct{}, 1),
		own: own,
	}
	f.liveFrom.Store(math.MaxUint64) // until it has caught up
	before, now := origin{Node: "n1", Start: 1}, origin{Node: "n1", Start: 2}
	index := uint64(0)
	apply := func(o origin, ev acd.Event) {
		t.Helper()
		index++
		k, body, err := encodeEvent(ev)
		if err != nil {
			t.Fatal(err)
		}
		data := encode(int64(index), int64(index), o, k, body)
		a, ok := f.Apply(&raft.Log{Index: index, Type: raft.LogCommand, Data: data}).(applied)
		if !ok || a.fate != fateApplied || a.refused != nil {
			t.Fatalf("%T: %+v", ev, a)
		}
	}
	call := arrive("c1")
	call.Leg = []byte("leg")
	apply(before, centre(1))
	apply(before, call)
	apply(before, queue("c1")) // rings: the effect of a process that is gone
	if len(seen) > 0 {
		t.Fatalf("history has effects: %+v", seen)
	}
	apply(now, acd.NodeRestarted{Node: "n1", Resume: true})
	for _, ef := range seen {
		if take, ok := ef.(acd.TakeCall); ok && take.Node == "n1" && take.Call == "c1" {
			return
		}
	}
	t.Errorf("nobody goes on with the call: %+v", seen)
}
