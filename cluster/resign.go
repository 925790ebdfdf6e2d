package cluster

import (
	"context"
	"fmt"

	"github.com/hashicorp/raft"
)

// Resign lets another member lead, if this node does, and returns when one has
// been told to.
func (n *Node) Resign(ctx context.Context) error {
	if n.wires == nil || n.raft.State() != raft.Leader {
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- n.raft.LeadershipTransfer().Error() }()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("hand over leadership: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("hand over leadership: %w", ctx.Err())
	}
}
