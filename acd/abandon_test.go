package acd

import "testing"

// TestACallerWhoHangsUpBeforeHisOwnerKnowsThatHeWaits was recorded as normal,
// not as abandoned.
func TestACallerWhoHangsUpBeforeHisOwnerKnowsThatHeWaits(t *testing.T) {
	s := NewState()
	apply := func(i uint64, ev Event) Result {
		t.Helper()
		r, err := Apply(s, Entry{Index: i, At: int64(i) * 1000, Event: ev})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	apply(1, ConfigPublished{Hash: "h", Config: Config{Queues: []QueueConfig{{Name: "human"}}}})
	apply(2, CallArrived{Call: "c", Node: "n1", Generation: 1})
	apply(3, CallQueued{Call: "c", Queue: "human"})
	r := apply(4, CallEnded{Call: "c", Cause: "normal", By: SideCaller})
	last := r.Facts[len(r.Facts)-1]
	if last.Kind != FactCallEnded || last.Cause != "abandoned" || !last.Abandoned {
		t.Errorf("the end of the call: %+v", last)
	}
}
