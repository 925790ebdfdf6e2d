package cluster

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
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

// Raft never answers an event that came to it by another node while it stopped:
// whoever waited for that kept the node from ending, for ever.
func TestALeaderEndsWhileOthersWrite(t *testing.T) {
	for moment := range 20 {
		synctest.Test(t, func(t *testing.T) {
			c := newTrio(t)
			defer c.stop()
			lead, other := c.leader(), c.node[c.followers()[0]]
			ctx, cancel := context.WithCancel(t.Context())
			var writing sync.WaitGroup
			for range 4 {
				writing.Go(func() {
					for ; ctx.Err() == nil; time.Sleep(time.Millisecond / 4) {
						// Refused, since nobody knows him; the log has it nevertheless.
						_, _, _ = other.Propose(ctx, acd.AgentCommanded{Agent: "1001", Command: acd.GoNotReady})
					}
				})
			}
			time.Sleep(100*time.Millisecond + time.Duration(moment)*time.Millisecond/3)
			began := time.Now()
			if err := c.node[lead].Close(); err != nil || time.Since(began) > 3*time.Second {
				t.Errorf("closed after %v: %v", time.Since(began), err)
			}
			cancel()
			writing.Wait()
		})
	}
}
