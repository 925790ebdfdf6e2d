package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/memnet"
)

// trio is three whole nodes on a network in memory.
type trio struct {
	t       testing.TB
	ca      *authority
	net     *memnet.Wires
	away    atomic.Pointer[string] // who is cut off
	node    map[string]*Node
	effects map[string]*effectLog
	disks   map[string]*disk
	change  func(*settings)
	fenced  map[string]*atomic.Int64         // how often each was told that it is dead
	nodes   map[string]*atomic.Pointer[Node] // as node, for those who look from elsewhere

	lives
}

func trioNames() []string { return []string{"n1", "n2", "n3"} }

func newTrio(t testing.TB) *trio { return newTrioWith(t, func(*settings) {}) }

func newTrioWith(t testing.TB, change func(*settings)) *trio {
	c := &trio{
		t: t, change: change, ca: newAuthority(t), net: memnet.NewWires(), node: map[string]*Node{},
		effects: map[string]*effectLog{}, disks: map[string]*disk{}, fenced: map[string]*atomic.Int64{},
		nodes: map[string]*atomic.Pointer[Node]{}, lives: lives{ways: map[string]*atomic.Pointer[way]{}},
	}
	for _, name := range append(trioNames(), "n4", "n5") { // who may come later
		c.fenced[name], c.nodes[name], c.ways[name] = &atomic.Int64{}, &atomic.Pointer[Node]{}, &atomic.Pointer[way]{}
	}
	c.start(trioNames()...)
	return c
}

// start starts nodes side by side: none is ready before the others run.
func (c *trio) start(names ...string) {
	c.t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for _, name := range names {
		effects, as := newEffectLog(), c.ca.member("test", name, trioNames()...)
		c.effects[name], c.disks[name] = effects, newDisk()
		s := c.disks[name].settings(defaults())
		c.change(&s)
		wg.Go(func() {
			n, err := c.open(name, effects, as, s)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				c.t.Errorf("open %s: %v", name, err)
				return
			}
			c.node[name] = n
			c.nodes[name].Store(n)
		})
	}
	wg.Wait()
	if c.t.Failed() {
		c.t.FailNow()
	}
}

func (c *trio) open(name string, effects *effectLog, as *Members, s settings) (*Node, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	network := &way{Place: c.net.At(name)}
	c.ways[name].Store(network)
	return open(ctx, Config{
		Node: name, LogStore: StoreMemory, Logger: testLogger(c.t).With("node", name), Effects: func(list []acd.Effect) {
			c.watch(name, list)
			effects.add(list)
		},
		Members: as, Network: network, Takeover: TakeAddress, Fenced: func() { c.fenced[name].Add(1) },
	}, s)
}

func (c *trio) stop() {
	for name, n := range c.node {
		if err := n.Close(); err != nil {
			c.t.Errorf("close %s: %v", name, err)
		}
	}
}

// cut takes a node off the network; "": none.
func (c *trio) cut(node string) {
	c.away.Store(&node)
	c.net.Cut(func(from, to string) bool { return from == node || to == node })
}

func (c *trio) isAway(node string) bool {
	who := c.away.Load()
	return who != nil && *who == node
}

func (c *trio) leader() string {
	c.t.Helper()
	for range 1000 {
		for name, n := range c.node {
			if n.Stats().Leader && !c.isAway(name) {
				return name
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Fatal("no leader within ten seconds")
	return ""
}

// followers are the nodes that don't lead, sorted.
func (c *trio) followers() []string {
	lead := c.leader()
	var out []string
	for _, n := range trioNames() {
		if n != lead {
			out = append(out, n)
		}
	}
	return out
}

// agree checks that all nodes have the same state.
func (c *trio) agree() {
	c.t.Helper()
	time.Sleep(5 * time.Second)
	synctest.Wait()
	want := ""
	for _, name := range trioNames() {
		n := c.node[name]
		got := fmt.Sprintf("%x %v %v", n.fsm.state.Hash(), n.fsm.last, n.fsm.sessions)
		if want == "" {
			want = got
		}
		if got != want {
			c.t.Errorf("%s has another state:\n%s\n%s", name, got, want)
		}
	}
}

func TestEveryNodeTakesEventsAndSeesTheirOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		mustPropose(t, c.node["n1"], centre(1))
		for i, name := range trioNames() {
			n := c.node[name]
			call := fmt.Sprint("c", i)
			ev := arrive(call)
			ev.Node = name
			mustPropose(t, n, ev)
			if p := phase(n, call); p != acd.PhaseMenu {
				t.Errorf("%s: its own call is in phase %v", name, p)
			}
			n.Post(queue(call))
			mustPropose(t, n, acd.CallSurveyed{Call: call, Question: "q", Value: "1"}) // after what was posted
			if p := phase(n, call); p == acd.PhaseMenu {
				t.Errorf("%s: the proposal overtook the post", name)
			}
			if _, _, err := n.Propose(t.Context(), ev); !refused(err) {
				t.Errorf("%s: a call that is there arrived again: %v", name, err)
			}
		}
		c.agree()
		rings := 0
		for _, e := range c.effects { // each node sees all effects and carries out its own
			rings += e.rings("c0")
		}
		if rings != 3 {
			t.Errorf("%d RingAgent effects on three nodes", rings)
		}
	})
}

func TestNothingIsLostOrDoubledWhenTheLeaderGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		mustPropose(t, c.node["n1"], centre(1))
		lead, from := c.leader(), c.followers()[0]
		n := c.node[from]
		ev := arrive("c1")
		ev.Node = from
		mustPropose(t, n, ev)
		const many = 500
		for i := range many {
			n.Post(step("c1", i))
			if i == many/2 {
				c.cut(lead)
			}
			if i%50 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		began := time.Now()
		mustPropose(t, n, queue("c1"))
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("a new leader took %v", took)
		}
		c.cut("")
		c.agree()
		told := steps(t, n)["c1"]
		for i, got := range told {
			if i != got {
				t.Fatalf("step %d of the story is %d", i, got)
			}
		}
		if len(told) != many {
			t.Errorf("%d of %d steps are told", len(told), many)
		}
		if st := n.Stats(); st.Waiting != 0 || st.Dropped != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// A node whose proposal was given up after it had been sent, and had to be sent
// again because the leader was gone, left it out: a number was missing, and
// nothing of that node came into the log any more. Calls that ended there stayed
// without a record.
func TestWhatNobodyWaitsForAnyMoreIsNotMissedInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		lead, from := c.leader(), c.followers()[0]
		n := c.node[from]
		mustPropose(t, n, centre(1))
		mustPropose(t, n, arrive("c1"))
		c.cut(lead)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, _, err := n.Propose(ctx, step("c1", 0)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("error %v: the test is wrong", err)
		}
		n.Post(step("c1", 1))
		time.Sleep(3 * time.Second)
		if told := steps(t, n)["c1"]; len(told) == 0 || told[len(told)-1] != 1 || n.Stats().Waiting != 0 {
			t.Errorf("steps %v are told, %d events wait", told, n.Stats().Waiting)
		}
		c.cut("")
	})
}

// Raft's pipeline to a follower stops for good over an entry that the follower
// couldn't write, if more is sent at that moment; heartbeats go on, so nobody
// notices but who waits there.
func TestAFollowerGetsTheLogAgainAfterItsDiskWasFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		n := c.node[c.leader()]
		mustPropose(t, n, centre(1))
		mustPropose(t, n, arrive("c1"))
		c.net.Delay(1, func(*rand.Rand) time.Duration { return 2 * time.Millisecond })
		for i := range 10 {
			late := c.followers()[i%2]
			c.disks[late].set(func(d *disk) { d.err = syscall.ENOSPC })
			for range 20 {
				n.Post(step("c1", i))
				time.Sleep(500 * time.Microsecond)
			}
			c.disks[late].set(func(d *disk) { d.err = nil })
			time.Sleep(2 * time.Second)
			n.Post(step("c1", i))
			time.Sleep(2 * time.Second)
			n = c.node[c.leader()]
			if last, at := n.Stats().Applied, c.node[late].Stats().Applied; at != last {
				t.Fatalf("time %d: the leader is at entry %d, the follower at %d", i, last, at)
			}
		}
	})
}

func TestStrangersAreTurnedAwayWithTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		other := newAuthority(t)
		for what, x := range map[string]struct {
			me   string
			m    *Members
			to   string
			want string
		}{
			"another cluster":         {"n2", c.ca.member("other", "n2", trioNames()...), "n1", "cluster"},
			"another authority":       {"n2", other.member("test", "n2", trioNames()...), "n1", "certificate"},
			"no member":               {"n9", c.ca.member("test", "n9", "n9", "n1"), "n1", "certificate"},
			"a doubled name":          {"n1", c.ca.member("test", "n1", trioNames()...), "n1", "another node n1"},
			"somebody else's address": {"n2", func() *Members { m := c.ca.member("test", "n2", trioNames()...); m.Nodes["n3"] = "n1"; return m }(), "n3", "addresses swapped"},
		} {
			x.m.Listen = "elsewhere-" + strings.ReplaceAll(what, " ", "-")
			w, err := newWires(x.me, x.m, c.net.At(x.me), time.Second, testLogger(t))
			if err != nil {
				t.Fatal(err)
			}
			conn, err := w.dial(t.Context(), x.to, forEvents)
			if err == nil {
				_ = conn.Close()
			}
			if err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%s: %v, want %q", what, err, x.want)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// Who has held a call wants to see it held.
func TestWhatWasPostedIsSeenOnceItHasSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		mustPropose(t, c.node["n1"], centre(1))
		for _, name := range trioNames() {
			n, call := c.node[name], "of "+name
			ev := arrive(call)
			ev.Node = name
			mustPropose(t, n, ev)
			n.Post(queue(call))
			if err := n.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if p := phase(n, call); p == acd.PhaseMenu {
				t.Errorf("%s: what was posted is not seen", name)
			}
		}
	})
}
