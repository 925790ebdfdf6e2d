package cluster

import (
	"fmt"

	"github.com/hashicorp/raft"
)

// bootstrap begins a cluster, unless there is one. All members of a new one
// begin it with the same list; who was let in later gets the log from them.
func (n *Node) bootstrap(c Config, conf *raft.Config, snaps raft.SnapshotStore) (old bool, err error) {
	old = n.stored > 0
	switch {
	case old:
	case n.dir != nil && n.dir.id.Begun:
		return false, fmt.Errorf("%w: %s: the log is empty, but it had been begun", ErrDamaged, n.dir.path)
	case c.Members != nil && c.Members.Joined != nil:
		return false, nil
	default:
		if err = n.found(c, conf, snaps); err != nil {
			return false, err
		}
	}
	if n.dir != nil {
		err = n.dir.begun()
	}
	return old, err
}

// found begins a cluster.
func (n *Node) found(c Config, conf *raft.Config, snaps raft.SnapshotStore) error {
	founders, err := c.founders()
	if err != nil {
		return err
	}
	// A process that died in the middle of this has left a term and no log.
	if err = n.guard.SetUint64([]byte(keyTerm), 0); err != nil {
		return fmt.Errorf("begin cluster: %w", err)
	}
	_, nobody := raft.NewInmemTransport(raft.ServerAddress(c.Node)) // asked for nothing but its name
	if err = raft.BootstrapCluster(conf, n.guard, n.guard, snaps, nobody, founders); err != nil {
		return fmt.Errorf("begin cluster: %w", err)
	}
	return nil
}

// founders are the nodes that a cluster begins with.
func (c *Config) founders() (all raft.Configuration, err error) {
	names := []string{c.Node}
	if c.Members != nil {
		names = c.Members.names()
	}
	if n := len(names); c.Members != nil && (n < 3 || n%2 == 0) {
		return all, fmt.Errorf("members: %d of them begin no cluster: three or five do, and survive the loss of "+
			"one or two; a node that comes later is let in by `tierline node join` before its first start", n)
	}
	for _, name := range names {
		all.Servers = append(all.Servers, raft.Server{ID: raft.ServerID(name), Address: serverAddress(name, "")})
	}
	return all, nil
}
