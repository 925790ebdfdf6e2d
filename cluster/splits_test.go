package cluster

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/memnet"
)

var splitSeeds = flag.Uint64("splits.seeds", 12, "how many seeds of random splits to try")

// TestNobodyActsForWhatOthersHave cuts links at random, in one direction too,
// and kills processes, and looks at each moment whether a node may act for what
// another one goes on with.
func TestNobodyActsForWhatOthersHave(t *testing.T) {
	moves := 0
	for seed := range *splitSeeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { moves += splitAtRandom(t, seed) })
		})
	}
	if moves == 0 {
		t.Error("nobody ever went on with anything")
	}
}

// splitAtRandom returns how often a node went on with what another had.
func splitAtRandom(t *testing.T, seed uint64) int {
	dice := rand.New(rand.NewPCG(seed, 1))
	c := newTrio(t)
	defer c.stop()
	c.net.Delay(seed, func(dice *rand.Rand) time.Duration { return time.Duration(dice.IntN(int(8 * time.Millisecond))) })
	c.ready()
	for range 12 {
		dead := [9]bool{}
		for i := range dead {
			dead[i] = dice.IntN(3) == 0
		}
		at := map[string]int{"n1": 0, "n2": 1, "n3": 2}
		c.net.Cut(func(from, to string) bool { return dead[at[from]*3+at[to]] })
		if name := trioNames()[dice.IntN(3)]; dice.IntN(5) == 0 {
			time.AfterFunc(time.Duration(dice.IntN(300))*time.Millisecond, func() { c.revive(name, c.nodes[name].Load()) })
		}
		c.look(time.Duration(100+dice.IntN(1500)) * time.Millisecond)
	}
	c.net.Cut(nil)
	c.look(5 * time.Second)
	c.reviving.Wait()
	moves := 0
	c.taken.Range(func(any, any) bool { moves++; return true })
	return moves
}

// look watches for a while that nobody acts for what others have. A process
// that learns that it was taken for dead ends, and another one begins.
func (c *trio) look(d time.Duration) {
	c.t.Helper()
	for began := time.Now(); time.Since(began) < d; time.Sleep(time.Millisecond) {
		c.taken.Range(func(node, heir any) bool {
			if n := node.(*Node); n.May() && !c.ended(n) {
				c.t.Errorf("%s may act for what %s goes on with", n.node, heir)
				c.dying.Store(n, true) // said once
			}
			return true
		})
		for _, name := range trioNames() {
			if n := c.nodes[name].Load(); n.lessee.lost.Load() {
				c.revive(name, n)
			}
		}
	}
}

// watch fails if a node goes on with what another one may still act for.
func (c *trio) watch(node string, list []acd.Effect) {
	for _, e := range list {
		if give, ok := e.(acd.GiveAddress); ok && give.Node == node {
			if n := c.nodes[node].Load(); n != nil {
				n.Post(acd.AddressMoved{Home: give.Home, From: node, To: give.Home})
			}
		}
		if hold, ok := e.(acd.HoldAddress); ok && hold.Node == node && hold.Home != node {
			c.goesOn(node, hold.Home)
		}
	}
}

// goesOn notes that a node has what another one had.
func (c *trio) goesOn(node, home string) {
	me, x := c.nodes[node].Load(), c.nodes[home].Load()
	if me == nil || x == nil || c.ended(x) || c.isAway(home) {
		return
	}
	if !me.fsm.isFenced(home, x.fsm.own.start) {
		return // it is the process before that is meant
	}
	c.taken.Store(x, node)
	if x.May() {
		c.t.Errorf("%s goes on with what %s may still act for", node, home)
	}
}

// ended reports whether a process was ended by the test.
func (c *trio) ended(n *Node) bool {
	_, yes := c.dying.Load(n)
	return yes
}

// revive ends a process, as kill -9 does, and begins another one on its disk.
func (c *trio) revive(name string, n *Node) {
	if _, already := c.dying.LoadOrStore(n, true); already {
		return
	}
	c.ways[name].Load().dead.Store(true)
	c.net.Kill(name)
	c.reviving.Go(func() {
		_ = n.Close() // nothing of it is heard
		s := c.disks[name].settings(defaults())
		c.change(&s)
		next, err := c.open(name, newEffectLog(), c.ca.member("test", name, trioNames()...), s)
		for errors.Is(err, ErrNoQuorum) { // taken for dead again before it had begun
			next, err = c.open(name, newEffectLog(), c.ca.member("test", name, trioNames()...), s)
		}
		if err != nil {
			c.t.Errorf("open %s again: %v", name, err)
			return
		}
		c.mu.Lock()
		c.node[name] = next
		c.mu.Unlock()
		c.nodes[name].Store(next)
		next.Post(serves(name))
	})
}

// way is how one process reaches the others, until it is dead.
type way struct {
	*memnet.Place

	dead atomic.Bool
}

var errEnded = errors.New("the process is dead")

func (w *way) Listen(ctx context.Context, name string) (net.Listener, error) {
	if w.dead.Load() {
		return nil, errEnded
	}
	return w.Place.Listen(ctx, name)
}

func (w *way) Dial(ctx context.Context, name string) (net.Conn, error) {
	if w.dead.Load() {
		return nil, errEnded
	}
	c, err := w.Place.Dial(ctx, name)
	if err == nil && w.dead.Load() {
		return nil, errors.Join(errEnded, c.Close())
	}
	return c, err
}

// lives are the processes of a trio that were ended and begun by a test.
type lives struct {
	mu       sync.Mutex                      // guards the trio's node while it is changed
	ways     map[string]*atomic.Pointer[way] // of the latest process of each node
	dying    sync.Map                        // processes that were ended
	taken    sync.Map                        // processes whose calls others have: who
	reviving sync.WaitGroup
}
