package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
)

func TestACallIsOffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		effects := newEffectLog()
		n := mustOpen(t, Config{Effects: effects.add})
		mustPropose(t, n, centre(1))
		mustPropose(t, n, arrive("c1"))
		mustPropose(t, n, queue("c1"))
		synctest.Wait()
		if effects.rings("c1") != 1 {
			t.Fatalf("effects %+v: want one RingAgent for c1", effects.all())
		}
		time.Sleep(16100 * time.Millisecond) // 15 s and the grace, by a timer in the log
		synctest.Wait()
		if p := phase(n, "c1"); p != acd.PhaseWaiting {
			t.Errorf("after the phone rang out the call is %v, want waiting", p)
		}
		if err := n.Ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
	})
}

func TestRefusalsComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mustOpen(t, Config{})
		_, _, err := n.Propose(t.Context(), acd.CallEnded{Call: "nobody", Cause: "normal"})
		if !refused(err) {
			t.Errorf("error %v, want a refusal", err)
		}
		n.Post(acd.CallEnded{Call: "nobody", Cause: "normal"})
		synctest.Wait()
		if s := n.Stats(); s.Refused != 2 || s.Posts != 1 || s.Failed != 0 || s.Waiting != 0 {
			t.Errorf("stats %+v: want 2 refusals, 1 post, nothing failed or waiting", s)
		}
	})
}

// step is what the authors of the order test write: their calls' steps are
// numbered.
func step(call string, i int) acd.CallStepped {
	return acd.CallStepped{Call: call, Step: strconv.Itoa(i)}
}

// steps returns the steps of every call in the order of the log.
func steps(t *testing.T, n *Node) map[string][]int {
	t.Helper()
	out := map[string][]int{}
	stories, _, err := n.tape.after(0)
	for ; err == nil && len(stories) > 0; stories, _, err = n.tape.after(stories[len(stories)-1].Index) {
		for _, s := range stories {
			for _, f := range s.Facts {
				if f.Kind == acd.FactCallStep {
					i, bad := strconv.Atoi(f.Step)
					if bad != nil {
						t.Fatal(bad)
					}
					out[f.Call] = append(out[f.Call], i)
				}
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheCallersContextEndsAProposal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		n := mustOpenWith(t, Config{}, d.settings(defaults()))
		d.set(func(d *disk) { d.delay = 500 * time.Millisecond })
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, _, err := n.Propose(ctx, centre(0)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
		time.Sleep(time.Second)
	})
}

// TestTheCalendarDoesNotMoveTimers lets the wall clock jump while a binding
// runs out.
func TestTheCalendarDoesNotMoveTimers(t *testing.T) {
	for _, jump := range []time.Duration{-26 * time.Hour, 26 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var off time.Duration
				var mu sync.Mutex
				s := defaults()
				s.wall = func() time.Time {
					mu.Lock()
					defer mu.Unlock()
					return time.Now().Add(off)
				}
				n := mustOpenWith(t, Config{}, s)
				c := centre(1)
				c.Config.Agents[0].Contact = ""
				mustPropose(t, n, c)
				mustPropose(t, n, acd.PhoneRegistered{
					Agent: "1001", TTL: 60_000, Binding: acd.Binding{Contact: "sip:1001@h", Transport: "udp", CallID: "x", CSeq: 1},
				})
				bindings := func() (k int) {
					n.Read(func(s *acd.State) { k = len(s.BindingsOf("1001")) })
					return k
				}
				mu.Lock()
				off = jump
				mu.Unlock()
				mustPropose(t, n, arrive("c1"))
				time.Sleep(59 * time.Second)
				synctest.Wait()
				if bindings() != 1 {
					t.Error("the binding has gone before its time")
				}
				time.Sleep(time.Second + 10*time.Millisecond)
				synctest.Wait()
				if bindings() != 0 {
					t.Error("the binding is still there after its time")
				}
			})
		})
	}
}

func TestADecisionThatIsAlwaysRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := defaults()
		s.decide = func(*acd.State, int64) []acd.Event {
			return []acd.Event{acd.CallOffered{Call: "nobody", Agent: "nobody"}}
		}
		n := mustOpenWith(t, Config{}, s)
		time.Sleep(time.Minute)
		synctest.Wait()
		if p := n.Stats().Proposals; p < 50 || p > 80 {
			t.Errorf("%d proposals in a minute, want about one a second", p)
		}
		mustPropose(t, n, centre(0))
		for i := range 600 { // other work must not make it worse
			mustPropose(t, n, arrive(fmt.Sprint("x", i)))
			time.Sleep(100 * time.Millisecond)
		}
	})
}

func TestCloseCommitsWhatWasPosted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		n := mustOpenWith(t, Config{}, d.settings(defaults()))
		mustPropose(t, n, centre(0))
		mustPropose(t, n, arrive("c1"))
		d.set(func(d *disk) { d.delay = 50 * time.Millisecond })
		for i := range 2000 {
			n.Post(step("c1", i))
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		if got := len(steps2(n)["c1"]); got != 2000 {
			t.Errorf("%d of 2000 posted events are in the log", got)
		}
		if _, _, err := n.Propose(t.Context(), arrive("c2")); !errors.Is(err, ErrNoQuorum) {
			t.Errorf("error %v after Close, want ErrNoQuorum", err)
		}
		n.Post(step("c1", 1))
		if err := n.Ready(); err == nil {
			t.Error("ready after Close")
		}
	})
}

func steps2(n *Node) map[string][]string {
	out := map[string][]string{}
	for _, s := range n.tape.stories {
		for _, f := range s.Facts {
			if f.Kind == acd.FactCallStep {
				out[f.Call] = append(out[f.Call], f.Step)
			}
		}
	}
	return out
}

func TestTooManyPosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		n := mustOpenWith(t, Config{}, d.settings(defaults()))
		mustPropose(t, n, centre(0))
		mustPropose(t, n, arrive("c1"))
		d.set(func(d *disk) { d.delay = 900 * time.Millisecond })
		ready := true
		for range postLimit + 10 {
			n.Post(acd.CallStepped{Call: "c1", Step: "s"})
			ready = ready && n.Ready() == nil
		}
		if ready {
			t.Error("ready all the time while posted events pile up")
		}
		if s := n.Stats(); s.Dropped < 1 || s.Dropped > 10 {
			t.Errorf("%d dropped, want those over the limit", s.Dropped)
		}
		d.set(func(d *disk) { d.delay = 0 })
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if s := n.Stats(); s.Waiting != 0 {
			t.Errorf("%d still waiting", s.Waiting)
		}
	})
}

func TestTheStoryStoreIsTooFarBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := defaults()
		s.timing.backlog = 10
		n := mustOpenWith(t, Config{}, s)
		mustPropose(t, n, centre(0))
		mustPropose(t, n, arrive("c1"))
		var last uint64
		for i := range 12 {
			_, index, err := n.Propose(t.Context(), step("c1", i))
			if err != nil {
				t.Fatal(err)
			}
			last = index
		}
		if err := n.Ready(); err == nil || !strings.Contains(err.Error(), "story store") {
			t.Errorf("ready %v, want a word about the story store", err)
		}
		n.Acknowledge(last)
		if err := n.Ready(); err != nil {
			t.Errorf("ready %v after the acknowledgement", err)
		}
	})
}

func TestAPanicOfTheCoreIsOneRefusal(t *testing.T) {
	f := &fsm{log: testLogger(t)} // no state: any event panics
	if a := f.applyOne(acd.Entry{Index: 3, Event: acd.TimePassed{}}); a.fate != fateFault || f.faults.Load() != 1 {
		t.Errorf("%+v, %d faults: want one fault", a, f.faults.Load())
	}
	if o := outcomeOf(3, applied{fate: fateFault}); !errors.Is(o.err, errFault) {
		t.Errorf("error %v, want errFault", o.err)
	}
}

// TestRestart goes through three processes on one disk.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, first := newDisk(), newEffectLog()
		n := mustOpenWith(t, Config{Effects: first.add}, d.settings(defaults()))
		mustPropose(t, n, centre(2))
		mustPropose(t, n, arrive("c1"))
		mustPropose(t, n, queue("c1"))
		mustPropose(t, n, acd.AgentCommanded{Agent: "1002", Command: acd.GoNotReady, Reason: "lunch", By: "1002"})
		synctest.Wait()
		if first.rings("c1") != 1 {
			t.Fatalf("effects %+v", first.all())
		}
		stories, _ := n.tape.outbox()
		end := n.clock.now()
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}

		time.Sleep(time.Hour)
		second := newEffectLog()
		n = mustOpenWith(t, Config{Effects: second.add}, d.settings(defaults()))
		if now := n.clock.now(); now < end+3_600_000 || now > end+3_601_000 {
			t.Errorf("log time %d an hour after %d", now, end)
		}
		if second.rings("c1") != 0 {
			t.Errorf("the restart repeated an effect: %+v", second.all())
		}
		again, _ := n.tape.outbox()
		if len(again) <= len(stories) || fmt.Sprint(again[:len(stories)]) != fmt.Sprint(stories) {
			t.Errorf("stories after the restart\n%+v\nwant these first\n%+v", again, stories)
		}
		if phase(n, "c1") != 0 {
			t.Errorf("c1 is %v: it died with its process", phase(n, "c1"))
		}
		var lunch acd.AgentView
		n.Read(func(s *acd.State) { lunch, _ = s.Agent("1002") })
		if lunch.State != acd.AgentNotReady || lunch.Reason != "lunch" {
			t.Errorf("agent 1002 is %v (%s), want not ready (lunch)", lunch.State, lunch.Reason)
		}
		mustPropose(t, n, arrive("c2"))
		n.Post(queue("c2")) // posted events are counted from 1 again
		synctest.Wait()
		if second.rings("c2") != 1 {
			t.Errorf("effects %+v: want one RingAgent for c2", second.all())
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		n = mustOpenWith(t, Config{}, d.settings(defaults()))
		if s := n.Stats(); s.Applied < 10 || !s.Leader {
			t.Errorf("third process: %+v", s)
		}
	})
}

func TestEffectsAndReadsDoNotLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n *Node
		var calls int
		n = mustOpen(t, Config{Effects: func([]acd.Effect) {
			if n != nil { // the effects of Open come before it returns
				n.Read(func(s *acd.State) { calls = max(calls, len(s.Calls())) })
				n.Post(acd.CallEnded{Call: "c1", Cause: "normal"})
			}
		}})
		mustPropose(t, n, centre(1))
		mustPropose(t, n, arrive("c1"))
		mustPropose(t, n, queue("c1"))
		synctest.Wait()
		if calls != 1 || phase(n, "c1") != 0 {
			t.Errorf("%d calls seen by the effect, c1 is %v afterwards; want 1 and gone", calls, phase(n, "c1"))
		}
	})
}

func TestAnEventThatIsTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mustOpen(t, Config{})
		c := centre(0)
		c.Bundle = make([]byte, maxEvent)
		if _, _, err := n.Propose(t.Context(), c); err == nil || errors.Is(err, ErrNoQuorum) || refused(err) {
			t.Errorf("error %v, want one of its own", err)
		}
		n.Post(c)
		if s := n.Stats(); s.Dropped != 1 || s.Waiting != 0 {
			t.Errorf("%d dropped, %d waiting, want 1 and 0", s.Dropped, s.Waiting)
		}
		c.Bundle = make([]byte, maxEvent*5/8) // in base64 just below
		mustPropose(t, n, c)
	})
}

// TestADeathInTheMiddleOfTheBeginning leaves what a process leaves that dies
// between its first two writes.
func TestADeathInTheMiddleOfTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		if err := d.store.SetUint64([]byte(keyTerm), 1); err != nil {
			t.Fatal(err)
		}
		n := mustOpenWith(t, Config{}, d.settings(defaults()))
		mustPropose(t, n, centre(0))
	})
}

func TestOpenGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		s := d.settings(defaults())
		s.wall = func() time.Time { // Raft runs by now
			d.set(func(d *disk) { d.err = syscall.ENOSPC })
			return time.Now()
		}
		n := mustOpenWith(t, Config{}, s)
		d.set(func(d *disk) { d.err = nil })
		time.Sleep(3 * time.Second)
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := open(ctx, Config{Node: "n1", LogStore: StoreMemory, Logger: testLogger(t)}, s)
		if err == nil || !strings.Contains(err.Error(), "record the restart") {
			t.Errorf("error %v, want one about the restart that could not be recorded", err)
		}
	})
}
