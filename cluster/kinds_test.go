package cluster

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// While a cluster is upgraded node by node, an event that one of them doesn't
// know is not written; later the one that doesn't know it is not let in.
func TestANewKindOfEventWaitsForTheLastNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		all := everyKind()
		newest := all[len(all)-1]
		again := func(name string, knows kind) {
			t.Helper()
			if err := c.node[name].Close(); err != nil {
				t.Fatal(err)
			}
			s := c.disks[name].settings(defaults())
			s.reads = func(k *kinds) { k.mine, k.settled = knows, lastKind-1 }
			n, err := c.open(name, c.effects[name], c.ca.member("test", name, trioNames()...), s)
			if err != nil {
				t.Fatal(err)
			}
			c.node[name] = n
		}
		again("n1", lastKind)
		again("n3", lastKind-1) // of the release before
		time.Sleep(2 * time.Second)
		if _, _, err := c.node["n1"].Propose(t.Context(), newest); !errors.Is(err, ErrNotYet) ||
			!strings.Contains(err.Error(), "n3") {
			t.Errorf("a kind that n3 doesn't know: %v", err)
		}
		c.node["n1"].Post(newest)
		if d := c.node["n1"].Stats().Dropped; d != 1 {
			t.Errorf("%d dropped", d)
		}
		mustPropose(t, c.node["n1"], centre(1)) // what all know goes on
		again("n3", lastKind)
		time.Sleep(2 * time.Second)
		if _, _, err := c.node["n1"].Propose(t.Context(), newest); err != nil && !refused(err) {
			t.Errorf("after the upgrade: %v", err)
		}
		time.Sleep(2 * time.Second)
		if err := c.node["n3"].Close(); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"n1", "n2"} {
			if got := c.node[name].fsm.newest.Load(); got != uint32(lastKind) {
				t.Errorf("%s has seen kind %d", name, got)
			}
		}
		delete(c.node, "n3")
		w, err := newWires("n3", c.ca.member("test", "n3", trioNames()...), c.net.At("n3"), time.Second, testLogger(t))
		if err != nil {
			t.Fatal(err)
		}
		w.kinds.mine = lastKind - 1
		if _, err := w.dial(context.Background(), "n1", forStatus); err == nil ||
			!strings.Contains(err.Error(), "upgrade it first") {
			t.Errorf("the release before, after the upgrade: %v", err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAKindWaitsForNodesThatWereNeverMet(t *testing.T) {
	k := &kinds{me: "n1", mine: 9, settled: 5, of: map[string]kind{}, members: trioNames}
	for of, want := range map[kind]bool{5: true, 6: false} {
		if err := k.allow(of); (err == nil) != want {
			t.Errorf("nobody met, kind %d: %v", of, err)
		}
	}
	k.met("n2", 7)
	k.met("n3", 6)
	for of, want := range map[kind]bool{6: true, 7: false, 9: false} {
		if err := k.allow(of); (err == nil) != want {
			t.Errorf("kind %d: %v", of, err)
		}
	}
	k.met("n3", 1<<20) // nonsense is no reason to fail
	if err := k.allow(7); err != nil {
		t.Error(err)
	}
}
