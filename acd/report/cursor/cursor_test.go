package cursor_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/acd/report/cursor"
)

// running is a cursor at work; stop ends it and returns what Run said.
func running(t *testing.T, l *fakeLog, s *fakeStore, change ...func(*cursor.Config)) (*cursor.Cursor, func() error) {
	t.Helper()
	c := cursor.Config{
		Follow: l.follow, Acknowledge: l.acknowledge, Last: l.last, Wall: l.wall, Store: s,
		Gap:    func(err error) (uint64, bool) { return l.floor, errors.Is(err, errForgotten) },
		Logger: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&c)
	}
	cur := cursor.New(c)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- cur.Run(ctx) }()
	return cur, func() error { cancel(); return <-done }
}

func step(call string) acd.Fact { return acd.Fact{Kind: acd.FactCallStep, Call: call, Step: "x"} }

func TestAStoryIsCommittedSoonAndAcknowledgedWhenItIsSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLog(), newStore()
		_, stop := running(t, l, s)
		time.Sleep(3 * time.Second)
		l.tell(acd.Fact{Kind: acd.FactCallArrived, Call: "a"})
		time.Sleep(50 * time.Millisecond)
		l.tell(step("a"))
		time.Sleep(149 * time.Millisecond)
		synctest.Wait()
		if len(s.made()) != 0 {
			t.Errorf("committed %v before its time", s.made())
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if want := []commit{{3200 * time.Millisecond, 2, 2, false}}; !slices.Equal(s.made(), want) {
			t.Errorf("commits %v, want %v", s.made(), want)
		}
		if a := l.acks(); len(a) != 0 {
			t.Errorf("acknowledged %v before a durable commit", a)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if want := (commit{4200 * time.Millisecond, 2, 0, true}); len(s.made()) != 2 || s.made()[1] != want {
			t.Errorf("commits %v, want %v at the end", s.made(), want)
		}
		if a := l.acks(); !slices.Equal(a, []uint64{2}) {
			t.Errorf("acknowledged %v, want [2]", a)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(s.made()) != 2 {
			t.Errorf("an idle cursor commits: %v", s.made()[2:])
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestARushIsCommittedInFullBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLog(), newStore()
		for range 5000 {
			l.tell(step("a"))
		}
		_, stop := running(t, l, s)
		synctest.Wait()
		if len(s.made()) != 5000/512 {
			t.Errorf("%d commits at once, want %d", len(s.made()), 5000/512)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if last := s.made()[len(s.made())-1]; last.cursor != 5000 || !last.durable {
			t.Errorf("the last commit is %+v, want a durable one at 5000", last)
		}
		if a := l.acks(); a[len(a)-1] != 5000 {
			t.Errorf("acknowledged %v, want 5000 at the end", a)
		}
	})
}

func TestAFullDiskHoldsTheRecordsBackAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLog(), newStore()
		cur, stop := running(t, l, s)
		s.fail(errFull)
		l.tell(acd.Fact{Kind: acd.FactCallArrived, Call: "a"})
		time.Sleep(time.Minute)
		for range 3000 { // telling never waits
			l.tell(step("a"))
		}
		l.tell(acd.Fact{Kind: acd.FactCallEnded, Call: "a", Cause: "normal"})
		synctest.Wait()
		got := cur.Stats()
		if got.Failing != errFull.Error() || got.Failures < 10 || got.Failures > 30 || got.Index != 0 {
			t.Errorf("after a minute: %+v, want 10 to 30 failures and nothing written", got)
		}
		s.fail(nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		got = cur.Stats()
		if got.Failing != "" || got.Index != 3002 || got.Durable != 3002 || got.Calls != 1 || !slices.Equal(s.recorded(), []string{"a"}) {
			t.Errorf("after the disk has room: %+v, records of %v", got, s.recorded())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestStoppingWhileTheDiskIsFullLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLog(), newStore()
		_, stop := running(t, l, s)
		s.fail(errFull)
		l.tell(acd.Fact{Kind: acd.FactCallArrived, Call: "a"}, acd.Fact{Kind: acd.FactCallEnded, Call: "a"})
		time.Sleep(time.Second)
		if err := stop(); !errors.Is(err, errFull) {
			t.Errorf("stopped with %v, want the reason", err)
		}
		if s.cursor != 0 || len(l.acks()) != 0 {
			t.Errorf("cursor %d, acknowledged %v, want nothing", s.cursor, l.acks())
		}
		s.fail(nil)
		_, stop = running(t, l, s)
		time.Sleep(time.Second)
		if err := stop(); err != nil || !slices.Equal(s.recorded(), []string{"a"}) {
			t.Errorf("records of %v after the restart (%v)", s.recorded(), err)
		}
	})
}

func TestARestartGoesOnInTheMiddleOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLog(), newStore()
		_, stop := running(t, l, s)
		l.tell(acd.Fact{Kind: acd.FactCallArrived, Call: "a"})
		synctest.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		l.tell(acd.Fact{Kind: acd.FactCallEnded, Call: "a"})
		cur, stop := running(t, l, s)
		time.Sleep(time.Second)
		if st := cur.Stats(); st.Open != 0 || st.Calls != 1 {
			t.Errorf("stats %+v, want the call's record", st)
		}
		if err := stop(); err != nil || len(s.open) != 0 {
			t.Errorf("%d open records left (%v)", len(s.open), err)
		}
	})
}

func TestAGapIsSkippedAndAFaultIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLog(), newStore()
		l.floor = 1000
		l.tell(acd.Fact{Kind: acd.FactCallArrived, Call: "a"}, acd.Fact{Kind: acd.FactCallEnded, Call: "a"})
		_, stop := running(t, l, s)
		time.Sleep(time.Second)
		if err := stop(); err != nil || s.cursor != 1001 || len(s.recorded()) != 1 {
			t.Errorf("cursor %d, records of %v (%v)", s.cursor, s.recorded(), err)
		}
		_, stop = running(t, newLog(), s)
		if err := stop(); !errors.Is(err, cursor.ErrAhead) {
			t.Errorf("with a new log: %v, want ErrAhead", err)
		}
		torn := func(context.Context, uint64) iter.Seq2[report.Story, error] { panic("torn page") }
		_, stop = running(t, l, s, func(c *cursor.Config) { c.Follow = torn })
		synctest.Wait()
		if err := stop(); err == nil || !strings.Contains(err.Error(), "torn page") {
			t.Errorf("a panic gave %v, want an error that names it", err)
		}
	})
}

func TestOldRecordsGoInChunksEachHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLog(), newStore()
		s.old = 2500
		_, stop := running(t, l, s, func(c *cursor.Config) { c.Retention = 24 * time.Hour })
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(s.prunes()) != 3 || s.prunes()[0] != report.TimeOf(s.began.Add(-24*time.Hour)) {
			t.Errorf("pruned before %v, want three chunks of what is older than a day", s.prunes())
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(s.prunes()) != 4 {
			t.Errorf("pruned %d times after an hour, want 4", len(s.prunes()))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestOfAdaptsAnyStory(t *testing.T) {
	type own struct{ N uint64 }
	follow := cursor.Of(func(context.Context, uint64) iter.Seq2[own, error] {
		return func(yield func(own, error) bool) { _ = yield(own{1}, nil) && yield(own{2}, nil) && yield(own{3}, nil) }
	}, func(o own) report.Story { return report.Story{Index: o.N} })
	var got []uint64
	for s, err := range follow(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, s.Index); s.Index == 2 {
			break
		}
	}
	if !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("stories %v, want 1 and 2", got)
	}
}
