package cluster

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// carrier is Raft's transport between members, with two things that Raft can't
// know. A leader whose own log can't be written goes on sending heartbeats from
// another goroutine, and nobody else is elected: it must fall silent. And who
// stood still himself has no reason to believe that the leader is dead.
type carrier struct {
	*raft.NetworkTransport

	stalled func() error // why this node must not lead now
	pace    *pace
	contact atomic.Int64 // when a leader was last heard
}

var (
	errStalled = errors.New("this node must not lead now")
	errSlept   = errors.New("the leader is alive: it was this process that stood still")
)

// SetHeartbeatHandler implements raft.Transport.
func (c *carrier) SetHeartbeatHandler(handle func(raft.RPC)) {
	c.NetworkTransport.SetHeartbeatHandler(func(rpc raft.RPC) {
		c.contact.Store(int64(c.pace.now()))
		handle(rpc)
	})
}

// AppendEntries implements raft.Transport.
func (c *carrier) AppendEntries(
	id raft.ServerID, to raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse,
) error {
	if err := c.stalled(); err != nil {
		return fmt.Errorf("%w: %w", errStalled, err)
	}
	return c.NetworkTransport.AppendEntries(id, to, req, resp)
}

const (
	// drowsy is how long after it stood still a process doesn't trust its clock.
	drowsy = 250 * time.Millisecond
	// patience is how long it then waits for a word of the leader.
	patience = 100 * time.Millisecond
)

// RequestPreVote implements raft.WithPreVote.
func (c *carrier) RequestPreVote(
	id raft.ServerID, to raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse,
) error {
	if err := c.stalled(); err != nil {
		return fmt.Errorf("%w: %w", errStalled, err)
	}
	if c.pace.slept() < drowsy {
		woke := int64(c.pace.now())
		t := time.NewTimer(patience)
		defer t.Stop()
		<-t.C
		if c.contact.Load() >= woke {
			return errSlept
		}
	}
	return c.NetworkTransport.RequestPreVote(id, to, req, resp)
}

// urge makes a member stand for election at once.
func (c *carrier) urge(node string) error {
	req := raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax}}
	var resp raft.TimeoutNowResponse
	return c.TimeoutNow(raft.ServerID(node), raft.ServerAddress(node), &req, &resp)
}
