package sipua_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/memnet"
	"tierline/call/sipua"
)

// Calls between two UAs over a bad network, ended by either side at any
// moment. Whatever is lost, doubled or overtaken: each side hears of the end
// of each call exactly once, and nothing stays behind.
func TestCallsInBadWeather(t *testing.T) {
	for seed := range uint64(10) {
		onBench(t, func(b *bench) {
			b.net.SetWeather(memnet.Weather{
				Seed: seed, Loss: 0.2, Duplicate: 0.1, Delay: 20 * time.Millisecond, Jitter: 60 * time.Millisecond,
			})
			far := &desk{}
			ua2 := b.open("10.0.0.3:5060", far)
			dice := rand.New(rand.NewPCG(seed, 1))
			random := func(most time.Duration) time.Duration { return time.Duration(dice.Int64N(int64(most))) }
			callees := make(chan *party, 200)
			var waits []time.Duration
			for range 200 {
				waits = append(waits, random(4*time.Second), random(8*time.Second), random(8*time.Second))
			}
			far.invite = func(in *sipua.Incoming) {
				var n int
				_, _ = fmt.Sscan(in.RequestUser, &n)
				c := &party{}
				callees <- c
				in.OnCancel(func() { c.end("cancelled") })
				_ = in.Ringing()
				time.Sleep(waits[3*n])
				l, err := in.Answer([]byte(ourSDP), c.on)
				if err != nil {
					return
				}
				time.Sleep(waits[3*n+1])
				c.leave(l)
			}
			var callers []*party
			for n := range 200 {
				c := &party{}
				callers = append(callers, c)
				r := request()
				r.Target = fmt.Sprintf("sip:%d@10.0.0.3:5060", n)
				l, err := b.ua.Dial(r, c.on)
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					time.Sleep(waits[3*n+2])
					c.leave(l)
				}()
				if n%7 == 0 {
					l.Reinvite([]byte(offerSDP), nil)
				}
			}
			time.Sleep(3 * time.Minute)
			synctest.Wait()
			for i, ua := range []*sipua.UA{b.ua, ua2} {
				if s := ua.Stats(); s.Legs != 0 || s.Transactions != 0 || s.Faults != 0 {
					t.Errorf("seed %d, side %d: %+v", seed, i, s)
				}
			}
			close(callees)
			for c := range callees {
				callers = append(callers, c)
			}
			for i, c := range callers {
				if len(c.ends) > 1 || !c.left && len(c.ends) == 0 {
					t.Errorf("seed %d, party %d: left %v, ends %q", seed, i, c.left, c.ends)
				}
			}
		})
	}
}

// party is one side of a call: what it did and what it heard.
type party struct {
	mu   sync.Mutex
	left bool
	ends []string
}

func (p *party) end(how string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ends = append(p.ends, how)
}

func (p *party) leave(l *sipua.Leg) {
	p.mu.Lock()
	p.left = len(p.ends) == 0
	p.mu.Unlock()
	l.Hangup(16, "")
}

func (p *party) on(ev sipua.LegEvent) {
	switch ev := ev.(type) {
	case sipua.Failed, sipua.Hungup, sipua.NoAck:
		p.end(fmt.Sprintf("%T", ev))
	case sipua.Reinvited:
		_ = ev.Reply(200, []byte(ourSDP))
	case sipua.Ringing, sipua.Answered, sipua.Confirmed, sipua.Info, sipua.Referred, sipua.ReferredIn, sipua.Refreshed,
		sipua.Pracked:
	}
}
