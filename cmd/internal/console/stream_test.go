package console

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/acd/report/interval"
	"tierline/cluster"
)

// slowClient takes some writes and then no more, until the write's deadline.
type slowClient struct {
	http.ResponseWriter
	text     bytes.Buffer
	takes    int
	deadline time.Time
}

func (c *slowClient) Write(b []byte) (int, error) {
	if c.takes == 0 {
		time.Sleep(time.Until(c.deadline))
		return 0, os.ErrDeadlineExceeded
	}
	c.takes--
	return c.text.Write(b)
}

func (c *slowClient) SetWriteDeadline(t time.Time) error { c.deadline = t; return nil }
func (*slowClient) Flush()                               {}

// endless tells the same story for ever, or nothing.
type endless struct {
	Core

	quiet bool
	told  int
}

func (e *endless) Follow(ctx context.Context, after uint64) iter.Seq2[cluster.Story, error] {
	return func(yield func(cluster.Story, error) bool) {
		for !e.quiet && ctx.Err() == nil {
			after++
			e.told++
			if !yield(cluster.Story{Index: after, Facts: []acd.Fact{{Kind: acd.FactCallStep}}}, nil) {
				return
			}
		}
		<-ctx.Done()
		yield(cluster.Story{}, ctx.Err())
	}
}

func (c *slowClient) stream(kinds ...string) *stream {
	c.ResponseWriter = httptest.NewRecorder()
	return &stream{w: c, control: http.NewResponseController(c), kinds: kinds}
}

func TestASlowReaderIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &endless{}
		w := &Console{c: Config{Core: core}}
		client := &slowClient{takes: 5}
		began := time.Now()
		err := w.run(t.Context(), client.stream(), 0)
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != slowReader {
			t.Errorf("ended after %s with %v, want after %s", time.Since(began), err, slowReader)
		}
		synctest.Wait()
		if core.told > streamAhead+10 {
			t.Errorf("%d stories were read for a reader that takes none", core.told)
		}
	})
}

func TestAQuietStreamBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &Console{c: Config{Core: &endless{quiet: true}}}
		client := &slowClient{takes: 100}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Second)
		defer cancel()
		if err := w.run(ctx, client.stream(), 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended with %v", err)
		}
		if n := strings.Count(client.text.String(), ": alive\n\n"); n != 4 {
			t.Errorf("%d beats in a minute, want 4:\n%s", n, client.text.String())
		}
	})
}

// stateCore is a core that only holds a state.
type stateCore struct {
	Core

	s *acd.State
}

func (c stateCore) Read(view func(*acd.State)) { view(c.s) }

// lockedRecords can't be read.
type lockedRecords struct{ Records }

func (lockedRecords) QueueNumbers(context.Context, interval.Query) (interval.Numbers, []interval.Open, error) {
	return interval.Numbers{}, nil, errors.New("database is locked")
}

// A call that waits while nothing else happens waits longer and longer.
func TestWaitsGrowBetweenEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := stateCore{s: acd.NewState()}
		do := func(at int64, ev acd.Event) {
			if _, err := acd.Apply(core.s, acd.Entry{Index: uint64(at), At: at, Event: ev}); err != nil {
				t.Fatal(err)
			}
		}
		do(1000, acd.ConfigPublished{Config: acd.Config{Queues: []acd.QueueConfig{{Name: "human", RingTime: 1}}}})
		do(2000, acd.CallArrived{Call: "a", Node: "n1"})
		w := &Console{c: Config{
			Core: core, Records: lockedRecords{}, Zone: time.UTC, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		}, clock: newClock(core)}
		w.relay = newRelay(w, http.NotFoundHandler())
		time.Sleep(5 * time.Second)
		do(7010, acd.CallQueued{Call: "a", Queue: "human"}) // the log's clock is 10 ms ahead of ours
		for _, after := range []int64{0, 30_000, 600_000} {
			time.Sleep(time.Duration(after) * time.Millisecond)
			calls, err := w.listCalls(t.Context(), &callFilter{})
			if err != nil {
				t.Fatal(err)
			}
			queues, err := w.listQueues(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			waited, longest := calls.Body.Calls[0].WaitedMS, queues.Body.Queues[0].LongestMS
			if queues.Body.Queues[0].Today != nil {
				t.Error("today's numbers from records that can't be read")
			}
			if want := (time.Now().UnixMilli() - 946684805_000); waited != want || longest != want {
				t.Errorf("waited %d, longest %d, want %d", waited, longest, want)
			}
		}
		if f := longestWaits(core, w.clock); len(f) != 1 || f[0].Value != 630 {
			t.Errorf("the gauge says %+v, want 630 s", f)
		}
	})
}

// What a call waits for comes nearer while nothing else happens.
func TestWhyACallWaitsCountsDownBetweenEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := stateCore{s: acd.NewState()}
		for i, ev := range []acd.Event{
			acd.ConfigPublished{Config: acd.Config{Queues: []acd.QueueConfig{{
				Name: "human", Requirement: "a>=8", RingTime: 1,
				Steps: []acd.Step{{After: 60_000, Requirement: "a>=1"}},
			}}}},
			acd.CallArrived{Call: "a", Node: "n1"},
			acd.CallQueued{Call: "a", Queue: "human"},
		} {
			if _, err := acd.Apply(core.s, acd.Entry{Index: uint64(i + 1), At: 1000, Event: ev}); err != nil {
				t.Fatal(err)
			}
		}
		w := &Console{c: Config{Core: core}, clock: newClock(core)}
		w.relay = newRelay(w, http.NotFoundHandler())
		for _, want := range []string{"relaxes to a>=1 in 60 s", "relaxes to a>=1 in 18 s"} {
			calls, err := w.listCalls(t.Context(), &callFilter{})
			if err != nil {
				t.Fatal(err)
			}
			one, err := w.getCall(t.Context(), &callInput{ID: "a"})
			if err != nil {
				t.Fatal(err)
			}
			explained, err := w.explainCall(t.Context(), &callInput{ID: "a"})
			if err != nil {
				t.Fatal(err)
			}
			for where, got := range map[string]string{
				"list": calls.Body.Calls[0].Why, "call": one.Body.Why, "explain": strings.Join(explained.Body.Helps, "\n"),
			} {
				if !strings.Contains(got, want) {
					t.Errorf("%s: %q, want %q", where, got, want)
				}
			}
			time.Sleep(42 * time.Second)
		}
		core.Read(func(s *acd.State) {
			if s.Now() != 1000 {
				t.Errorf("looking moved the log's time to %d", s.Now())
			}
		})
	})
}

// A reader that wants little still moves on, so that it can come back after
// years and needn't be told everything it didn't want.
func TestABeatMovesTheReaderOverWhatItDoesNotWant(t *testing.T) {
	client := &slowClient{takes: 100}
	s := client.stream("call.ended")
	if err := errors.Join(s.send(nil), s.beat()); err != nil {
		t.Fatal(err)
	}
	s.seen = 41
	if err := errors.Join(s.beat(), s.beat()); err != nil {
		t.Fatal(err)
	}
	if got, want := client.text.String(), ": alive\n\n: alive\nid: 41\n\n: alive\n\n"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}
