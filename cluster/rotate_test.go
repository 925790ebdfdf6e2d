package cluster

import (
	"errors"
	"testing"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/metadb"
	"github.com/hashicorp/raft-wal/types"
)

// killedMeta is the register of files of a process that is killed after it
// has filled a file, and before it has begun the next one.
type killedMeta struct {
	metadb.BoltMetaDB
	dead bool
}

func (m *killedMeta) CommitState(s types.PersistentState) error {
	if m.dead {
		return errors.New("killed")
	}
	return m.BoltMetaDB.CommitState(s)
}

// A node that was killed between two files of its log never took an entry
// again: "segment is sealed", at every start.
func TestANodeKilledBetweenTwoFilesOfItsLogWritesAgain(t *testing.T) {
	const size = 64 << 10
	dir, log, meta := t.TempDir(), newBridge(testLogger(t)), &killedMeta{}
	w, err := wal.Open(dir, wal.WithLogger(log), wal.WithMetaStore(meta), wal.WithSegmentSize(size))
	if err != nil {
		t.Fatal(err)
	}
	meta.dead = true
	stored := uint64(0)
	for ; err == nil; stored++ {
		err = w.StoreLog(&raft.Log{Index: stored + 1, Data: make([]byte, 1000)})
	}
	stored--
	if !errors.Is(err, wal.ErrSealed) || stored < 50 || w.Close() != nil {
		t.Fatalf("test is wrong: %d entries, then %v", stored, err)
	}
	for range 3 { // and however often it starts
		s, err := openWAL(dir, log, size)
		if err != nil {
			t.Fatal(err)
		}
		if last, err := s.LastIndex(); err != nil || last != stored {
			t.Errorf("it has %d entries of %d: %v", last, stored, err)
		}
		for range 40 { // 120 in all begin a third file, too
			stored++
			if err := s.StoreLog(&raft.Log{Index: stored, Data: make([]byte, 1000)}); err != nil {
				t.Fatal(err)
			}
		}
		for i := uint64(1); i <= stored; i++ {
			var l raft.Log
			if err := s.GetLog(i, &l); err != nil || l.Index != i || len(l.Data) != 1000 {
				t.Fatalf("entry %d: %d with %d bytes, %v", i, l.Index, len(l.Data), err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
