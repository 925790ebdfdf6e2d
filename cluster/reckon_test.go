package cluster

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
)

// A node with an empty directory wrote events that all others took for those of
// a process long gone.
func TestANodeThatLostItsDiskIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		mustPropose(t, c.node["n1"], centre(1))
		for i := range 3 { // each has another process behind it
			n := c.node["n3"]
			ev := arrive(fmt.Sprint("of n3 ", i))
			ev.Node = "n3"
			mustPropose(t, n, ev)
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			c.start("n3")
		}
		ev := arrive("new")
		ev.Node = "n3"
		mustPropose(t, c.node["n3"], ev)
		time.Sleep(time.Second)
		if p := phase(c.node["n1"], "new"); p != acd.PhaseMenu {
			t.Errorf("its call is in phase %v elsewhere", p)
		}
	})
}

func TestAnOldCopyOfADirectoryIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		mustPropose(t, c.node["n1"], centre(1))
		ev := arrive("of n3")
		ev.Node = "n3"
		mustPropose(t, c.node["n3"], ev)
		time.Sleep(time.Second)
		n := c.node["n1"]
		n.dir = &directory{path: "data"}
		n.fsm.mu.Lock()
		own := n.fsm.sessions.process("n1")
		n.fsm.mu.Unlock()
		for start, want := range map[uint64]error{own: ErrOldCopy, own + 1: nil} {
			if _, got, err := n.reckon(true, start); !errors.Is(err, want) || err == nil && got != start {
				t.Errorf("process %d after %d: %d, %v", start, own, got, err)
			}
		}
		n.dir = nil
	})
}
