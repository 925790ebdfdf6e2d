package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/raft"

	"tierline/cluster/vault"
)

// ErrDamaged says that a data directory can't be trusted. The node doesn't
// start: an operator restores a backup or lets a healthy node copy its state.
var ErrDamaged = errors.New("data directory is damaged")

// ErrNewer says that an entry, or the data directory, was written by a newer
// release.
var ErrNewer = errors.New("written by a newer release")

// recovery reads what an earlier process left, before Raft sees it, so that
// damage is an error with a file's name and not a panic on some goroutine.
type recovery struct {
	dir   string // "" in memory
	log   raft.LogStore
	snaps raft.SnapshotStore
	fsm   *fsm

	verdicts *verdicts // of the log
}

// run restores the newest snapshot and checks that the log goes on from there.
// It returns the last index.
func (r *recovery) run(mark uint64) (uint64, error) {
	base, err := r.restore()
	if err != nil {
		return 0, err
	}
	last, err := r.check(base)
	if err != nil {
		return 0, err
	}
	if last < mark {
		return 0, fmt.Errorf("%w: %s: the log ends at entry %d, but %d had been committed",
			ErrDamaged, r.file(last), last, mark)
	}
	return last, nil
}

// restore brings back the newest snapshot. A newest one that is damaged is not
// replaced by an older one: the log need not reach back that far.
func (r *recovery) restore() (uint64, error) {
	list, err := r.snaps.List()
	if err != nil {
		return 0, fmt.Errorf("list snapshots: %w", err)
	}
	if err = r.unreadable(list); err != nil {
		return 0, err
	}
	if len(list) == 0 {
		return 0, nil
	}
	newest := list[0]
	file := filepath.Join(r.dir, "snapshots", newest.ID, "state.bin")
	_, source, err := r.snaps.Open(newest.ID)
	if errors.Is(err, vault.ErrKey) {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", ErrDamaged, file, err)
	}
	if err := r.fsm.Restore(source); err != nil {
		if errors.Is(err, vault.ErrChanged) {
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	return newest.Index, nil
}

// unreadable finds snapshots that the store passed over in silence.
func (r *recovery) unreadable(list []*raft.SnapshotMeta) error {
	if r.dir == "" {
		return nil
	}
	path := filepath.Join(r.dir, "snapshots")
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("list snapshots: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || strings.HasSuffix(e.Name(), ".tmp") {
			continue
		}
		var term, index uint64
		if _, err := fmt.Sscanf(e.Name(), "%d-%d-", &term, &index); err != nil {
			continue // not a snapshot's name
		}
		if len(list) == 0 || index > list[0].Index {
			return fmt.Errorf("%w: %s", ErrDamaged, filepath.Join(path, e.Name(), "meta.json"))
		}
	}
	return nil
}

// check reads every entry that will be applied again.
func (r *recovery) check(base uint64) (uint64, error) {
	first, err := r.log.FirstIndex()
	if err != nil {
		return 0, fmt.Errorf("read the log's first index: %w", err)
	}
	last, err := r.log.LastIndex()
	if err != nil {
		return 0, fmt.Errorf("read the log's last index: %w", err)
	}
	if last == 0 {
		return base, nil
	}
	if first > base+1 {
		return 0, fmt.Errorf("%w: %s: the log begins at entry %d, the newest snapshot ends at %d",
			ErrDamaged, r.file(first), first, base)
	}
	for i := base + 1; i <= last; i++ {
		if err := r.checkEntry(i); err != nil {
			if !errors.Is(err, ErrNewer) && !errors.Is(err, vault.ErrKey) {
				err = fmt.Errorf("%w: %w", ErrDamaged, err)
			}
			return 0, fmt.Errorf("%s: entry %d: %w", r.file(i), i, err)
		}
	}
	return max(base, last), nil
}

func (r *recovery) checkEntry(i uint64) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("unreadable: %v", p)
		}
	}()
	var l raft.Log
	if err = r.log.GetLog(i, &l); err != nil {
		return err
	}
	if l.Index != i {
		return fmt.Errorf("says it is entry %d", l.Index)
	}
	if l.Type != raft.LogCommand {
		return nil
	}
	rec, err := decode(l.Data)
	if err == nil {
		r.verdicts.found(i, rec.Event)
	}
	return err
}

// file names the file an entry is in, as well as it can be known.
func (r *recovery) file(index uint64) string {
	path := filepath.Join(r.dir, "raft")
	files, err := filepath.Glob(filepath.Join(path, "*.wal"))
	if err != nil || len(files) == 0 {
		return filepath.Join(path, "raft.db")
	}
	found := files[0]
	for _, f := range files { // sorted; named by the first index in them
		var first uint64
		if _, err := fmt.Sscanf(filepath.Base(f), "%d-", &first); err == nil && first <= index {
			found = f
		}
	}
	return found
}

// retainSnapshots is how many are kept.
const retainSnapshots = 2

func newSnapshots(dir string, log *slog.Logger) (raft.SnapshotStore, error) {
	if dir == "" {
		return raft.NewInmemSnapshotStore(), nil
	}
	s, err := raft.NewFileSnapshotStoreWithLogger(dir, retainSnapshots, newBridge(log))
	if err != nil {
		return nil, fmt.Errorf("open snapshots in %s: %w", dir, err)
	}
	return s, nil
}
