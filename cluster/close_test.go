package cluster

import (
	"testing"
	"testing/synctest"
	"time"
)

// An event that comes to Raft while it stops is never answered. A node that was
// told to stop waited for it for ever.
func TestANodeEndsThoughRaftOwesAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mustOpen(t, Config{})
		n.landing.Add(1)
		began := time.Now()
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < time.Second || took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		n.landing.Done()
		synctest.Wait()
	})
}
