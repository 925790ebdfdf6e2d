package cluster

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"tierline/acd"
)

// verdicts are the entries of this node's log that say of a member that it is
// down and that the state doesn't know yet: they may be committed, or may never
// be. Whoever acts on one of them knows that more than half of the members have
// it; so who has it, must have said his last word for that member when it was
// stored.
type verdicts struct {
	accused atomic.Bool // one of them means this process

	mu      sync.Mutex // guards what follows
	node    string
	process uint64    // which of the node's this is
	list    []verdict // by index
}

type verdict struct {
	index   uint64
	node    string
	process uint64 // which of the node's is meant
}

// serve says which process this is.
func (v *verdicts) serve(node string, process uint64) *verdicts {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.node, v.process = node, process
	v.weigh()
	return v
}

// weigh is called after each change. mu is held.
func (v *verdicts) weigh() { v.accused.Store(v.means(v.node, v.process)) }

// stored notes what is about to be stored: also in place of something else, or
// of something that could not be stored.
func (v *verdicts) stored(logs []*raft.Log) {
	v.mu.Lock()
	defer v.mu.Unlock()
	defer v.weigh()
	v.list = slices.DeleteFunc(v.list, func(x verdict) bool { return x.index >= logs[0].Index })
	for _, l := range logs {
		if l.Type != raft.LogCommand || len(l.Data) < 2 || kind(l.Data[1]) != kindNodeDown {
			continue
		}
		if rec, err := decode(l.Data); err == nil { // else it is found when it is to be applied
			v.add(l.Index, rec.Event)
		}
	}
}

// found notes an entry that an earlier process has stored.
func (v *verdicts) found(index uint64, ev acd.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.add(index, ev)
	v.weigh()
}

// add notes an entry. mu is held.
func (v *verdicts) add(index uint64, ev acd.Event) {
	if down, ok := ev.(acd.NodeDown); ok {
		v.list = append(v.list, verdict{index: index, node: down.Node, process: down.Process})
	}
}

// removed forgets entries that were taken out of the log.
func (v *verdicts) removed(from, to uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.list = slices.DeleteFunc(v.list, func(x verdict) bool { return from <= x.index && x.index <= to })
	v.weigh()
}

// applied forgets entries that the state knows, once it does.
func (v *verdicts) applied(index uint64) {
	if v == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.list = slices.DeleteFunc(v.list, func(x verdict) bool { return x.index <= index })
	v.weigh()
}

// against reports whether there is one that means a process of a node.
func (v *verdicts) against(node string, process uint64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.means(node, process)
}

// means is against, with mu held.
func (v *verdicts) means(node string, process uint64) bool {
	return slices.ContainsFunc(v.list, func(x verdict) bool { return x.node == node && x.process >= process })
}
