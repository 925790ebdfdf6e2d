package phone_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tierline/call/phone"
)

func TestMain(m *testing.M) {
	// sipgo keeps finished transactions for 32 s by timers, which goleak does
	// not see; goroutines it must not leave behind.
	goleak.VerifyTestMain(m)
}

func endpoint(t *testing.T, user string) *phone.Endpoint {
	t.Helper()
	e, err := phone.Open(t.Context(), phone.Config{User: user})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

type called struct {
	mu  sync.Mutex
	all []phone.Handled
}

func (c *called) add(h phone.Handled) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, h)
}

func softphone(t *testing.T, b phone.Behaviour) (*phone.Phone, *called) {
	t.Helper()
	got := &called{}
	p, err := phone.OpenPhone(t.Context(), phone.PhoneConfig{
		Endpoint: phone.Config{User: "1001"}, Speak: 600, Listen: []int{600, 1400},
		Behave: func(string) phone.Behaviour { return b }, Handled: got.add,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, got
}

func TestCallBothWays(t *testing.T) {
	tests := map[string]struct {
		b       phone.Behaviour
		talk    time.Duration
		endedBy phone.Side
	}{
		"the phone hangs up":  {phone.Behaviour{Ring: 200 * time.Millisecond, Talk: 1500 * time.Millisecond}, 0, phone.Them},
		"the caller hangs up": {phone.Behaviour{}, 1500 * time.Millisecond, phone.Us},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, got := softphone(t, tt.b)
			r := endpoint(t, "caller").Call(t.Context(), phone.Plan{
				Target: "1001@" + p.Addr().String(), From: "13800138000", Speak: 1400,
				Listen: []int{600, 1400}, Wanted: []int{600}, Talk: tt.talk, Limit: 20 * time.Second,
				Keys: []phone.Keys{{Digits: "1", After: 200 * time.Millisecond}, {Digits: "5*#"}},
			})
			if err := p.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if r.Err != nil || r.Status != 200 || r.EndedBy != tt.endedBy || r.Ringing == 0 && tt.b.Ring > 0 {
				t.Errorf("report %+v", r)
			}
			if r.Heard.Tone(600) < 800*time.Millisecond || r.Heard.Tone(1400) != 0 || r.Heard.Lost != 0 {
				t.Errorf("caller heard %+v", r.Heard)
			}
			if r.Sent != "15*#" {
				t.Errorf("sent %q", r.Sent)
			}
			if len(got.all) != 1 {
				t.Fatalf("phone handled %d calls", len(got.all))
			}
			h := got.all[0]
			if h.From != "13800138000" || !h.Answered || h.Err != nil || h.EndedBy == tt.endedBy {
				t.Errorf("phone %+v", h)
			}
			// Three seconds less the digits' time.
			if h.Heard.Digits != "15*#" || h.Heard.Tone(1400) < 400*time.Millisecond {
				t.Errorf("phone heard %+v", h.Heard)
			}
		})
	}
}

func TestNotAnswered(t *testing.T) {
	tests := map[string]struct {
		b        phone.Behaviour
		patience time.Duration
		status   int
	}{
		"busy":     {phone.Behaviour{Action: phone.Busy}, 0, 486},
		"declined": {phone.Behaviour{Action: phone.Decline, Ring: 100 * time.Millisecond}, 0, 603},
		"given up": {phone.Behaviour{Action: phone.Ignore}, 500 * time.Millisecond, 487},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, got := softphone(t, tt.b)
			r := endpoint(t, "caller").Call(t.Context(), phone.Plan{
				Target: "1001@" + p.Addr().String(), Patience: tt.patience, Limit: 10 * time.Second,
			})
			if err := p.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if r.Err != nil || r.Answered != 0 || r.EndedBy != phone.Nobody {
				t.Errorf("report %+v", r)
			}
			if tt.patience == 0 && r.Status != tt.status {
				t.Errorf("status %d, want %d", r.Status, tt.status)
			}
			if len(got.all) != 1 || got.all[0].Answered || got.all[0].Err != nil {
				t.Fatalf("phone %+v", got.all)
			}
			if tt.patience > 0 && got.all[0].EndedBy != phone.Them {
				t.Errorf("phone was not told that the caller gave up: %+v", got.all[0])
			}
		})
	}
}

func TestManyCallers(t *testing.T) {
	const n = 12
	callers := endpoint(t, "callers")
	var wg sync.WaitGroup
	for i := range n {
		p, got := softphone(t, phone.Behaviour{Talk: time.Second})
		wg.Go(func() {
			r := callers.Call(t.Context(), phone.Plan{
				Target: "1001@" + p.Addr().String(), Speak: 1400, Listen: []int{600}, Limit: 20 * time.Second,
			})
			if err := p.Close(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
			if r.Err != nil || r.EndedBy != phone.Them || r.Heard.Tone(600) < 400*time.Millisecond {
				t.Errorf("call %d: %+v", i, r)
			}
			if len(got.all) != 1 || got.all[0].Heard.Tone(1400) < 400*time.Millisecond {
				t.Errorf("phone %d: %+v", i, got.all)
			}
		})
	}
	wg.Wait()
}
