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
	herald  *herald
	contact atomic.Int64 // when a leader was last heard
}

// newCarrier makes it, and the herald that uses it.
func (n *Node) newCarrier(c Config, t timing) *carrier {
	n.herald = newHerald()
	out := &carrier{
		NetworkTransport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream: n.wires, MaxPool: 3, Timeout: t.wires, Logger: newBridge(c.Logger),
			// One request at a time: a pipeline stops for good over a request that fails
			// while the next one is sent (hashicorp/raft#612), and its follower gets
			// heartbeats and nothing else. What came meanwhile goes with the next request.
			MaxRPCsInFlight: 1,
		}),
		stalled: func() error { return n.guard.stalled(n.timing.watchdog) }, pace: n.pace, herald: n.herald,
	}
	n.herald.send = out.AppendEntries
	return out
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
	c.herald.began(id, to, req)
	err := c.NetworkTransport.AppendEntries(id, to, req, resp)
	c.herald.ended(id, req, err == nil && resp.Success)
	return err
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
