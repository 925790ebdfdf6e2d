package cursor_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/acd/report/cursor"
)

// give hands the turn to this node, or to another that has stored what came
// until then.
func (s *fakeStore) give(ours bool, at uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken, s.cursor = !ours, max(s.cursor, at)
}

func (s *fakeStore) dumb(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent, s.failing = err, err
}

func TestWhoseTurnItIsNotWritesNothingAndForgetsWhatOthersStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLog(), newStore()
		s.give(false, 0)
		cur, stop := running(t, l, s)
		l.tell(acd.Fact{Kind: acd.FactCallArrived, Call: "a"}, acd.Fact{Kind: acd.FactCallEnded, Call: "a"})
		l.tell(acd.Fact{Kind: acd.FactCallArrived, Call: "b"})
		time.Sleep(10 * time.Second)
		if len(s.made()) != 0 || cur.Stats().Writes || slices.Max(l.acks()) != 0 {
			t.Errorf("out of turn: commits %v, acknowledged %v", s.made(), l.acks())
		}
		s.give(false, 1)
		time.Sleep(2 * time.Second)
		if st := cur.Stats(); st.Index != 1 || st.Durable != 1 || slices.Max(l.acks()) != 1 {
			t.Errorf("another stored one story: %+v, acknowledged %v", st, l.acks())
		}
		s.give(false, 9) // this node is late
		time.Sleep(2 * time.Second)
		if slices.Max(l.acks()) != 2 {
			t.Errorf("acknowledged %v, which isn't in the log", l.acks())
		}
		if err := stop(); err != nil {
			t.Errorf("stopped out of turn: %v", err)
		}
	})
}

func TestATurnBeginsWhereTheRecordsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLog(), newStore()
		cur, stop := running(t, l, s)
		l.tell(acd.Fact{Kind: acd.FactCallArrived, Call: "a"})
		l.tell(acd.Fact{Kind: acd.FactCallEnded, Call: "a"})
		time.Sleep(2 * time.Second)
		s.give(false, 0)
		l.tell(acd.Fact{Kind: acd.FactCallArrived, Call: "b"}, acd.Fact{Kind: acd.FactCallEnded, Call: "b"})
		time.Sleep(2 * time.Second)
		if st := cur.Stats(); st.Writes || st.Failing != "" || st.Index != 2 {
			t.Errorf("after the turn was lost: %+v", st)
		}
		s.give(false, 3) // another has b
		l.tell(acd.Fact{Kind: acd.FactCallArrived, Call: "c"}, acd.Fact{Kind: acd.FactCallEnded, Call: "c"})
		s.give(true, 0)
		time.Sleep(3 * time.Second)
		if got := s.recorded(); !slices.Equal(got, []string{"a", "c"}) || !cur.Stats().Writes || cur.Stats().Durable != 4 {
			t.Errorf("wrote %v, want a and c; %+v", got, cur.Stats())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestANodeThatIsCutOffLeavesItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLog(), newStore()
		var off atomic.Bool
		cur, stop := running(t, l, s, func(c *cursor.Config) { c.Fit = func() bool { return !off.Load() } })
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !cur.Stats().Writes {
			t.Error("it has no turn")
		}
		off.Store(true)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if cur.Stats().Writes {
			t.Error("it keeps its turn and sees nothing")
		}
		off.Store(false)
		l.tell(step("b"))
		time.Sleep(3 * time.Second)
		if st := cur.Stats(); !st.Writes || st.Index != 1 {
			t.Errorf("healed: %+v", st)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// The server is away when the node starts, and again later: all is written when
// it is back, once.
func TestAServerThatIsAwayHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLog(), newStore()
		away := errors.New("no route to host")
		s.dumb(away)
		cur, stop := running(t, l, s)
		for _, call := range []string{"a", "b", "c"} {
			l.tell(acd.Fact{Kind: acd.FactCallArrived, Call: call}, acd.Fact{Kind: acd.FactCallEnded, Call: call})
			time.Sleep(time.Minute)
			if st := cur.Stats(); st.Failing != away.Error() || len(l.acks()) > 0 && slices.Max(l.acks()) >= l.last() {
				t.Errorf("%s: %+v, acknowledged %v", call, st, l.acks())
			}
			s.dumb(nil)
			time.Sleep(10 * time.Second)
			if st := cur.Stats(); st.Failing != "" || st.Durable != l.last() {
				t.Errorf("%s: the server is back: %+v", call, st)
			}
			s.dumb(away)
		}
		if got := s.recorded(); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("records of %v", got)
		}
		s.dumb(nil)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A log that was restored and has as many entries again as its newer records isn't
// taken for theirs: what was written since would be missing in silence.
func TestRecordsNewerThanARestoredLogAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLog(), newStore()
		l.tell(acd.Fact{Kind: acd.FactCallArrived, Call: "a"})
		l.tell(acd.Fact{Kind: acd.FactCallEnded, Call: "a"})
		s.cursor, s.wall = 1, report.Time(l.stories[0].Wall+1)
		cur, stop := running(t, l, s)
		time.Sleep(10 * time.Second)
		if st := cur.Stats(); !strings.Contains(st.Failing, cursor.ErrForeign.Error()) || st.Writes || len(l.acks()) > 0 {
			t.Errorf("%+v, acknowledged: %v", st, l.acks())
		}
		s.mu.Lock()
		s.wall-- // the right ones were brought back
		s.mu.Unlock()
		time.Sleep(10 * time.Second)
		if err := stop(); err != nil || s.cursor != 2 || cur.Stats().Failing != "" {
			t.Errorf("%v, %+v", err, cur.Stats())
		}
	})
}

// Records that stay ahead of the log are another log's. A node that catches up
// within a minute says nothing of it.
func TestALogThatNeverCatchesUpIsToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLog(), newStore()
		s.give(false, 100)
		cur, stop := running(t, l, s)
		time.Sleep(50 * time.Second)
		if st := cur.Stats(); st.Failing != "" {
			t.Errorf("too soon: %+v", st)
		}
		time.Sleep(20 * time.Second)
		if st := cur.Stats(); st.Failing != cursor.ErrAhead.Error() {
			t.Errorf("after a minute: %+v", st)
		}
		l.mu.Lock()
		l.floor = 200
		l.mu.Unlock()
		time.Sleep(10 * time.Second)
		if st := cur.Stats(); st.Failing != "" || st.Index != 100 {
			t.Errorf("caught up: %+v", st)
		}
		if err := stop(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
