package cluster

import (
	"errors"
	"fmt"
	"sync"
)

// ErrNotYet says that an event can't be written before all nodes run a release
// that knows it.
var ErrNotYet = errors.New("not before all nodes are upgraded")

// settledKinds is the newest kind of event that every release of this log format
// knows: what nodes that haven't been met since the start can be trusted with.
// Nothing was released yet; once something is, it is that release's last kind.
const settledKinds = lastKind

// kinds is what is known of the events that each node can read. While a cluster
// is upgraded node by node, a kind that one of them doesn't know is not written:
// that node could not go on.
type kinds struct {
	me      string
	mine    kind
	settled kind
	members func() []string

	mu sync.Mutex
	of map[string]kind
}

// met notes what a node says that it knows.
func (k *kinds) met(node string, newest int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.of[node] = kind(min(max(newest, 0), 1<<8-1)) //nolint:gosec // bounded
}

// allow says why an event of a kind can't be written yet, or returns nil.
func (k *kinds) allow(of kind) error {
	if k == nil || of <= k.settled {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, node := range k.members() {
		known, met := k.of[node]
		switch {
		case node == k.me:
		case !met:
			return fmt.Errorf("%w: node %s hasn't been met yet", ErrNotYet, node)
		case known < of:
			return fmt.Errorf("%w: node %s knows events up to kind %d, this is %d", ErrNotYet, node, known, of)
		}
	}
	return nil
}

// outdated says why a node that knows events up to newest can't follow the log.
func outdated(node string, newest int, written uint32) error {
	if newest >= int(written) {
		return nil
	}
	return fmt.Errorf("node %s knows events up to kind %d, the log has kind %d: upgrade it first", node, newest, written)
}

// kinds is what the members know; nil of a node alone.
func (n *Node) kinds() *kinds {
	if n.wires == nil {
		return nil
	}
	return n.wires.kinds
}
