package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// disk is where flaky stores keep what they store. It can be made to fail.
type disk struct {
	mu       sync.Mutex
	store    memory
	snaps    *raft.InmemSnapshotStore
	err      error         // of every write
	leak     bool          // a failed write is on the disk all the same
	stableOK bool          // only the log fails
	delay    time.Duration // of every write
	opens    int
	openErr  error
}

func newDisk() *disk {
	return &disk{store: memory{raft.NewInmemStore()}, snaps: raft.NewInmemSnapshotStore()}
}

func (d *disk) set(change func(d *disk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

// settings makes a node use the disk.
func (d *disk) settings(s settings) settings {
	s.open = func(string, string, *bridge) (store, error) { return d.open() }
	s.snaps = func(string, *slog.Logger) (raft.SnapshotStore, error) { return d.snaps, nil }
	return s
}

func (d *disk) open() (store, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opens++
	if d.openErr != nil {
		return nil, d.openErr
	}
	return &flaky{memory: d.store, d: d}, nil
}

// flaky is a store on a disk, good until its first failure, as raft-wal is.
type flaky struct {
	memory
	d    *disk
	dead bool
}

var errSealed = errors.New("unable to append: segment is sealed")

func (f *flaky) write(stable bool, do func() error) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.d.delay > 0 {
		d := f.d.delay
		f.d.mu.Unlock()
		time.Sleep(d)
		f.d.mu.Lock()
	}
	switch {
	case f.dead && !stable:
		return errSealed
	case f.d.err != nil && (!stable || !f.d.stableOK):
		f.dead = !stable
		if f.d.leak {
			_ = do()
		}
		return f.d.err
	}
	return do()
}

func (f *flaky) StoreLogs(l []*raft.Log) error {
	return f.write(false, func() error {
		last, _ := f.LastIndex()
		if last > 0 && l[0].Index != last+1 {
			return fmt.Errorf("non-monotonic: %d after %d", l[0].Index, last)
		}
		return f.memory.StoreLogs(l)
	})
}

func (f *flaky) SetUint64(k []byte, v uint64) error {
	return f.write(true, func() error { return f.memory.SetUint64(k, v) })
}

func (f *flaky) Set(k, v []byte) error {
	return f.write(true, func() error { return f.memory.Set(k, v) })
}

func mustGuard(t *testing.T, d *disk) *guard {
	t.Helper()
	s, err := d.open()
	if err != nil {
		t.Fatal(err)
	}
	g, err := newGuard(s, d.open, time.Second, testLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	g.starting.Store(false)
	return g
}

func batch(from, to uint64) []*raft.Log {
	var out []*raft.Log
	for i := from; i <= to; i++ {
		out = append(out, &raft.Log{Index: i, Term: 1, Data: []byte{byte(i)}})
	}
	return out
}

func TestGuardOpensTheStoreAnewAfterAFailure(t *testing.T) {
	d := newDisk()
	g := mustGuard(t, d)
	if err := g.StoreLogs(batch(1, 3)); err != nil {
		t.Fatal(err)
	}
	d.set(func(d *disk) { d.err, d.leak = syscall.ENOSPC, true })
	for range 3 {
		if err := g.StoreLogs(batch(4, 6)); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("error %v, want ENOSPC", err)
		}
	}
	if err := g.stuck(); err == nil || !strings.HasPrefix(err.Error(), "disk full: ") {
		t.Errorf("problem %v, want disk full", err)
	}
	if last, _ := d.store.LastIndex(); last != 6 {
		t.Fatalf("test is wrong: the failed entries did not reach the disk (last %d)", last)
	}
	d.set(func(d *disk) { d.err = nil })
	if err := g.StoreLogs(batch(4, 4)); err != nil {
		t.Fatalf("after the disk came back: %v", err)
	}
	if last, err := g.LastIndex(); err != nil || last != 4 {
		t.Errorf("last index %d, %v: want 4, the failed 5 and 6 must not come back", last, err)
	}
	if err := g.stuck(); err != nil {
		t.Errorf("problem %v after a good write", err)
	}
	if n := g.failures(); n != 3 {
		t.Errorf("%d failures counted, want 3", n)
	}
}

func TestGuardRefusesALogThatLostEntries(t *testing.T) {
	d := newDisk()
	g := mustGuard(t, d)
	if err := g.StoreLogs(batch(1, 3)); err != nil {
		t.Fatal(err)
	}
	d.set(func(d *disk) { d.err = syscall.EIO })
	if err := g.StoreLogs(batch(4, 4)); err == nil {
		t.Fatal("no error")
	}
	d.set(func(d *disk) { d.err = nil })
	if err := d.store.DeleteRange(3, 3); err != nil {
		t.Fatal(err)
	}
	err := g.StoreLogs(batch(4, 4))
	if want := "log ends at 2, but 3 was stored"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if err := g.GetLog(1, new(raft.Log)); !errors.Is(err, errStoreDown) {
		t.Errorf("reading gives %v, want %v", err, errStoreDown)
	}
}

func TestGuardKeepsTryingToStoreATerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		g := mustGuard(t, d)
		d.set(func(d *disk) { d.err = syscall.ENOSPC })
		done := make(chan error, 1)
		go func() { done <- g.SetUint64([]byte(keyTerm), 7) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("returned %v while the disk was full", err)
		default:
		}
		if n := g.failures(); n < 50 || n > 80 {
			t.Errorf("%d tries in a minute, want about one a second", n)
		}
		d.set(func(d *disk) { d.err = nil })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if v, err := g.GetUint64([]byte(keyTerm)); v != 7 || err != nil {
			t.Errorf("term %d, %v, want 7", v, err)
		}
	})
}

func TestGuardEndsTheGoroutineThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		g := mustGuard(t, d)
		d.set(func(d *disk) { d.err = syscall.ENOSPC })
		var ended, returned bool
		go func() {
			defer func() { ended = true }()
			_ = g.SetUint64([]byte(keyTerm), 7)
			returned = true
		}()
		time.Sleep(3 * time.Second)
		g.stop()
		synctest.Wait()
		if !ended || returned {
			t.Errorf("ended %t, returned %t: want the goroutine to end without returning", ended, returned)
		}
	})
}

func TestGuardReturnsErrorsWhileStarting(t *testing.T) {
	d := newDisk()
	g := mustGuard(t, d)
	g.starting.Store(true)
	d.set(func(d *disk) { d.err = syscall.ENOSPC })
	if err := g.SetUint64([]byte(keyTerm), 7); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v, want ENOSPC", err)
	}
}

func TestGuardSeesASlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		g := mustGuard(t, d)
		d.set(func(d *disk) { d.delay = 4 * time.Second })
		done := make(chan error, 1)
		go func() { done <- g.StoreLogs(batch(1, 1)) }()
		time.Sleep(900 * time.Millisecond)
		if err := g.stuck(); err != nil {
			t.Errorf("problem %v after 0.9 s", err)
		}
		time.Sleep(600 * time.Millisecond)
		if err := g.stuck(); err == nil || !strings.Contains(err.Error(), "has been going on for 1.5s") {
			t.Errorf("problem %v during the write", err)
		}
		if g.crawled() != nil {
			t.Error("crawled while the write is going on: a second one would not help")
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := g.crawled(); err == nil || !strings.Contains(err.Error(), "took 4s") || g.stuck() != nil {
			t.Errorf("crawled %v, stuck %v after the write", err, g.stuck())
		}
		d.set(func(d *disk) { d.delay = 0 })
		if err := g.StoreLogs(batch(2, 2)); err != nil {
			t.Fatal(err)
		}
		if err := g.stuck(); err != nil || g.crawled() != nil {
			t.Errorf("problem %v after a quick write", err)
		}
	})
}
