package cluster

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/routing"
)

func full(index uint64) Story {
	tier := routing.Gold
	return Story{Index: index, At: int64(index) * 10, Wall: int64(index) * 1000, Facts: []acd.Fact{
		{
			Kind: acd.FactCallArrived, Call: fmt.Sprintf("call-%d", index), Tier: &tier, From: "13800138000", To: "10000",
			Generation: index, Attach: []acd.Attribute{{Name: "a", Value: "中"}},
		},
		{Kind: acd.FactCallEnded, Cause: "normal", Quality: &acd.Quality{Codec: "PCMA", Sent: index, MOS: 441}},
	}}
}

// What is read late is what was written, however it was kept meanwhile.
func TestFoldedStoriesAreTheSame(t *testing.T) {
	const n = recent + 300
	tp := &tape{keep: n}
	var want []Story
	for i := uint64(1); i <= n; i++ {
		want = append(want, full(i))
		tp.write([]Story{full(i)})
		tp.acknowledge(i - 1)
	}
	if tp.folded < n-recent-atOnce {
		t.Errorf("only %d of %d stories are folded", tp.folded, n)
	}
	got, err := tp.since(0)
	if err != nil || !reflect.DeepEqual(got, want) { // a difference takes seconds to be made
		t.Errorf("since: %v %s", err, cmp.Diff(want, got))
	}
	var paged []Story
	for len(paged) < n {
		next, _, err := tp.after(uint64(len(paged)))
		if err != nil || len(next) == 0 {
			t.Fatalf("%d stories after %d: %v", len(next), len(paged), err)
		}
		paged = append(paged, next...)
	}
	if !reflect.DeepEqual(paged, want) {
		t.Error(cmp.Diff(want, paged))
	}
}

// A snapshot is made while the log waits: it must not have to unfold anything.
func TestWhatIsNotAcknowledgedIsNotFolded(t *testing.T) {
	tp := &tape{keep: 10}
	for i := uint64(1); i <= 2*recent; i++ {
		tp.write([]Story{full(i)})
	}
	if out, _ := tp.outbox(); tp.folded != 0 || len(out) != 2*recent || len(out[0].Facts) != 2 {
		t.Errorf("%d folded, %d in the outbox", tp.folded, len(out))
	}
	tp.acknowledge(2 * recent)
	if all, _ := tp.lengths(); all != 10 || tp.folded != 0 {
		t.Errorf("%d stories, %d of them folded", all, tp.folded)
	}
}
