package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// directoryFormat is the version of the data directory's layout:
//
//	node.json   whose it is, in which format
//	keys        the keys of what follows, sealed with the node's key
//	lock        locked while a process uses the directory
//	mark        how far the log has got, see mark.go
//	raft/       the log and Raft's stable values
//	snapshots/  the last two snapshots
const directoryFormat = 1

// identity is what node.json says.
type identity struct {
	Format   int    `json:"format"`
	Node     string `json:"node"`
	LogStore string `json:"log_store"`
	Cluster  string `json:"cluster,omitempty"` // empty: a node alone
	// Joined are the addresses of the members who let this node in; nil of one
	// that began the cluster.
	Joined map[string]string `json:"joined,omitempty"`
	// Begun is set once the log has its first entry: from then on an empty
	// log is a lost one.
	Begun bool `json:"begun"`
}

// directory is a data directory locked for this process.
type directory struct {
	path string
	lock *os.File
	id   identity
}

// openDirectory locks the directory and checks that it is this node's.
func openDirectory(path, node, cluster, logStore string) (*directory, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errors.New("another process uses this data directory")
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", lock.Name(), err), lock.Close())
	}
	d := &directory{path: path, lock: lock, id: identity{
		Format: directoryFormat, Node: node, LogStore: logStore, Cluster: cluster,
	}}
	if err := d.identify(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *directory) file() string { return filepath.Join(d.path, "node.json") }

func (d *directory) identify() error {
	b, err := os.ReadFile(d.file())
	if errors.Is(err, fs.ErrNotExist) {
		return d.writeIdentity()
	}
	if err != nil {
		return fmt.Errorf("read data directory: %w", err)
	}
	var found identity
	if err := json.Unmarshal(b, &found); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, d.file(), err)
	}
	switch want := d.id; {
	case found.Format > want.Format:
		return fmt.Errorf("%s: format %d: %w", d.file(), found.Format, ErrNewer)
	case found.Format < 1:
		return fmt.Errorf("%w: %s: no format", ErrDamaged, d.file())
	case found.Node != want.Node:
		return fmt.Errorf("%s: belongs to node %q, not to %q", d.file(), found.Node, want.Node)
	case found.Cluster != want.Cluster:
		return fmt.Errorf("%s: belongs to %s, not to %s: a backup can be restored there", d.file(),
			clusterName(found.Cluster), clusterName(want.Cluster))
	case found.LogStore != want.LogStore:
		return fmt.Errorf("%s: the log is kept in %q, the configuration says %q", d.file(), found.LogStore, want.LogStore)
	}
	d.id = found
	return nil
}

// clusterName is a cluster for people.
func clusterName(name string) string {
	if name == "" {
		return "a node alone"
	}
	return fmt.Sprintf("cluster %q", name)
}

// joined adds those who let this node in, if it was let in.
func (d *directory) joined(m *Members) *Members {
	if d == nil || d.id.Joined == nil || m == nil {
		return m
	}
	with := *m
	with.Joined = d.id.Joined
	return &with
}

// begun records that the log has its first entry.
func (d *directory) begun() error {
	if d.id.Begun {
		return nil
	}
	d.id.Begun = true
	return d.writeIdentity()
}

func (d *directory) writeIdentity() error {
	b, err := json.MarshalIndent(d.id, "", "  ")
	if err != nil {
		return fmt.Errorf("encode identity: %w", err)
	}
	if err := replaceFile(d.file(), append(b, '\n')); err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	return nil
}

// replaceFile writes a file so that a crash leaves the old or the new one.
func replaceFile(path string, b []byte) error {
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err = os.Rename(path+".tmp", path); err != nil {
		return err
	}
	parent, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// size returns how many bytes the log takes.
func (d *directory) size() int64 {
	var sum int64
	//nolint:errcheck // files come and go; a size that is a little off is fine
	filepath.WalkDir(filepath.Join(d.path, "raft"), func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil //nolint:nilerr // as above
		}
		if info, err := e.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

func (d *directory) close() error { return d.lock.Close() }
