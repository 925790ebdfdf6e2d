package backend

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/ivr"
)

// replies answers one status after another, then 200.
func replies(asked *atomic.Int64, statuses ...int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		n := int(asked.Add(1)) - 1
		if n < len(statuses) {
			reply(w, statuses[n], `{}`)
			return
		}
		reply(w, http.StatusOK, `{"n":1}`)
	}
}

func TestRetries(t *testing.T) {
	field := ivr.Field{Name: "a", Value: 1}
	deleteIt := get("/x")
	deleteIt.Request.Method = http.MethodDelete
	patch := get("/x")
	patch.Request.Method = http.MethodPatch
	tests := map[string]struct {
		ask      ivr.Lookup
		retries  int
		statuses []int
		asked    int64
		status   ivr.LookupStatus
	}{
		"none asked for":           {get("/x"), 0, []int{500}, 1, ivr.LookupError},
		"second try":               {get("/x"), 1, []int{500}, 2, ivr.LookupOK},
		"as often as allowed":      {get("/x"), 2, []int{500, 502, 503, 504}, 3, ivr.LookupError},
		"delete":                   {deleteIt, 1, []int{500}, 2, ivr.LookupOK},
		"patch":                    {patch, 1, []int{500}, 1, ivr.LookupError},
		"post without a key":       {post("/x", "", field), 3, []int{500}, 1, ivr.LookupError},
		"post with a key":          {post("/x", "k1", field), 3, []int{500, 429, 408}, 4, ivr.LookupOK},
		"answers are no failures":  {get("/x"), 3, []int{404}, 1, ivr.LookupNotFound},
		"nor are refusals":         {get("/x"), 3, []int{401}, 1, ivr.LookupRefused},
		"bad requests don't mend":  {get("/x"), 3, []int{400}, 1, ivr.LookupError},
		"not found after failures": {get("/x"), 3, []int{500, 404}, 2, ivr.LookupNotFound},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			inLab(t, replies(&asked, tt.statuses...), func(l *lab) {
				l.policy.Retries = tt.retries
				if a := l.ask(tt.ask); a.Status != tt.status {
					t.Errorf("%+v", a)
				}
			})
			if asked.Load() != tt.asked {
				t.Errorf("asked %d times, want %d", asked.Load(), tt.asked)
			}
		})
	}
}

// A source that says when to come back is not asked before; if that is later
// than anybody would wait, it is not asked again.
func TestRetryAfter(t *testing.T) {
	for after, want := range map[string]struct {
		asked int64
		least time.Duration
	}{"1": {2, time.Second}, "2": {1, 0}, "later": {2, 0}, "99999999999": {2, 0}} {
		t.Run(after, func(t *testing.T) {
			var asked atomic.Int64
			far := func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", after)
				replies(&asked, 503)(w, r)
			}
			inLab(t, far, func(l *lab) {
				l.policy.Retries = 1
				if a := l.ask(get("/x")); asked.Load() != want.asked || a.Took < want.least {
					t.Errorf("asked %d times in %v", asked.Load(), a.Took)
				}
			})
		})
	}
}

// A connection that the far end closed while it was idle may have carried a
// request: one that must not be sent twice isn't.
func TestClosedIdleConnection(t *testing.T) {
	for key, want := range map[string]int64{"": 2, "k1": 3} {
		t.Run(key, func(t *testing.T) {
			var asked atomic.Int64
			far := func(c net.Conn) {
				buf := make([]byte, 4096)
				for n := 0; ; n++ {
					if _, err := c.Read(buf); err != nil {
						return
					}
					if asked.Add(1) == 2 {
						return // without a word, on the connection that worked before
					}
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
				}
			}
			inRawLab(t, far, func(l *lab) {
				l.ask(post("/x", key))
				l.ask(post("/x", key))
			})
			if asked.Load() != want {
				t.Errorf("arrived %d times, want %d", asked.Load(), want)
			}
		})
	}
}

func TestBreaker(t *testing.T) {
	var asked atomic.Int64
	status := 500
	far := func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); reply(w, status, `{}`) }
	inLab(t, far, func(l *lab) {
		l.policy.Breaker = ivr.Breaker{Failures: 3, Open: 15 * time.Second}
		state := func() BreakerState { return l.Stats().Sources[0].Breaker }
		ask := func(wantAsked int64, want BreakerState) {
			t.Helper()
			l.ask(get("/x"))
			if asked.Load() != wantAsked || state() != want {
				t.Fatalf("asked %d times, breaker %s; want %d, %s", asked.Load(), state(), wantAsked, want)
			}
		}
		ask(1, BreakerClosed)
		ask(2, BreakerClosed)
		status = 404 // an answer: what went before is forgotten
		ask(3, BreakerClosed)
		status = 500
		ask(4, BreakerClosed)
		ask(5, BreakerClosed)
		ask(6, BreakerOpen)
		ask(6, BreakerOpen)
		time.Sleep(15 * time.Second)
		if state() != BreakerHalfOpen {
			t.Error(state())
		}
		ask(7, BreakerOpen) // one try, in vain
		ask(7, BreakerOpen)
		time.Sleep(15 * time.Second)
		status = 200
		ask(8, BreakerClosed)
		if n := strings.Count(l.log.String(), "left alone"); n != 1 || !strings.Contains(l.log.String(), "works again") {
			t.Errorf("log:\n%s", l.log)
		}
	})
}

// While a source is left alone, one question tries it; the others aren't asked.
func TestOneProbe(t *testing.T) {
	var asked atomic.Int64
	far := func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			reply(w, 500, `{}`)
			return
		}
		time.Sleep(500 * time.Millisecond)
		reply(w, 200, `{}`)
	}
	inLab(t, far, func(l *lab) {
		l.policy.Breaker = ivr.Breaker{Failures: 1, Open: time.Second}
		l.ask(get("/x"))
		time.Sleep(time.Second)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { l.ask(get("/x")) })
		}
		all.Wait()
		want := map[Outcome]int{Failed: 1, Open: 9, OK: 1}
		got := map[Outcome]int{}
		for _, o := range l.outcomes() {
			got[o]++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// A probe that nobody waits for decides nothing: the next one tries again.
func TestCancelledProbe(t *testing.T) {
	var asked atomic.Int64
	far := func(w http.ResponseWriter, r *http.Request) {
		switch asked.Add(1) {
		case 1:
			reply(w, 500, `{}`)
		case 2:
			<-r.Context().Done()
		default:
			reply(w, 200, `{}`)
		}
	}
	inLab(t, far, func(l *lab) {
		l.policy.Breaker = ivr.Breaker{Failures: 1, Open: time.Second}
		l.ask(get("/x"))
		time.Sleep(time.Second)
		ctx, hangUp := context.WithTimeout(l.t.Context(), 100*time.Millisecond)
		defer hangUp()
		if a := l.Lookup(ctx, l.policy, get("/x")); a.Status != ivr.LookupError || a.Took != 100*time.Millisecond {
			t.Errorf("%+v", a)
		}
		if a := l.ask(get("/x")); a.Status != ivr.LookupOK {
			t.Errorf("%+v", a)
		}
		if diff := cmp.Diff([]Outcome{Failed, Cancelled, OK}, l.outcomes()); diff != "" {
			t.Error(diff)
		}
	})
}

// No more questions than allowed reach the source; the others wait their turn,
// and give up in time.
func TestConcurrency(t *testing.T) {
	var now, most atomic.Int64
	far := func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		select {
		case <-time.After(300 * time.Millisecond):
			reply(w, 200, `{}`)
		case <-r.Context().Done():
		}
	}
	inLab(t, far, func(l *lab) {
		l.policy.Concurrency = 4
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { l.ask(get("/x")) })
		}
		synctest.Wait()
		if s := l.Stats().Sources[0]; s.Asking != 4 || s.Waiting != 16 {
			t.Errorf("%+v", s)
		}
		time.Sleep(950 * time.Millisecond) // then they are given up, which the far side learns a moment later
		if n := most.Load(); n != 4 {
			t.Errorf("%d at once", n)
		}
		all.Wait()
		got := map[Outcome]int{}
		for _, o := range l.outcomes() {
			got[o]++
		}
		// Three rounds of four end within the second; the fourth had 100 ms left, the fifth nothing or none at all.
		if got[OK] != 12 || got[Timeout] < 4 || got[Timeout]+got[Busy] != 8 {
			t.Error(got)
		}
		if s := l.Stats().Sources[0]; s.Asking != 0 || s.Waiting != 0 {
			t.Errorf("afterwards %+v", s)
		}
	})
}

// Who hangs up waits for nobody, wherever his question stands.
func TestCancellation(t *testing.T) {
	far := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	inLab(t, far, func(l *lab) {
		l.policy.Concurrency, l.policy.Timeout = 1, time.Minute
		ctx, hangUp := context.WithCancel(l.t.Context())
		var all sync.WaitGroup
		for range 3 { // one asks, two wait their turn
			all.Go(func() {
				if a := l.Lookup(ctx, l.policy, get("/x")); a.Took != 5*time.Second || a.Status != ivr.LookupError {
					t.Errorf("%+v", a)
				}
			})
		}
		time.Sleep(5 * time.Second)
		hangUp()
		all.Wait()
		if diff := cmp.Diff([]Outcome{Cancelled, Cancelled, Cancelled}, l.outcomes()); diff != "" {
			t.Error(diff)
		}
		if strings.Contains(l.log.String(), "failed") {
			t.Errorf("nothing failed:\n%s", l.log)
		}
	})
}

// A node that stops lets lookups that were to finish end, and no longer.
func TestClose(t *testing.T) {
	for name, tt := range map[string]struct {
		grace, took time.Duration
		status      ivr.LookupStatus
	}{
		"enough time": {10 * time.Second, 3 * time.Second, ivr.LookupOK},
		"no time":     {time.Second, time.Second, ivr.LookupError},
	} {
		t.Run(name, func(t *testing.T) {
			far := func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(3 * time.Second):
					reply(w, 200, `{}`)
				case <-r.Context().Done():
				}
			}
			inLab(t, far, func(l *lab) {
				l.policy.Timeout = time.Minute
				var all sync.WaitGroup
				all.Go(func() {
					if a := l.ask(get("/x")); a.Status != tt.status || a.Took != tt.took {
						t.Errorf("%+v", a)
					}
				})
				synctest.Wait()
				ctx, cancel := context.WithTimeout(l.t.Context(), tt.grace)
				defer cancel()
				l.Close(ctx)
				all.Wait()
				if a := l.ask(get("/x")); a.Err != "this node is stopping" {
					t.Errorf("afterwards %+v", a)
				}
			})
		})
	}
}

func TestUnknownSources(t *testing.T) {
	inLab(t, func(http.ResponseWriter, *http.Request) { t.Error("was asked") }, func(l *lab) {
		for _, q := range []ivr.Lookup{{Source: "crm"}, {Source: ""}} {
			if a := l.Lookup(l.t.Context(), l.policy, q); a.Status != ivr.LookupError || a.Err == "" {
				t.Errorf("%+v", a)
			}
		}
		if a := l.Lookup(l.t.Context(), ivr.Source{}, get("/x")); a.Status != ivr.LookupError {
			t.Errorf("without a policy: %+v", a)
		}
		if got := l.seen[0].Source; got != "unknown" {
			t.Errorf("label %q: names of anywhere would fill the metrics", got)
		}
		if l.Knows("crm") || !l.Knows("bss") {
			t.Error("knows the wrong ones")
		}
	})
}
