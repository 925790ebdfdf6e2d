package cluster

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
)

// letIn has the cluster let a node in, asked at a member.
func (c *trio) letIn(at, name string) error {
	_, err := c.node[at].steward.decide(c.t.Context(), change{Node: name, Address: name})
	return err
}

// join starts a node that was let in.
func (c *trio) join(name string) {
	c.t.Helper()
	as := c.ca.member("test", name, name)
	as.Joined = map[string]string{"n1": "n1", "n2": "n2", "n3": "n3"}
	c.effects[name], c.disks[name] = newEffectLog(), newDisk()
	n, err := c.open(name, c.effects[name], as, c.disks[name].settings(defaults()))
	if err != nil {
		c.t.Fatal(err)
	}
	c.node[name] = n
	c.nodes[name].Store(n)
	mustPropose(c.t, n, acd.NodeReady{Node: name, Listen: []string{"udp:127.0.4." + name[1:] + ":5060"}})
}

// gone ends a node for ever.
func (c *trio) gone(name string) {
	c.t.Helper()
	c.away.Store(&name)
	c.nodes[name].Store(nil)
	c.net.Kill(name)
	_ = c.node[name].Close() // it is what a killed process leaves
	delete(c.node, name)
}

func (c *trio) states(at string) map[string]string {
	out := map[string]string{}
	for _, s := range c.node[at].Nodes(c.t.Context()) {
		out[s.Node] = s.State
	}
	return out
}

func TestNodesComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		c.ready()
		mustPropose(t, c.node["n1"], centre(1))
		mustPropose(t, c.node["n1"], arrive("c1"))
		for _, name := range []string{"n4", "n5"} {
			if err := c.letIn(c.followers()[0], name); err != nil { // who follows asks the leader
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if got := c.states("n1")[name]; got != unreachable {
				t.Errorf("%s, which doesn't run yet, is %s", name, got)
			}
			if err := c.letIn("n1", name); err != nil {
				t.Errorf("asked again: %v", err)
			}
			c.join(name)
			if n := c.node[name]; !n.May() || n.Ready() != nil || phase(n, "c1") != acd.PhaseMenu {
				t.Errorf("%s has joined: may act %v, %v, the call is in %v", name, n.May(), n.Ready(), phase(n, "c1"))
			}
			ev := arrive("of " + name)
			ev.Node = name
			mustPropose(t, c.node[name], ev)
			if err := c.letIn("n2", name); err == nil || !strings.Contains(err.Error(), "is a member") {
				t.Errorf("let in twice: %v", err)
			}
		}
		if got := c.states("n5"); len(got) != 5 {
			t.Errorf("nodes as the last one sees them: %v", got)
		}
		// Five survive the loss of two, whoever they are.
		time.Sleep(3 * time.Second)
		for _, name := range []string{"n2", "n3"} {
			c.gone(name)
			c.until(name+" is down", func() bool { return c.down("n4", name) })
		}
		c.until("the rest goes on", func() bool {
			_, _, err := c.node["n4"].Propose(t.Context(), acd.CallEnded{Call: "c1", Cause: "normal"})
			return err == nil || refused(err)
		})
		for _, name := range []string{"n2", "n3"} {
			if err := c.node["n5"].Remove(t.Context(), name); err != nil {
				t.Errorf("strike %s off: %v", name, err)
			}
		}
		time.Sleep(time.Second)
		for _, name := range []string{"n1", "n4", "n5"} {
			if got := c.states(name); len(got) != 3 || !c.node[name].May() {
				t.Errorf("%s may act: %v, and sees %v", name, c.node[name].May(), got)
			}
		}
	})
}

func TestWhoIsNotWellKeepsTheMembersAsTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		c.ready()
		lead, rest := c.leader(), c.followers()
		if err := c.node[lead].Remove(t.Context(), rest[0]); !errors.Is(err, ErrMembers) || !strings.Contains(err.Error(), "drain") {
			t.Errorf("a node that runs was struck off: %v", err)
		}
		if err := c.node[lead].Remove(t.Context(), "n9"); err == nil || !strings.Contains(err.Error(), "no member") {
			t.Errorf("a node that never was: %v", err)
		}
		c.letInAt(lead, rest[0]) // somebody's address
		c.net.Cut(func(from, to string) bool { return from == rest[0] || to == rest[0] })
		time.Sleep(2 * current)
		if err := c.letIn(lead, "n4"); err == nil && !c.down(lead, rest[0]) {
			t.Error("a node was let in while a member that may act couldn't be told")
		}
		c.cut("")
	})
}

// letInAt asks for a name at the address of a member.
func (c *trio) letInAt(lead, taken string) {
	_, err := c.node[lead].steward.decide(c.t.Context(), change{Node: "n4", Address: taken})
	if err == nil || !strings.Contains(err.Error(), "is the address of node "+taken) {
		c.t.Errorf("at the address of %s: %v", taken, err)
	}
}

// Who was struck off while it was away is told so, and acts for nobody.
func TestWhoWasStruckOffIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		c.ready()
		mustPropose(t, c.node["n1"], centre(1))
		away := c.followers()[0]
		c.gone(away)
		lead := c.leader()
		c.until("it is down", func() bool { return c.down(lead, away) })
		if err := c.node[lead].Remove(t.Context(), away); err != nil {
			t.Fatal(err)
		}
		w, err := newWires(away, c.ca.member("test", away, trioNames()...), c.net.At(away), time.Second, testLogger(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, what := range []purpose{forPulse, forEvents, forStatus, forPhones} {
			if _, err = w.dial(t.Context(), lead, what); err == nil || !strings.Contains(err.Error(), "no member") {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err = w.request(t.Context(), "", lead, change{Node: "n9", Address: "n9"}); err == nil ||
			!strings.Contains(err.Error(), "speaks for n9") {
			t.Errorf("in the name of somebody else: %v", err)
		}
		// It comes again like any other.
		if _, err = w.request(t.Context(), "", lead, change{Node: away, Address: away}); err != nil {
			t.Error(err)
		}
		if err = w.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Millisecond) // nobody begins at the moment at which he is found gone
		as := c.ca.member("test", away, away)
		as.Joined = map[string]string{"n1": "n1", "n2": "n2", "n3": "n3"}
		delete(as.Joined, away)
		n, err := c.open(away, newEffectLog(), as, newDisk().settings(defaults()))
		if err != nil {
			t.Fatal(err)
		}
		c.node[away] = n
		mustPropose(t, n, acd.NodeReady{Node: away})
		if !n.May() {
			t.Error("it is back and may not act")
		}
	})
}

func TestALearnerMayNotAct(t *testing.T) {
	l := newLessee(func() time.Duration { return time.Second }, trioNames(), &atomic.Bool{})
	l.answered("n1", time.Second, answer{Stand: standLeads})
	if !l.good() {
		t.Error("a member that the leader knows may not act")
	}
	l.seat(false, map[string]bool{"n1": true, "n2": true, "n3": true})
	if l.good() {
		t.Error("a learner may act")
	}
}

// The right to act must hold if one member has come or gone of whom this node
// doesn't know: others can't be a majority then, either.
func TestTheRightHoldsWhileMembersChange(t *testing.T) {
	for voters := 2; voters <= 7; voters++ {
		for _, after := range []int{voters - 1, voters, voters + 1} {
			alibis := needed(voters)
			// At worst the one who is gone is among the alibis.
			left := after - 1 - max(0, alibis-max(0, voters-after))
			if left >= after/2+1 {
				t.Errorf("%d voters, %d alibis, %d voters then: %d of them are a majority", voters, alibis, after, left)
			}
		}
	}
}
