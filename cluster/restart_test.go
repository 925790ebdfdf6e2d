package cluster

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"tierline/acd"
)

// bothStores runs a test on real files with each log store.
func bothStores(t *testing.T, test func(t *testing.T, store string)) {
	for _, store := range []string{StoreWAL, StoreBolt} {
		t.Run(store, func(t *testing.T) { test(t, store) })
	}
}

// replay applies what is stored in a directory's log, up to an index, to a new
// state: what every node must arrive at, snapshots or not.
func replay(t testing.TB, dir, which string, upTo uint64) [32]byte {
	t.Helper()
	st, err := openStore(which, dir, newBridge(testLogger(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err = st.Close(); err != nil {
			t.Error(err)
		}
	}()
	first, err := st.FirstIndex()
	if err != nil || first != 1 {
		t.Fatalf("the log begins at %d, %v: nothing to compare with", first, err)
	}
	var authors sessions
	state := acd.NewState()
	for i := first; i <= upTo; i++ {
		var l raft.Log
		if err := st.GetLog(i, &l); err != nil {
			t.Fatal(err)
		}
		if l.Type != raft.LogCommand {
			continue
		}
		r, err := decode(l.Data)
		if err != nil {
			t.Fatal(err)
		}
		if authors.admit(r.Origin) == fateApplied {
			_, _ = acd.Apply(state, acd.Entry{Index: i, At: r.At, Wall: r.Wall, Event: r.Event})
		}
	}
	if err := state.Check(); err != nil {
		t.Error(err)
	}
	return state.Hash()
}

// quiet waits until nothing is on its way into the log, and returns where the
// log ends and what the state is there.
func quiet(t testing.TB, n *Node) (uint64, [32]byte) {
	t.Helper()
	var at uint64
	var h [32]byte
	eventually(t, "the log comes to rest", func() bool {
		n.fsm.mu.RLock()
		defer n.fsm.mu.RUnlock()
		at, h = n.fsm.last.Index, n.fsm.state.Hash()
		return n.proposer.waiting() == 0 && len(acd.Decide(n.fsm.state, n.clock.now())) == 0
	})
	return at, h
}

// smallFiles makes wal begin a new file every 64 kB instead of 64 MB.
func smallFiles(s settings) settings {
	s.open = func(which, dir string, log *bridge) (store, error) {
		if which != StoreWAL {
			return openStore(which, dir, log)
		}
		path := filepath.Join(dir, "raft")
		if err := os.MkdirAll(path, 0o750); err != nil {
			return nil, err
		}
		return openWAL(path, log, 64<<10)
	}
	return s
}

func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestKill kills a process in the middle of its work, several times, on one
// directory.
func TestKill(t *testing.T) {
	bothStores(t, func(t *testing.T, store string) {
		dir := t.TempDir()
		acked := map[string]string{} // call → index
		rings := map[string]int{}
		for range 4 {
			for _, line := range killed(t, dir, store, 150) {
				switch f := strings.Fields(line); f[0] {
				case "acked":
					acked[f[1]] = f[2]
				case "ring":
					rings[f[1]+" "+f[2]]++
				}
			}
		}
		if len(acked) < 600 || len(rings) < 20 {
			t.Fatalf("test is wrong: %d calls acknowledged, %d rings", len(acked), len(rings))
		}
		for what, times := range rings {
			if times > 1 {
				t.Errorf("%s rang %d times: an effect was repeated", what, times)
			}
		}
		effects := newEffectLog()
		c := Config{Dir: dir, LogStore: store, Effects: effects.add}
		n := mustOpen(t, c)
		for _, e := range effects.all() {
			if r, ok := e.(acd.RingAgent); ok && r.Offer <= n.stored {
				t.Errorf("ring of offer %d repeated", r.Offer)
			}
		}
		told := map[string]string{}
		for s, err := range n.Follow(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range s.Facts {
				if f.Kind == acd.FactCallArrived {
					told[f.Call] = fmt.Sprint(s.Index)
				}
			}
			if s.Index >= n.stored {
				break
			}
		}
		for call, index := range acked {
			if told[call] != index {
				t.Errorf("%s was acknowledged as entry %s, the story has it as %q", call, index, told[call])
			}
		}
		n.Read(func(s *acd.State) {
			if s.Generation() == 0 || len(s.BindingsOf("1003")) != 1 {
				t.Errorf("generation %d, bindings of 1003 %v: something is lost", s.Generation(), s.BindingsOf("1003"))
			}
		})
		at, h := quiet(t, n)
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		if replay(t, dir, store, at) != h {
			t.Error("the state differs from what the log gives")
		}
	})
}

const childVar = "TIERLINE_CLUSTER_CHILD"

// killed runs a process that works on a directory until it has acknowledged a
// number of calls, kills it, and returns what it had said.
func killed(t *testing.T, dir, store string, calls int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+store+":"+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	in := bufio.NewReader(out)
	seen := 0
	for {
		line, err := in.ReadString('\n')
		if err != nil { // also drops a half line
			break
		}
		lines = append(lines, line)
		if strings.HasPrefix(line, "acked ") {
			seen++
		}
		if seen == calls {
			_ = cmd.Process.Kill()
		}
	}
	if err := cmd.Wait(); err == nil || seen < calls {
		t.Fatalf("the process ended by itself after %d calls: %v", seen, err)
	}
	return lines
}

// runChild is the process that gets killed.
func runChild() bool {
	store, dir, ok := strings.Cut(os.Getenv(childVar), ":")
	if !ok {
		return false
	}
	if err := work(os.Stdout, store, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return true
}

func work(w io.Writer, store, dir string) error {
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprintf(w, format+"\n", args...) // the reader kills us anyway
	}
	var node atomic.Pointer[Node]
	s := smallFiles(defaults())
	s.timing.snapshot = 20 * time.Millisecond
	n, err := open(context.Background(), Config{
		Node: "n1", Dir: dir, LogStore: store, SnapshotEvery: 100, Effects: func(list []acd.Effect) {
			for _, e := range list {
				if r, ok := e.(acd.RingAgent); ok {
					say("ring %s %d", r.Call, r.Offer)
					if n := node.Load(); n != nil {
						n.Post(acd.OfferAnswered{Offer: r.Offer})
						n.Post(acd.CallEnded{Call: r.Call, Cause: "normal", By: acd.SideCaller})
					}
				}
			}
		},
	}, s)
	if err != nil {
		return err
	}
	node.Store(n)
	var gen, start uint64
	n.Read(func(s *acd.State) { gen = s.Generation() })
	start = n.proposer.origin.Start
	if gen == 0 {
		if _, gen, err = n.Propose(context.Background(), centre(2)); err != nil {
			return err
		}
		c := centre(3)
		c.Config.Agents[2].Contact, c.Hash = "", "h2"
		if _, gen, err = n.Propose(context.Background(), c); err != nil {
			return err
		}
		n.Read(func(s *acd.State) { gen = s.Generation() })
		n.Post(acd.PhoneRegistered{Agent: "1003", TTL: 3_600_000, Binding: acd.Binding{
			Contact: "sip:1003@192.0.2.3", Transport: "udp", CallID: "x", CSeq: 1,
		}})
	}
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for a := range cap(errs) {
		wg.Go(func() {
			for i := 0; ; i++ {
				ev := arrive(fmt.Sprintf("p%d-a%d-%d", start, a, i))
				ev.Generation = gen
				_, index, err := n.Propose(context.Background(), ev)
				if err != nil {
					errs <- err
					return
				}
				say("acked %s %d", ev.Call, index)
				n.Post(queue(ev.Call))
			}
		})
	}
	wg.Wait()
	return <-errs
}

// TestSnapshotHasTheOutbox lets the log be cut away entirely, so that
// everything comes from the snapshot.
func TestSnapshotHasTheOutbox(t *testing.T) {
	bothStores(t, func(t *testing.T, store string) {
		c := Config{Dir: t.TempDir(), LogStore: store}
		n := mustOpen(t, c)
		mustPropose(t, n, centre(1))
		mustPropose(t, n, arrive("c1"))
		var acked, last uint64
		for i := range 20 {
			_, index, err := n.Propose(t.Context(), step("c1", i))
			if err != nil {
				t.Fatal(err)
			}
			if i == 7 {
				acked = index
			}
			last = index
		}
		n.Acknowledge(acked)
		n.Post(step("c1", 99)) // the count of posted events must survive, too
		cutLog(t, n)
		_, before := quiet(t, n)
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		n = mustOpen(t, c)
		if first, err := n.guard.FirstIndex(); err != nil || first <= last {
			t.Fatalf("test is wrong: the log still begins at %d, %v", first, err)
		}
		var got []uint64
		for s, err := range n.Follow(t.Context(), acked) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, s.Index)
			if s.Index >= last {
				break
			}
		}
		if len(got) != 12 || got[0] != acked+1 {
			t.Errorf("stories %v, want the 12 after %d", got, acked)
		}
		for _, err := range n.Follow(t.Context(), acked-1) {
			if err == nil {
				t.Error("acknowledged stories are still in the snapshot")
			}
			break
		}
		if _, after := quiet(t, n); after == before {
			t.Error("the restart is not in the log")
		}
		if phase(n, "c1") != 0 {
			t.Error("c1 outlived its process")
		}
	})
}

// cutLog takes a snapshot and removes every entry it contains.
func cutLog(t testing.TB, n *Node) {
	t.Helper()
	conf := n.raft.ReloadableConfig()
	conf.TrailingLogs = 0
	if err := n.raft.ReloadConfig(conf); err != nil {
		t.Fatal(err)
	}
	if err := n.raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
}
