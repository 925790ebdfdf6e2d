package cluster

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
)

func TestAProcessThatStoodStillKnowsIt(t *testing.T) {
	var now atomic.Int64
	p := newPace(func() time.Duration { return time.Duration(now.Load()) })
	turn := func(d time.Duration) {
		now.Add(int64(d))
		p.tick()
	}
	for range 20 {
		turn(beat + standstill/2) // a busy machine
	}
	if s := p.slept(); s < time.Minute {
		t.Errorf("stood still %v ago, but it never did", s)
	}
	now.Add(int64(time.Second))
	if s := p.slept(); s != 0 { // nobody has looked at the clock since
		t.Errorf("stood still %v ago, want now", s)
	}
	p.tick()
	turn(beat)
	if s := p.slept(); s != beat {
		t.Errorf("stood still %v ago, want %v", s, beat)
	}
}

func TestEffectsThatAreKeptBackComeInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var done []string
		o := outlet{carry: func(list []acd.Effect) {
			mu.Lock()
			defer mu.Unlock()
			for _, e := range list {
				done = append(done, e.(acd.DropCall).Call)
			}
		}}
		carried := func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(done)
		}
		put := func(call string) { o.put([]acd.Effect{acd.DropCall{Call: call}}) }
		put("a")
		o.shut(time.Second)
		put("b")
		time.Sleep(time.Second / 2)
		o.shut(time.Second) // it is
		put("c")
		if got := carried(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("carried out %v while shut", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		put("d")
		if got, want := carried(), []string{"a", "b", "c", "d"}; !slices.Equal(got, want) {
			t.Errorf("carried out %v, want %v", got, want)
		}
		o.shut(time.Second)
		put("e")
		o.close()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := carried(); len(got) != 4 {
			t.Errorf("carried out %v after the end", got)
		}
	})
}
