package call

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// An inbox gives back what was put into it, in order, once, and tells exactly
// one who puts that somebody must work.
func TestInboxProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b inbox
		var model []uint64
		var begun, working, closed bool
		next := uint64(1)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				work, err := b.put(rang{timer: next})
				want := error(nil)
				switch {
				case closed:
					want = ErrEnded
				case len(model) >= mailbox:
					want = ErrBusy
				default:
					model = append(model, next)
				}
				next++
				expected := want == nil && begun && !working
				if err != want || work != expected { //nolint:errorlint // the very errors
					t.Fatalf("put: work %t, error %v; want %t, %v", work, err, expected, want)
				}
				working = working || work
			},
			"begin": func(t *rapid.T) {
				if begun || closed {
					t.Skip("once")
				}
				begun, working = true, len(model) > 0
				if got := b.begin(); got != working {
					t.Fatalf("begin: work %t, %d wait", got, len(model))
				}
			},
			"take": func(t *rapid.T) {
				if !working {
					t.Skip("only who works takes")
				}
				m, ok := b.take()
				if ok != (len(model) > 0) {
					t.Fatalf("take: %t, %d wait", ok, len(model))
				}
				if working = ok; !ok {
					return
				}
				if diff := cmp.Diff(model[0], m.(rang).timer); diff != "" {
					t.Fatalf("order: %s", diff)
				}
				model = model[1:]
			},
			"close": func(*rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
					b.close()
					closed, model = true, nil
				}
			},
			"": func(t *rapid.T) {
				if got := b.crowded(); got != (len(model) >= mailbox-1) {
					t.Fatalf("crowded: %t with %d", got, len(model))
				}
			},
		})
	})
}

// Many authors at once: each message is handled once, those of one author in
// his order, and never two at a time.
func TestInboxHasOneWorkerAtATime(t *testing.T) {
	const authors, each = 8, 500
	var b inbox
	var inside atomic.Int64
	var group sync.WaitGroup
	came := map[uint64]uint64{} // of each author; owned by the worker
	work := func() {
		for m, ok := b.take(); ok; m, ok = b.take() {
			if inside.Add(1) != 1 {
				t.Error("two work at once")
			}
			n := m.(rang).timer
			if n%each != came[n/each] {
				t.Errorf("message %d of author %d after %d others", n%each, n/each, came[n/each])
			}
			came[n/each]++
			inside.Add(-1)
		}
	}
	b.begin()
	for author := range uint64(authors) {
		group.Go(func() {
			for i := uint64(0); i < each; {
				start, err := b.put(rang{timer: author*each + i})
				if err != nil {
					runtime.Gosched()
					continue
				}
				i++
				if start {
					group.Go(work)
				}
			}
		})
	}
	group.Wait()
	for author := range uint64(authors) {
		if came[author] != each {
			t.Errorf("author %d: %d of %d messages were handled", author, came[author], each)
		}
	}
}

// Who waits for one message gets it, or gives up in time.
func TestInboxAwaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b inbox
		time.AfterFunc(time.Second, func() { _, _ = b.put(rang{timer: 7}) })
		began := time.Now()
		if m, ok := b.await(time.After(time.Minute)); !ok || m.(rang).timer != 7 || time.Since(began) != time.Second {
			t.Errorf("%v %t after %s, want message 7 after a second", m, ok, time.Since(began))
		}
		if m, ok := b.await(time.After(time.Minute)); ok || time.Since(began) != time.Minute+time.Second {
			t.Errorf("%v %t after %s, want nothing for a minute", m, ok, time.Since(began))
		}
	})
}

// 400 conversations held 6.6 MB of stacks, though to a conversation nothing
// happens for seconds.
func TestAConversationHoldsNoStack(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.dial("10000", "13800138000")
		time.Sleep(3 * time.Second)
		l.press("0")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		l.saw("call.connected")
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		for g := range bytes.SplitSeq(stacks, []byte("\n\n")) {
			if bytes.Contains(g, []byte("(*Call)")) || bytes.Contains(g, []byte("(*Switch).Invite")) {
				t.Errorf("a goroutine sits in the conversation:\n%s", g)
			}
		}
	})
}
