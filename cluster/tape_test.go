package cluster

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"tierline/acd"
)

func story(index uint64) Story {
	return Story{Index: index, Facts: []acd.Fact{{Kind: acd.FactCallStep}}}
}

func indices(s []Story) []uint64 {
	out := make([]uint64, 0, len(s))
	for _, x := range s {
		out = append(out, x.Index)
	}
	return out
}

func TestTapeKeepsWhatIsNotAcknowledged(t *testing.T) {
	tp := &tape{keep: 3}
	for i := uint64(1); i <= 10; i++ {
		tp.write([]Story{story(2 * i)})
	}
	if all, unacked := tp.lengths(); all != 10 || unacked != 10 {
		t.Fatalf("%d stories, %d unacknowledged, want 10 and 10", all, unacked)
	}
	tp.acknowledge(11) // between two stories
	out, floor := tp.outbox()
	if want := []uint64{12, 14, 16, 18, 20}; !slices.Equal(indices(out), want) || floor != 11 {
		t.Errorf("outbox %v after %d, want %v after 11", indices(out), floor, want)
	}
	if all, unacked := tp.lengths(); all != 5 || unacked != 5 {
		t.Errorf("%d stories, %d unacknowledged, want 5 and 5", all, unacked)
	}
	tp.acknowledge(20)
	if all, unacked := tp.lengths(); all != 3 || unacked != 0 {
		t.Errorf("%d stories, %d unacknowledged, want the last 3 and 0", all, unacked)
	}
	tp.acknowledge(4) // an old one changes nothing
	if _, unacked := tp.lengths(); unacked != 0 {
		t.Errorf("%d unacknowledged after an old acknowledgement, want 0", unacked)
	}
	if _, _, err := tp.after(13); !errors.Is(err, ErrCompacted) {
		t.Errorf("after 13: error %v, want ErrCompacted", err)
	}
	got, _, err := tp.after(14)
	if want := []uint64{16, 18, 20}; err != nil || !slices.Equal(indices(got), want) {
		t.Errorf("after 14: %v, %v, want %v", indices(got), err, want)
	}
}

// When an entry happened is told only if it is certain.
func TestTapeSaysWhenAnEntryHappened(t *testing.T) {
	tp := &tape{keep: 2}
	for i := uint64(1); i <= 4; i++ {
		tp.write([]Story{{Index: 2 * i, Wall: int64(100 * i)}})
	}
	tp.acknowledge(4)
	for index, want := range map[uint64]struct {
		at    int64
		known bool
	}{4: {0, false}, 5: {0, true}, 6: {300, true}, 8: {400, true}, 9: {0, false}} {
		if at, known := tp.wall(index); at != want.at || known != want.known {
			t.Errorf("entry %d: %d, known: %v", index, at, known)
		}
	}
}

func TestFollowersSeeEverythingOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const stories = 3 * page
		tp := &tape{keep: 1 << 16}
		tp.write([]Story{story(1), story(2)})
		ctx, cancel := context.WithCancel(t.Context())
		var (
			wg  sync.WaitGroup
			got [4][]uint64
			end [4]error
		)
		for i := range got {
			wg.Go(func() {
				for s, err := range tp.follow(ctx, uint64(i)) {
					if err != nil {
						end[i] = err
						return
					}
					got[i] = append(got[i], s.Index)
				}
			})
		}
		for i := uint64(3); i <= stories; i++ {
			tp.write([]Story{story(i)})
			if i%100 == 0 {
				synctest.Wait() // some stories find the followers waiting
			}
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		for i, g := range got {
			var want []uint64
			for x := uint64(i) + 1; x <= stories; x++ {
				want = append(want, x)
			}
			if !slices.Equal(g, want) || !errors.Is(end[i], context.Canceled) {
				t.Errorf("follower %d: %d stories, end %v; want %d, canceled", i, len(g), end[i], len(want))
			}
		}
	})
}

func TestFollowersEndWithTheTape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := &tape{keep: 10}
		tp.write([]Story{story(1)})
		var end error
		var seen int
		go func() {
			for _, err := range tp.follow(t.Context(), 0) {
				end = err
				seen++
			}
		}()
		synctest.Wait()
		tp.close()
		synctest.Wait()
		if !errors.Is(end, ErrClosed) || seen != 2 {
			t.Errorf("end %v after %d, want ErrClosed after the one story", end, seen)
		}
	})
}

func TestAFollowerThatIsTooSlowIsTold(t *testing.T) {
	tp := &tape{keep: 10}
	tp.write([]Story{story(1)})
	for s, err := range tp.follow(t.Context(), 0) {
		if err != nil {
			if !errors.Is(err, ErrCompacted) {
				t.Errorf("error %v, want ErrCompacted", err)
			}
			return
		}
		if s.Index != 1 {
			t.Fatalf("story %d follows although others are gone", s.Index)
		}
		for i := uint64(2); i < 30; i++ {
			tp.write([]Story{story(i)})
		}
		tp.acknowledge(30)
	}
	t.Error("follower ended without an error")
}
