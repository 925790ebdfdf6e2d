package call

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
)

type errand func()

func (e errand) work() { e() }

func TestACrewUsesItsHandsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := newCrew(ctx)
		var done sync.WaitGroup
		// All at once: nobody waits for anybody.
		const many = 3 * hands
		gate := make(chan struct{})
		for range many {
			done.Add(1)
			c.put(errand(func() { <-gate; done.Done() }))
		}
		close(gate)
		done.Wait()
		synctest.Wait()
		if n := c.waiting.Load(); n != hands {
			t.Errorf("%d wait for more", n)
		}
		// One after the other: one of those that wait does it, and waits again.
		for range many {
			done.Add(1)
			c.put(errand(done.Done))
			done.Wait()
			synctest.Wait()
			if n := c.waiting.Load(); n != hands {
				t.Errorf("%d wait for more", n)
			}
		}
		// At the end nobody waits, and what comes late is done all the same.
		cancel()
		synctest.Wait()
		done.Add(1)
		c.put(errand(done.Done))
		done.Wait()
		synctest.Wait()
		if n := c.waiting.Load(); n != 0 {
			t.Errorf("%d wait for more", n)
		}
	})
}
