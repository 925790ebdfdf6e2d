package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// ErrOldCopy says that a data directory is older than what the others have seen
// of the node: a machine was put back to an earlier state.
var ErrOldCopy = errors.New("data directory is an old copy")

// keyStart counts a node's processes among Raft's stable values.
const keyStart = "tierline/start"

func (n *Node) countStart() (uint64, error) {
	start, err := n.guard.GetUint64([]byte(keyStart))
	if err != nil {
		return 0, fmt.Errorf("read start count: %w", err)
	}
	start++
	if err := n.guard.SetUint64([]byte(keyStart), start); err != nil {
		return 0, fmt.Errorf("count start: %w", err)
	}
	return start, nil
}

// reckon asks the others how many processes of this node the log has seen. A
// directory that has counted fewer is an old copy: what this node had promised
// to keep isn't in it, so it must not vote with it. One that is empty is that
// of a machine that lost its disk: the process goes on counting where the log
// is, and has one before it. Who is not reached now says nothing.
func (n *Node) reckon(old bool, start uint64) (before bool, process uint64, err error) {
	seen := n.seen()
	switch {
	case seen < start:
		return old, start, nil
	case old:
		return old, 0, fmt.Errorf("%w: %s: the other nodes have seen process %d of node %s, this one is only number %d; "+
			"move the directory away and start the node while all others run: it gets everything from them",
			ErrOldCopy, n.dir.path, seen, n.node, start)
	}
	n.log.Warn("the disk of this node was lost: it gets everything from the other nodes", "process", seen+1)
	if err := n.guard.SetUint64([]byte(keyStart), seen+1); err != nil {
		return old, 0, fmt.Errorf("count start: %w", err)
	}
	return true, seen + 1, nil
}

// seen is the last process of this node that another one knows of.
func (n *Node) seen() (last uint64) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, name := range n.Others() {
		wg.Go(func() {
			s, err := n.ask(context.Background(), name) // has a limit of its own
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			last = max(last, s.Processes[n.node])
		})
	}
	wg.Wait()
	return last
}
