package cluster

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"tierline/acd"
)

// impatience is how often a node that waits for the others says so.
const impatience = 5 * time.Second

// join waits until a leader answers and this node has applied what the leader
// had by then.
func (n *Node) join(ctx context.Context, c Config, old bool) error {
	index, err := n.settle(ctx)
	if err != nil {
		return err
	}
	if old {
		// Whatever this node's calls were, their fate is known from here on; it may
		// be to go on with them, so this entry has effects already.
		_, at, err := n.proposer.propose(ctx, n.restarted(c), n.timing.propose)
		var refused *acd.RefusedError
		if err != nil && !errors.As(err, &refused) {
			return fmt.Errorf("record the restart: %w", err)
		}
		index = max(index, at)
	}
	if err := n.seated(ctx); err != nil {
		return err
	}
	n.fsm.liveFrom.CompareAndSwap(math.MaxUint64, index)
	_, leader := n.raft.LeaderWithID()
	n.log.Info("joined", "leader", string(leader), "index", index)
	return nil
}

// seated waits until this node has a vote: one that was let in gets it once it
// has the log.
func (n *Node) seated(ctx context.Context) error {
	for said := false; !n.wires.roster.seated(); said = true {
		if !said {
			n.log.Info("this node has the log, and waits for its vote")
		}
		if err := pause(ctx, retryPause); err != nil {
			return fmt.Errorf("wait for a vote: %w", err)
		}
	}
	return nil
}

// Settle returns once all that was proposed or posted here before is applied
// on this node.
func (n *Node) Settle(ctx context.Context) error {
	_, err := n.settle(ctx)
	return err
}

func (n *Node) settle(ctx context.Context) (index uint64, err error) {
	if index, err = n.barrier(ctx); err != nil {
		return 0, err
	}
	for n.raft.AppliedIndex() < index {
		if err := pause(ctx, retryPause/10); err != nil {
			return 0, fmt.Errorf("catch up with entry %d: %w", index, err)
		}
	}
	return index, nil
}

// resumeWithin is how long after the end of a process its calls can be gone on
// with: their peers give up within a minute.
const resumeWithin = 45 * time.Second

// restarted is what the log is told of this process's beginning.
func (n *Node) restarted(c Config) acd.NodeRestarted {
	resume := c.Takeover != "" && c.Takeover != TakeNothing && n.mark != nil && n.wall().Sub(n.mark.last) < resumeWithin
	return acd.NodeRestarted{Node: c.Node, Resume: resume}
}

// barrier asks the leader how far the log goes, until one answers.
func (n *Node) barrier(ctx context.Context) (uint64, error) {
	said := time.Now()
	for {
		it := &item{since: time.Now(), done: make(chan outcome, 1)}
		if err := n.proposer.enqueue(it); err != nil {
			return 0, err
		}
		t := time.NewTimer(n.timing.propose)
		select {
		case o := <-it.done:
			t.Stop()
			if o.err == nil {
				return o.index, nil
			}
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return 0, fmt.Errorf("wait for the other nodes: %w", errors.Join(ctx.Err(), n.guard.stuck()))
		}
		it.gone.Store(true)
		if time.Since(said) >= impatience {
			said = time.Now()
			n.log.Warn("still waiting for the other nodes: more than half of them must run")
		}
		if err := pause(ctx, retryPause); err != nil {
			return 0, fmt.Errorf("wait for the other nodes: %w", err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
