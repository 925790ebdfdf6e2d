package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/hashicorp/raft"

	"tierline/cluster/vault"
)

// What a node writes down is sealed with keys of its own: entries one by one,
// each for its place in the log, and snapshots as streams. What goes to other
// nodes is not: the wires are encrypted, and each node has its own keys.

// openVault opens the ring of a data directory. Without keys nothing is sealed,
// and there is none.
func (c *Config) openVault() (*vault.Vault, error) {
	if c.LogStore == StoreMemory || len(c.Keys) == 0 {
		return nil, nil //nolint:nilnil // see above
	}
	v, err := vault.Open(filepath.Join(c.Dir, "keys"), c.Keys)
	switch {
	case errors.Is(err, vault.ErrChanged):
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	case err != nil:
		return nil, err
	}
	if v.Renewed() {
		c.Logger.Info("a new key of the node is in use, older ones in its file are no longer needed", "key", c.Keys[0].ID())
	}
	return v, nil
}

// sealedLog is a store whose entries are sealed.
type sealedLog struct {
	store
	vault *vault.Vault
}

// seal wraps a store that was just opened.
func (n *Node) seal(s store, err error) (store, error) {
	if err != nil {
		return nil, err
	}
	return sealedLog{s, n.vault}, nil
}

// placeOf is what an entry is sealed for.
func placeOf(l *raft.Log) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, l.Index), l.Term)
}

// StoreLogs implements raft.LogStore. Raft goes on using what it gave us, so
// that stays as it is.
func (s sealedLog) StoreLogs(logs []*raft.Log) error {
	if s.vault == nil {
		return s.store.StoreLogs(logs)
	}
	sealed := make([]*raft.Log, len(logs))
	for i, l := range logs {
		sealed[i] = l
		if l.Type == raft.LogCommand {
			copied := *l
			copied.Data = s.vault.Seal(l.Data, placeOf(l))
			sealed[i] = &copied
		}
	}
	return s.store.StoreLogs(sealed)
}

// StoreLog implements raft.LogStore.
func (s sealedLog) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// GetLog implements raft.LogStore. Entries from before entries were sealed are
// returned as they are.
func (s sealedLog) GetLog(index uint64, l *raft.Log) error {
	if err := s.store.GetLog(index, l); err != nil {
		return err
	}
	switch {
	case l.Type != raft.LogCommand || !vault.Sealed(l.Data):
		return nil
	case s.vault == nil:
		return vault.ErrKey
	}
	var err error
	l.Data, err = s.vault.Open(l.Data, placeOf(l))
	return err
}

// IsMonotonic implements raft.MonotonicLogStore.
func (s sealedLog) IsMonotonic() bool {
	m, ok := s.store.(raft.MonotonicLogStore)
	return ok && m.IsMonotonic()
}

// sealSnapshots wraps a store that was just opened.
func sealSnapshots(s raft.SnapshotStore, v *vault.Vault) raft.SnapshotStore {
	if v == nil {
		return s
	}
	return sealedSnapshots{s, v}
}

// sealedSnapshots is a store whose snapshots are sealed.
type sealedSnapshots struct {
	raft.SnapshotStore
	vault *vault.Vault
}

// Create implements raft.SnapshotStore.
func (s sealedSnapshots) Create(v raft.SnapshotVersion, index, term uint64, members raft.Configuration,
	membersIndex uint64, carrier raft.Transport,
) (raft.SnapshotSink, error) {
	sink, err := s.SnapshotStore.Create(v, index, term, members, membersIndex, carrier)
	if err != nil {
		return nil, err
	}
	w, err := s.vault.Writer(sink)
	if err != nil {
		return nil, errors.Join(err, sink.Cancel())
	}
	return &sealedSink{SnapshotSink: sink, to: w}, nil
}

// Open implements raft.SnapshotStore. Raft sends what it reads to others, who
// want to know how long it is.
func (s sealedSnapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	meta, source, err := s.SnapshotStore.Open(id)
	if err != nil {
		return nil, nil, err
	}
	plain, sealed, err := s.vault.Reader(source)
	if err != nil {
		return nil, nil, errors.Join(err, source.Close())
	}
	if sealed {
		copied := *meta
		copied.Size = vault.PlainSize(meta.Size)
		meta = &copied
	}
	return meta, opened{plain, source}, nil
}

// opened is a snapshot that is read.
type opened struct {
	io.Reader
	io.Closer
}

// sealedSink is a snapshot that is written.
type sealedSink struct {
	raft.SnapshotSink
	to io.WriteCloser
}

// Write implements io.Writer.
func (s *sealedSink) Write(b []byte) (int, error) { return s.to.Write(b) }

// Close implements io.Closer.
func (s *sealedSink) Close() error {
	if err := s.to.Close(); err != nil {
		return errors.Join(err, s.Cancel())
	}
	return s.SnapshotSink.Close()
}
