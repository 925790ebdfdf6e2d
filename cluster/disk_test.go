package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
)

// TestOrderOnABadDisk lets many authors post and propose while the disk fails
// and recovers. What is posted is in the log once and in order; what is
// proposed is there in order, and at most once if it failed.
func TestOrderOnABadDisk(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { orderOnABadDisk(t, seed) })
	}
}

func orderOnABadDisk(t *testing.T, seed uint64) {
	d := newDisk()
	n := mustOpenWith(t, Config{}, d.settings(defaults()))
	mustPropose(t, n, centre(0))
	const authors, events = 8, 60
	var wg sync.WaitGroup
	unsure := make([][]int, authors)
	for a := range authors {
		call := fmt.Sprint("c", a)
		mustPropose(t, n, arrive(call))
		r := rand.New(rand.NewPCG(seed, uint64(a)))
		wg.Go(func() {
			for i := range events {
				if r.IntN(3) > 0 {
					n.Post(step(call, i))
				} else if _, _, err := n.Propose(t.Context(), step(call, i)); err != nil {
					unsure[a] = append(unsure[a], i)
				}
				time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
			}
		})
	}
	r := rand.New(rand.NewPCG(seed, 99))
	for range 8 {
		time.Sleep(time.Duration(r.IntN(2000)) * time.Millisecond)
		d.set(func(d *disk) {
			d.err, d.leak, d.stableOK = syscall.ENOSPC, r.IntN(2) == 0, r.IntN(2) == 0
			d.delay = time.Duration(r.IntN(3)) * 200 * time.Millisecond
		})
		time.Sleep(time.Duration(r.IntN(2000)) * time.Millisecond)
		d.set(func(d *disk) { d.err, d.delay = nil, 0 })
	}
	wg.Wait()
	time.Sleep(5 * time.Second)
	synctest.Wait()
	if s := n.Stats(); s.Waiting != 0 || s.Dropped != 0 || s.WriteFailures == 0 {
		t.Errorf("seed %d: %+v: want nothing waiting or dropped, and some failures", seed, s)
	}
	got := steps(t, n)
	for a := range authors {
		call := fmt.Sprint("c", a)
		if !slices.IsSorted(got[call]) || len(slices.Compact(slices.Clone(got[call]))) != len(got[call]) {
			t.Errorf("seed %d: %s has steps %v: not in order, or some twice", seed, call, got[call])
		}
		for i := range events {
			if !slices.Contains(got[call], i) && !slices.Contains(unsure[a], i) {
				t.Errorf("seed %d: %s: step %d is lost", seed, call, i)
			}
		}
	}
	if err := n.Ready(); err != nil {
		t.Errorf("seed %d: not ready at the end: %v", seed, err)
	}
}

func TestAFullDiskPasses(t *testing.T) {
	for _, leak := range []bool{false, true} {
		for _, stableOK := range []bool{false, true} {
			t.Run(fmt.Sprintf("leak=%t stable=%t", leak, stableOK), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { aFullDiskPasses(t, leak, stableOK) })
			})
		}
	}
}

func aFullDiskPasses(t *testing.T, leak, stableOK bool) {
	d, effects := newDisk(), newEffectLog()
	n := mustOpenWith(t, Config{Effects: effects.add}, d.settings(defaults()))
	mustPropose(t, n, centre(1))
	mustPropose(t, n, arrive("c1"))
	mustPropose(t, n, arrive("c2"))
	mustPropose(t, n, queue("c1")) // rings until 15 s from now
	synctest.Wait()

	d.set(func(d *disk) { d.err, d.leak, d.stableOK = syscall.ENOSPC, leak, stableOK })
	if _, _, err := n.Propose(t.Context(), arrive("c3")); !errors.Is(err, ErrNoQuorum) {
		t.Errorf("error %v, want ErrNoQuorum", err)
	}
	n.Post(acd.CallEnded{Call: "c2", Cause: "normal", By: acd.SideCaller})
	for range 30 {
		time.Sleep(2 * time.Second)
		began := time.Now()
		if _, _, err := n.Propose(t.Context(), arrive("c4")); !errors.Is(err, ErrNoQuorum) {
			t.Fatalf("error %v, want ErrNoQuorum", err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("a proposal took %v on a full disk, want an answer at once", took)
		}
		if err := n.Ready(); err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Fatalf("ready %v, want disk full", err)
		}
	}
	if phase(n, "c2") != acd.PhaseMenu {
		t.Error("c2 ended although nothing can be written")
	}
	d.set(func(d *disk) { d.err = nil })
	time.Sleep(2500 * time.Millisecond)
	synctest.Wait()
	if err := n.Ready(); err != nil {
		t.Errorf("not ready after the disk came back: %v", err)
	}
	if phase(n, "c2") != 0 {
		t.Error("c2 is still there: what was posted on a full disk is lost")
	}
	if phase(n, "c1") != acd.PhaseWaiting {
		t.Errorf("c1 is %v: the offer did not expire after the disk came back", phase(n, "c1"))
	}
	mustPropose(t, n, arrive("c5"))
	if s := n.Stats(); s.Dropped != 0 || s.Waiting != 0 || s.Term < 2 {
		t.Errorf("stats %+v", s)
	}
}

func TestAStallingDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		n := mustOpenWith(t, Config{}, d.settings(defaults()))
		mustPropose(t, n, centre(0))
		d.set(func(d *disk) { d.delay = 30 * time.Second })
		began := time.Now()
		_, _, err := n.Propose(t.Context(), arrive("c1"))
		if took := time.Since(began); !errors.Is(err, ErrNoQuorum) || took != defaults().timing.propose {
			t.Errorf("error %v after %v, want ErrNoQuorum after %v", err, took, defaults().timing.propose)
		}
		if err := n.Ready(); err == nil || !strings.Contains(err.Error(), "too slow") {
			t.Errorf("ready %v, want too slow", err)
		}
		began = time.Now()
		if _, _, err := n.Propose(t.Context(), arrive("c2")); !errors.Is(err, ErrNoQuorum) || time.Since(began) > 0 {
			t.Errorf("error %v after %v, want ErrNoQuorum at once", err, time.Since(began))
		}
		n.Post(acd.CallEnded{Call: "c1", Cause: "no_quorum"})
		d.set(func(d *disk) { d.delay = 0 })
		time.Sleep(31 * time.Second) // the write that is going on, then the watch's
		synctest.Wait()
		if err := n.Ready(); err != nil {
			t.Errorf("not ready after a quick write: %v", err)
		}
		if p := phase(n, "c1"); p != 0 {
			t.Errorf("c1 is %v: its end, posted after a proposal of unknown fate, did not follow it", p)
		}
		if p := phase(n, "c2"); p != 0 {
			t.Errorf("c2 is %v although it was refused before it got anywhere", p)
		}
	})
}

func TestCloseOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		n := mustOpenWith(t, Config{}, d.settings(defaults()))
		d.set(func(d *disk) { d.err = syscall.ENOSPC })
		n.Post(centre(0))
		time.Sleep(10 * time.Second)
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		d.set(func(d *disk) { d.err = nil })
	})
}
