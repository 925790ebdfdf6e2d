package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
)

// guard stands between Raft and the log store and makes a failing disk
// something that passes.
//
// Left alone, hashicorp/raft v1.7.3 steps down when its log can't be written,
// elects itself again and panics when the new term can't be stored; raft-wal
// v0.4.2 never writes again after it could not create its next file; and a
// failed write may still be found on the disk later, with entries that Raft
// believes are not there. So: a failed store is opened anew before it is used
// again and cut back to what it had acknowledged; a term that can't be stored
// is tried again until it can; and elections, which would otherwise follow
// each other without a pause, wait a moment while the log is failing.
type guard struct {
	log  *slog.Logger
	open func() (store, error)
	slow time.Duration // a write that takes longer is reported

	starting atomic.Bool   // errors are returned, not waited out
	closing  chan struct{} // ends all waiting

	mu      sync.RWMutex  // guards store; held for writing only to replace it
	store   store         // nil: could not be opened again
	last    atomic.Uint64 // the last entry that is known to be stored
	suspect atomic.Bool   // the store has to be opened anew

	verdicts verdicts // among the entries

	state health
}

// health is what is known of the disk.
type health struct {
	mu       sync.Mutex // guards what follows
	err      error      // of the last write
	took     time.Duration
	began    time.Time     // of the write that is going on
	ended    time.Time     // of the last one
	pause    time.Duration // grows with every failure
	tired    bool          // there was a failure since the last pause
	failures uint64
}

const (
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second
)

var errStoreDown = errors.New("log store is not open")

func newGuard(s store, open func() (store, error), slow time.Duration, log *slog.Logger) (*guard, error) {
	last, err := s.LastIndex()
	if err != nil {
		return nil, fmt.Errorf("read the log's last index: %w", err)
	}
	g := &guard{log: log, open: open, slow: slow, closing: make(chan struct{}), store: s}
	g.last.Store(last)
	g.starting.Store(true)
	return g, nil
}

// stuck says why nothing can be stored now, or returns nil.
func (g *guard) stuck() error {
	h := &g.state
	h.mu.Lock()
	defer h.mu.Unlock()
	running := time.Duration(0)
	if !h.began.IsZero() {
		running = time.Since(h.began)
	}
	switch {
	case errors.Is(h.err, syscall.ENOSPC), errors.Is(h.err, syscall.EDQUOT):
		return fmt.Errorf("disk full: %w", h.err)
	case h.err != nil:
		return fmt.Errorf("log can't be written: %w", h.err)
	case running > g.slow:
		return fmt.Errorf("disk too slow: a write to the log has been going on for %v", running.Round(time.Millisecond))
	}
	return nil
}

// crawled says that the last write was slow and none is going on: only another
// one can show that the disk is well again.
func (g *guard) crawled() error {
	h := &g.state
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.began.IsZero() && h.err == nil && h.took > g.slow {
		return fmt.Errorf("disk too slow: the last write to the log took %v", h.took.Round(time.Millisecond))
	}
	return nil
}

// stalled says why nothing was stored for longer than limit, or could not be a
// moment ago.
func (g *guard) stalled(limit time.Duration) error {
	h := &g.state
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case !h.began.IsZero() && time.Since(h.began) > limit:
		return fmt.Errorf("a write to the log has been going on for %v", time.Since(h.began).Round(time.Millisecond))
	case h.err != nil && time.Since(h.ended) < limit: // not for ever: without a leader nobody writes again
		return fmt.Errorf("log can't be written: %w", h.err)
	}
	return nil
}

// dragged reports whether the last write took longer than limit.
func (g *guard) dragged(limit time.Duration) bool {
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	return g.state.took > limit
}

// StoreLogs implements raft.LogStore.
func (g *guard) StoreLogs(logs []*raft.Log) error {
	g.verdicts.stored(logs)
	g.begin()
	err := g.write(func(s store) error { return s.StoreLogs(logs) })
	if err == nil {
		g.last.Store(logs[len(logs)-1].Index)
	}
	g.end(err)
	return err
}

// StoreLog implements raft.LogStore.
func (g *guard) StoreLog(l *raft.Log) error { return g.StoreLogs([]*raft.Log{l}) }

// write does something to the store, a second time on a fresh one if the
// first time fails.
func (g *guard) write(do func(store) error) error {
	if !g.suspect.Load() {
		if g.use(do) == nil {
			return nil
		}
		g.suspect.Store(true)
	}
	if err := g.reopen(); err != nil {
		return err
	}
	err := g.use(do)
	g.suspect.Store(err != nil)
	return err
}

func (g *guard) use(do func(store) error) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.store == nil {
		return errStoreDown
	}
	return do(g.store)
}

// reopen replaces the store and takes away what it was not known to hold.
func (g *guard) reopen() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.store != nil {
		if err := g.store.Close(); err != nil {
			g.log.Warn("log store did not close cleanly", "err", err)
		}
		g.store = nil
	}
	s, err := g.open()
	if err != nil {
		return err
	}
	if err := cutBack(s, g.last.Load()); err != nil {
		return errors.Join(err, s.Close())
	}
	g.store = s
	return nil
}

func cutBack(s store, last uint64) error {
	found, err := s.LastIndex()
	if err != nil {
		return fmt.Errorf("read the log's last index: %w", err)
	}
	if found < last {
		return fmt.Errorf("log ends at %d, but %d was stored", found, last)
	}
	if found == last {
		return nil
	}
	if err := s.DeleteRange(last+1, found); err != nil {
		return fmt.Errorf("take back entries %d to %d: %w", last+1, found, err)
	}
	return nil
}

func (g *guard) begin() {
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	g.state.began = time.Now()
}

func (g *guard) end(err error) {
	took, before := g.state.note(err)
	switch {
	case err != nil && before == nil:
		g.log.Error("log can't be written, new calls are refused", "err", err)
	case err == nil && before != nil:
		g.log.Info("log can be written again")
	case err == nil && took > g.slow:
		g.log.Warn("disk is slow", "took", took)
	}
}

// note records the end of a write and returns the result of the one before.
func (h *health) note(err error) (took time.Duration, before error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before = h.err
	h.took, h.began, h.ended, h.err = time.Since(h.began), time.Time{}, time.Now(), err
	if err == nil {
		h.pause = 0
	} else {
		h.failures++
		h.tired = true
		h.pause = min(max(firstPause, 2*h.pause), lastPause)
	}
	return h.took, before
}

// keyTerm is Raft's name for the value that begins an election.
const keyTerm = "CurrentTerm"

// SetUint64 implements raft.StableStore.
func (g *guard) SetUint64(key []byte, v uint64) error {
	if string(key) == keyTerm {
		g.rest()
	}
	return g.insist(func(s store) error { return s.SetUint64(key, v) })
}

// Set implements raft.StableStore.
func (g *guard) Set(key, v []byte) error {
	return g.insist(func(s store) error { return s.Set(key, v) })
}

// rest pauses once after each failure. The next election isn't kept waiting
// again: Raft's own time-out has passed meanwhile and makes it start over.
func (g *guard) rest() {
	g.state.mu.Lock()
	tired, pause := g.state.tired, g.state.pause
	g.state.tired = false
	g.state.mu.Unlock()
	if tired && !g.starting.Load() {
		g.wait(pause)
	}
}

// insist does not return before it has succeeded, because Raft panics when a
// term can't be stored. If the node is closed meanwhile, the goroutine (Raft's
// main one) ends here: going on would mean to act on a promise that is not on
// the disk.
func (g *guard) insist(do func(store) error) error {
	for {
		err := g.write(do)
		if err == nil || g.starting.Load() {
			return err
		}
		g.begin()
		g.end(err)
		g.rest()
	}
}

// wait sleeps; it does not return if the node is closed.
func (g *guard) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-g.closing:
		runtime.Goexit()
	}
}

// Get implements raft.StableStore.
func (g *guard) Get(key []byte) (v []byte, err error) {
	err = g.use(func(s store) error { v, err = s.Get(key); return err })
	return v, err
}

// GetUint64 implements raft.StableStore.
func (g *guard) GetUint64(key []byte) (v uint64, err error) {
	err = g.use(func(s store) error { v, err = s.GetUint64(key); return err })
	return v, err
}

// FirstIndex implements raft.LogStore.
func (g *guard) FirstIndex() (v uint64, err error) {
	err = g.use(func(s store) error { v, err = s.FirstIndex(); return err })
	return v, err
}

// LastIndex implements raft.LogStore.
func (g *guard) LastIndex() (v uint64, err error) {
	err = g.use(func(s store) error { v, err = s.LastIndex(); return err })
	return v, err
}

// GetLog implements raft.LogStore.
func (g *guard) GetLog(index uint64, l *raft.Log) error {
	return g.use(func(s store) error { return s.GetLog(index, l) })
}

// DeleteRange implements raft.LogStore.
func (g *guard) DeleteRange(from, to uint64) error {
	err := g.use(func(s store) error { return s.DeleteRange(from, to) })
	if err != nil {
		g.suspect.Store(true)
		return err
	}
	g.verdicts.removed(from, to)
	if to < g.last.Load() {
		return nil
	}
	last, err := g.LastIndex()
	if errors.Is(err, errStoreDown) {
		return nil
	}
	if err == nil {
		g.last.Store(last)
	}
	return err
}

// IsMonotonic implements raft.MonotonicLogStore.
func (g *guard) IsMonotonic() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m, ok := g.store.(raft.MonotonicLogStore)
	return ok && m.IsMonotonic()
}

// stop ends all waiting, so that Raft can be shut down.
func (g *guard) stop() { close(g.closing) }

// close closes the store; Raft must have been shut down.
func (g *guard) close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.store == nil {
		return nil
	}
	s := g.store
	g.store = nil
	return s.Close()
}

// failures counts failed writes.
func (g *guard) failures() uint64 {
	g.state.mu.Lock()
	defer g.state.mu.Unlock()
	return g.state.failures
}
