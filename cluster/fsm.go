package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"tierline/acd"
)

// fsm feeds committed entries to the core. Raft calls it from one goroutine,
// the only one that changes the state.
type fsm struct {
	log     *slog.Logger
	clock   *clock
	tape    *tape
	effects outlet
	raft    atomic.Pointer[raft.Raft] // nil until it has begun
	changed chan struct{}             // capacity 1: an entry was applied and not refused
	news    chan struct{}             // the herald's; nil: nobody else needs to be told

	fenced   func()          // nil: nothing is done about it
	applying func(done bool) // nil: nobody wants to know

	own      *ownEntries // nil: a node alone learns outcomes from Raft itself
	verdicts *verdicts   // nil: nobody judges a node alone

	// liveFrom is the last index that was in the log when this process began;
	// in a cluster, when it had caught up. Entries up to it are history: they
	// rebuild the state, but their effects were carried out, or lost, by an
	// earlier process.
	liveFrom atomic.Uint64

	mu       sync.RWMutex // guards what follows
	state    *acd.State
	sessions sessions
	last     position

	spare  atomic.Pointer[acd.Frozen] // memory for the next snapshot
	faults atomic.Uint64
	newest atomic.Uint32 // the newest kind of event applied by this process
}

// position is the last entry applied.
type position struct {
	Index uint64 `json:"index"`
	At    int64  `json:"at"`
	Wall  int64  `json:"wall"`
}

// applied is what Raft hands back to whoever proposed an entry.
type applied struct {
	index   uint64 // of the entry that counted: one that was sent again is in the log twice
	fate    fate
	result  acd.Result
	refused *acd.RefusedError
}

// errFault is what the author of an entry learns if the core panicked over it.
var errFault = errors.New("the core failed on this entry")

// Apply implements raft.FSM.
func (f *fsm) Apply(l *raft.Log) any { return f.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch implements raft.BatchingFSM.
func (f *fsm) ApplyBatch(logs []*raft.Log) []any {
	nudge(f.news)
	records := make([]record, len(logs))
	for i, l := range logs {
		if l.Type != raft.LogCommand {
			continue
		}
		rec, err := decode(l.Data)
		if err != nil {
			// Skipping it here and applying it elsewhere would split the cluster.
			panic(fmt.Sprintf("cluster: entry %d: %v", l.Index, err))
		}
		records[i] = rec
		f.newest.Store(max(f.newest.Load(), uint32(l.Data[1]))) // only this goroutine stores
	}
	f.stand(false)
	out, stories, effects, changed := f.apply(logs, records)
	f.tape.write(stories)
	f.effects.put(effects)
	f.verdicts.applied(logs[len(logs)-1].Index)
	f.own.reached(logs[len(logs)-1].Index)
	if changed {
		nudge(f.changed)
	}
	f.stand(true)
	return out
}

// stand tells whoever wants to know before and after each batch.
func (f *fsm) stand(done bool) {
	if f.applying != nil {
		f.applying(done)
	}
}

func (f *fsm) apply(logs []*raft.Log, records []record) ([]any, []Story, []acd.Effect, bool) {
	var (
		out     = make([]any, len(logs))
		stories []Story
		effects []acd.Effect
		changed bool
	)
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, l := range logs {
		if l.Type != raft.LogCommand {
			continue
		}
		rec := records[i]
		f.last = position{Index: l.Index, At: max(f.last.At, rec.At), Wall: rec.Wall}
		a := applied{fate: f.admit(rec, l.Term)}
		if a.fate == fateApplied {
			a = f.applyOne(acd.Entry{Index: l.Index, At: rec.At, Wall: rec.Wall, Event: rec.Event})
			changed = changed || a.refused == nil
			if down, ok := rec.Event.(acd.NodeDown); ok && a.refused == nil && a.fate == fateApplied {
				f.fence(down.Node, l.Index)
				f.doubt(l, f.clock.now()-cmp.Or(down.Said, rec.At), down.Gone)
			}
		}
		if f.own.begins(rec) {
			f.liveFrom.Store(l.Index - 1) // it says what is to be done with the calls of the process before
		}
		if l.Index > f.liveFrom.Load() {
			effects = append(effects, a.result.Effects...)
		}
		a.index = l.Index
		f.own.note(rec.Origin, a)
		if len(a.result.Facts) > 0 {
			stories = append(stories, Story{Index: l.Index, At: f.last.At, Wall: rec.Wall, Facts: a.result.Facts})
		}
		out[i] = a
	}
	f.clock.observe(f.last.At)
	return out, stories, effects, changed
}

// admit decides whether an entry of a term is applied. The lock is held.
func (f *fsm) admit(rec record, term uint64) fate {
	a := f.sessions.admit(rec.Origin)
	down, ok := rec.Event.(acd.NodeDown)
	switch {
	case !ok:
	case f.sessions.process(down.Node) > down.Process:
		return fateStale // it has begun anew
	case a == fateApplied && down.Term != 0 && down.Term != term:
		return fateOvertaken // whoever leads now may have told the node that it may act
	}
	return a
}

// applyOne turns a panic of the core into a refusal. The same entry would
// panic again on every node and after every restart: better one call in a
// strange state than no service until the next release.
func (f *fsm) applyOne(e acd.Entry) (a applied) {
	defer func() {
		if r := recover(); r != nil {
			f.faults.Add(1)
			f.log.Error("core failed on an entry", "index", e.Index, "event", fmt.Sprintf("%T", e.Event),
				"err", r, "stack", string(debug.Stack()))
			a = applied{fate: fateFault}
		}
	}()
	res, err := acd.Apply(f.state, e)
	a = applied{fate: fateApplied, result: res}
	errors.As(err, &a.refused)
	return a
}

// fresh is how old a NodeDown may be, in ms of log time, to be acted on at once:
// for so long nobody who has said that he follows the leader has vouched for
// anybody.
const fresh = int64((vow - current) / time.Millisecond)

// doubt waits before anything is done about a node that is down if the leader
// who saw to it that the node's lease had run out doesn't lead any more, or it
// took long to be written: somebody may have given the node another lease
// meanwhile, until he had stored what the leader says. A process that is gone has none.
func (f *fsm) doubt(l *raft.Log, age int64, gone bool) {
	r := f.raft.Load()
	if gone || f.own == nil || l.Index <= f.liveFrom.Load() || r != nil && r.CurrentTerm() == l.Term && age < fresh {
		return
	}
	f.effects.shut(silence)
}

// fence ends what a dead node may write. If it is this one, it was taken for
// dead: others have its calls.
func (f *fsm) fence(node string, index uint64) {
	f.sessions.fence(node)
	if f.own != nil && node == f.own.node && index > f.liveFrom.Load() && f.fenced != nil {
		f.fenced()
	}
}

// isFenced reports whether others have gone on with what a process held.
func (f *fsm) isFenced(node string, start uint64) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.sessions.fenced(node, start)
}

// process is which of a node's processes has written last.
func (f *fsm) process(node string) uint64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.sessions.process(node)
}

// processes is that of all nodes.
func (f *fsm) processes() map[string]uint64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	out := map[string]uint64{}
	for _, s := range f.sessions {
		out[s.Node] = s.Start
	}
	return out
}

// read gives view the state between two batches.
func (f *fsm) read(view func(*acd.State)) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	view(f.state)
}

// written reports whether the entry of an author is in the log.
func (f *fsm) written(o origin) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.sessions.written(o)
}

func (f *fsm) position() position {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.last
}

// Snapshot implements raft.FSM. Nothing is applied meanwhile, so it only copies;
// what is copied is encoded and written beside further entries.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	frozen := f.spare.Swap(nil)
	if frozen == nil {
		frozen = &acd.Frozen{}
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	f.state.Freeze(frozen)
	stories, floor := f.tape.outbox()
	c := snapshotContents{last: f.last, sessions: slices.Clone(f.sessions), stories: stories, floor: floor}
	return &snapshot{c, frozen, &f.spare}, nil
}

// Restore implements raft.FSM.
func (f *fsm) Restore(r io.ReadCloser) error {
	c, err := readSnapshot(r)
	if err != nil {
		return errors.Join(err, r.Close())
	}
	f.mu.Lock()
	f.state, f.last, f.sessions = c.state, c.last, c.sessions
	f.mu.Unlock()
	f.clock.observe(c.last.At)
	f.tape.reset(c.stories, c.floor)
	if f.own != nil && f.isFenced(f.own.node, f.own.start) && f.fenced != nil {
		f.fenced()
	}
	f.verdicts.applied(c.last.Index)
	f.own.reached(c.last.Index)
	return r.Close()
}

// nudge tells one listener that there is something to look at.
func nudge(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
