package cluster

import (
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
)

func runChild() bool { return false }

func TestACallIsOfferedAndConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		effects := newEffectLog()
		n := mustOpen(t, Config{Effects: effects.add})
		mustPropose(t, n, centre(1))
		mustPropose(t, n, arrive("c1"))
		mustPropose(t, n, queue("c1"))
		<-effects.note
		synctest.Wait()
		t.Log(effects.all())
		if effects.rings("c1") != 1 {
			t.Errorf("effects %#v: want one RingAgent", effects.all())
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		t.Log(effects.all())
		_ = acd.TimePassed{}
	})
}
