package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"
	boltstore "github.com/hashicorp/raft-boltdb/v2"
	wal "github.com/hashicorp/raft-wal"
	"go.etcd.io/bbolt"
)

// Kinds of log stores.
const (
	StoreWAL    = "wal"    // one fsync for each batch; preallocates 64 MB files
	StoreBolt   = "bolt"   // two fsyncs for each batch; one file
	StoreMemory = "memory" // for tests and demonstrations: nothing survives
)

// store keeps Raft's log and its few stable values.
type store interface {
	raft.LogStore
	raft.StableStore
	Close() error
}

// openStore opens the log store of a data directory. Damage that the library
// meets with a panic becomes an error as well.
func openStore(which, dir string, log *bridge) (s store, err error) {
	if which == StoreMemory {
		return memory{raft.NewInmemStore()}, nil
	}
	path := filepath.Join(dir, "raft")
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %s: %v", ErrDamaged, path, r)
		}
	}()
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("create log directory: %w", err)
	}
	switch which {
	case StoreWAL:
		w, err := openWAL(path, log, wal.DefaultSegmentSize)
		if err != nil {
			return nil, fmt.Errorf("open log in %s: %w", path, err)
		}
		return w, nil
	case StoreBolt:
		file := filepath.Join(path, "raft.db")
		if err := checkBolt(file); err != nil {
			return nil, err
		}
		b, err := boltstore.New(boltstore.Options{
			Path: file,
			BoltOptions: &bbolt.Options{
				NoFreelistSync: true, // else each commit writes the list of all pages freed by a spike
				FreelistType:   bbolt.FreelistMapType,
				Timeout:        time.Second,
			},
		})
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", file, err)
		}
		return boltLog{b}, nil
	}
	return nil, fmt.Errorf("log store %q: not one of %s, %s, %s", which, StoreWAL, StoreBolt, StoreMemory)
}

// lately is how many of the last entries stay in memory.
const lately = 512

// entries is the log as Raft sees it. Among several a leader sends each entry
// to all others, and a follower applies it a moment after it has stored it.
func (n *Node) entries() (raft.LogStore, error) {
	if n.wires == nil {
		return n.guard, nil
	}
	return raft.NewLogCache(lately, n.guard)
}

// boltLog makes bolt say nothing, like wal does, where a value was never set.
type boltLog struct{ *boltstore.BoltStore }

// Get implements raft.StableStore.
func (b boltLog) Get(key []byte) ([]byte, error) {
	v, err := b.BoltStore.Get(key)
	if errors.Is(err, boltstore.ErrKeyNotFound) {
		return nil, nil
	}
	return v, err
}

// GetUint64 implements raft.StableStore.
func (b boltLog) GetUint64(key []byte) (uint64, error) {
	v, err := b.BoltStore.GetUint64(key)
	if errors.Is(err, boltstore.ErrKeyNotFound) {
		return 0, nil
	}
	return v, err
}

// memory is a store that lives as long as its node.
type memory struct{ *raft.InmemStore }

// GetUint64 implements raft.StableStore.
func (m memory) GetUint64(key []byte) (uint64, error) {
	v, _ := m.InmemStore.GetUint64(key) // its only error is "not found"
	return v, nil
}

// Get implements raft.StableStore.
func (m memory) Get(key []byte) ([]byte, error) {
	v, _ := m.InmemStore.Get(key) // its only error is "not found"
	return v, nil
}

// Close implements io.Closer.
func (m memory) Close() error { return nil }
