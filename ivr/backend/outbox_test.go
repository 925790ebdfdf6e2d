package backend

import (
	"context"
	"encoding/json"
	"io"
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

func sms(l *lab) ivr.Channel {
	return ivr.Channel{Name: "sms", Source: l.policy, Path: "/v1/messages", Templates: []string{"bill_detail"}}
}

func note() ivr.Notify {
	return ivr.Notify{ID: 3, Channel: "sms", To: "+8613800138000", Template: "bill_detail", Language: "zh", Data: []ivr.Field{{Name: "total", Value: "123.45"}}}
}

func TestNotify(t *testing.T) {
	tests := map[string]struct {
		statuses []int
		ok       bool
		outcomes []Outcome
		within   time.Duration // of virtual time, until the matter is settled
	}{
		"taken":         {[]int{202}, true, []Outcome{OK}, 0},
		"refused":       {[]int{422}, false, []Outcome{Failed}, 0},
		"later":         {[]int{503, 200}, true, []Outcome{Queued, OK}, time.Second},
		"much later":    {[]int{503, 503, 500, 502, 200}, true, []Outcome{Queued, Queued, Queued, Queued, OK}, 15 * time.Second},
		"refused later": {[]int{503, 400}, true, []Outcome{Queued, Failed, Lost}, time.Second},
		"never in its life": {
			[]int{503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503, 503},
			true, nil, 12 * time.Minute,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			inLab(t, replies(&asked, tt.statuses...), func(l *lab) {
				if n := l.Notify(l.t.Context(), sms(l), note()); n.OK != tt.ok || n.ID != 3 {
					t.Errorf("%+v", n)
				}
				time.Sleep(tt.within)
				synctest.Wait()
				if s := l.Stats(); s.Messages != 0 {
					t.Errorf("%d messages wait still", s.Messages)
				}
				got := l.outcomes()
				if tt.outcomes == nil {
					if got[len(got)-1] != Lost || l.Stats().Lost != 1 {
						t.Error(got)
					}
					return
				}
				if diff := cmp.Diff(tt.outcomes, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// Every try of a message carries the same key, so that nobody gets it twice.
func TestMessageOnTheWire(t *testing.T) {
	keys := map[string]int{}
	var body string
	far := func(w http.ResponseWriter, r *http.Request) {
		keys[r.Header.Get("Idempotency-Key")]++
		b, _ := io.ReadAll(r.Body)
		body = string(b)
		reply(w, 503, ``)
	}
	inLab(t, far, func(l *lab) {
		l.Notify(l.t.Context(), sms(l), note())
		time.Sleep(3 * time.Second)
	})
	if len(keys) != 1 || keys[""] > 0 {
		t.Errorf("keys %v", keys)
	}
	want := `{"channel":"sms","to":"+8613800138000","template":"bill_detail","language":"zh","data":{"total":"123.45"}}`
	if body != want || !json.Valid([]byte(body)) {
		t.Errorf("body %s", body)
	}
}

// A channel that takes its time doesn't keep a call waiting, and a caller who
// hangs up gets his message all the same.
func TestSlowChannel(t *testing.T) {
	var sent atomic.Int64
	far := func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(900 * time.Millisecond)
		sent.Add(1)
		reply(w, 200, `{}`)
	}
	inLab(t, far, func(l *lab) {
		ctx, hangUp := context.WithCancel(l.t.Context())
		began := time.Now()
		n := l.Notify(ctx, sms(l), note())
		hangUp()
		if took := time.Since(began); !n.OK || took != messageAnswer {
			t.Errorf("%+v after %v", n, took)
		}
		time.Sleep(time.Second)
	})
	if sent.Load() != 1 {
		t.Errorf("sent %d times", sent.Load())
	}
}

func TestUnknownChannel(t *testing.T) {
	inLab(t, func(http.ResponseWriter, *http.Request) { t.Error("was asked") }, func(l *lab) {
		c, n := sms(l), note()
		other := n
		other.Template = "greeting"
		nobody := n
		nobody.To = ""
		for _, ok := range []bool{
			l.Notify(l.t.Context(), ivr.Channel{}, n).OK, l.Notify(l.t.Context(), c, other).OK, l.Notify(l.t.Context(), c, nobody).OK,
			l.Notify(l.t.Context(), ivr.Channel{Name: "x", Source: ivr.Source{Name: "nowhere"}}, n).OK,
		} {
			if ok {
				t.Error("taken")
			}
		}
	})
}

// The queue is bounded; what finds no room is an error to its caller.
func TestManyMessages(t *testing.T) {
	far := func(w http.ResponseWriter, _ *http.Request) { reply(w, 503, ``) }
	inLab(t, far, func(l *lab) {
		var all sync.WaitGroup
		var refused atomic.Int64
		for range maxMessages + 50 {
			all.Go(func() {
				if !l.Notify(l.t.Context(), sms(l), note()).OK {
					refused.Add(1)
				}
			})
		}
		all.Wait()
		if s := l.Stats(); refused.Load() != 50 || s.Messages != maxMessages || s.Lost != 50 {
			t.Errorf("%d refused, %+v", refused.Load(), s)
		}
		if n := strings.Count(l.log.String(), "source failed"); n > 5 {
			t.Errorf("%d lines of log about the same", n)
		}
	})
}

// A node that stops tries everything once more, at once.
func TestDrain(t *testing.T) {
	var asked atomic.Int64
	inLab(t, replies(&asked, 503, 503, 503), func(l *lab) {
		l.Notify(l.t.Context(), sms(l), note())
		time.Sleep(5 * time.Second) // twice in vain
		began := time.Now()
		l.shut()
		if took := time.Since(began); took != 0 || asked.Load() != 4 || l.Stats().Lost != 0 {
			t.Errorf("asked %d times, drained in %v, %+v", asked.Load(), took, l.Stats())
		}
		if l.Notify(context.Background(), sms(l), note()).OK {
			t.Error("taken by a node that has stopped")
		}
	})
}
