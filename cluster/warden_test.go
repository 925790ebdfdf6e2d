package cluster

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
)

// ready says of all three nodes that they serve.
func (c *trio) ready() {
	c.t.Helper()
	for _, name := range trioNames() {
		mustPropose(c.t, c.node[name], serves(name))
	}
	time.Sleep(3 * time.Second) // nobody is new any more
}

// serves says of a node that it does, at an address of its own.
func serves(name string) acd.NodeReady {
	return acd.NodeReady{Node: name, Listen: []string{fmt.Sprintf("udp:127.0.0.%s:5060", name[1:])}}
}

// down reports whether a node takes another one for dead.
func (c *trio) down(at, whom string) (down bool) {
	c.node[at].Read(func(s *acd.State) {
		for _, m := range s.Members() {
			down = down || m.Node == whom && m.Down
		}
	})
	return down
}

// until waits for something and says how long it took.
func (c *trio) until(what string, ok func() bool) time.Duration {
	c.t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > 10*time.Second {
			c.t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(began)
}

func TestASilentNodeIsQuietBeforeItIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		c.ready()
		lead, gone := c.leader(), c.followers()[0]
		if !c.node[gone].May() || c.node[gone].Ready() != nil {
			t.Fatalf("a follower may not act: %v", c.node[gone].Ready())
		}
		c.cut(gone)
		quiet := c.until("it falls silent", func() bool { return !c.node[gone].May() })
		if c.down(lead, gone) {
			t.Error("it was down before it was silent")
		}
		down := quiet + c.until("it is down", func() bool { return c.down(lead, gone) })
		if quiet > lease || down > silence+100*time.Millisecond {
			t.Errorf("silent after %v, down after %v", quiet, down)
		}
		if err := c.node[gone].Ready(); err == nil {
			t.Error("a node that is cut off takes calls")
		}
		if c.fenced[gone].Load() > 0 {
			t.Error("it knows of what it can't know")
		}
		c.cut("")
		// In life the process is gone then.
		if took := c.until("it is told", func() bool { return c.fenced[gone].Load() > 0 }); took > 2*time.Second {
			t.Errorf("it was told after %v", took)
		}
		if c.node[gone].May() {
			t.Error("it acts for what others have")
		}
	})
}

func TestALeaderWhoseProcessIsGoneIsReplacedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		c.ready()
		lead, heir := c.leader(), c.followers()[0]
		c.away.Store(&lead)
		c.net.Kill(lead)
		if took := c.until("it is down", func() bool { return c.down(heir, lead) }); took > 100*time.Millisecond {
			t.Errorf("a leader that is gone was replaced after %v", took)
		}
		for _, name := range trioNames() {
			if name != lead && !c.node[name].May() {
				t.Errorf("%s fell silent", name)
			}
		}
	})
}

func TestAShortSilenceHarmsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		c.ready()
		for _, gone := range []string{c.leader(), c.followers()[0]} {
			c.cut(gone)
			time.Sleep(lease - 2*beat)
			c.cut("")
			time.Sleep(2 * time.Second)
			for _, name := range trioNames() {
				if c.down(c.leader(), name) || c.fenced[name].Load() > 0 || !c.node[name].May() {
					t.Errorf("%s is down after a short silence of %s", name, gone)
				}
			}
		}
	})
}

// TestTheOthersSpeakWhileNobodyLeads: an election must not silence a cluster.
func TestTheOthersSpeakWhileNobodyLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		c.ready()
		lead, rest := c.leader(), c.followers()
		c.cut(lead)
		for began := time.Now(); time.Since(began) < 3*time.Second; time.Sleep(time.Millisecond) {
			for _, name := range rest {
				if !c.node[name].May() {
					t.Fatalf("%s fell silent %v after the leader did", name, time.Since(began))
				}
			}
		}
		if !c.down(rest[0], lead) || c.node[lead].May() {
			t.Error("the leader that was cut off still speaks")
		}
	})
}

// TestALastNodeIsAnIsland: with the others' processes gone nobody can have its
// calls; it goes on with them and takes no new ones.
func TestALastNodeIsAnIsland(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		c.ready()
		rest := c.followers()
		last := c.leader()
		for _, name := range rest {
			c.net.Kill(name)
		}
		time.Sleep(2 * time.Second)
		for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(10 * time.Millisecond) {
			if !c.node[last].May() {
				t.Fatal("the last node fell silent")
			}
			if c.node[last].Ready() == nil {
				t.Fatal("the last node takes calls that nobody can queue")
			}
		}
		for _, name := range rest {
			_ = c.node[name].Close() // it is what a killed process leaves
			delete(c.node, name)
			c.nodes[name].Store(nil)
		}
		c.start(rest[0])
		c.until("it takes calls again", func() bool { return c.node[last].Ready() == nil })
		if c.fenced[last].Load() > 0 {
			t.Error("it was taken for dead")
		}
		c.stop()
	})
}

// TestADrainedNodeGetsNoCalls: it has its address still, where peers are told by
// re-INVITE, and fewer calls than anybody.
func TestADrainedNodeGetsNoCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		c.ready()
		lead, dead, drained := c.leader(), c.followers()[0], c.followers()[1]
		mustPropose(t, c.node[lead], centre(1))
		busy := arrive("c1")
		busy.Node = lead
		mustPropose(t, c.node[lead], busy)
		mustPropose(t, c.node[lead], acd.AddressMoved{Home: drained, From: drained, To: lead, Away: true})
		c.away.Store(&dead)
		c.net.Kill(dead)
		c.until("it is down", func() bool { return c.down(lead, dead) })
		c.node[lead].Read(func(s *acd.State) {
			for _, m := range s.Members() {
				if m.Node == dead && m.Holder != lead {
					t.Errorf("%s has the address of %s", m.Holder, dead)
				}
			}
		})
	})
}
