package cluster

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// Status is how a member is.
type Status struct {
	Node    string `json:"node"`
	Address string `json:"address,omitempty"` // of its wires; "" alone
	Release string `json:"release,omitempty"`
	State   string `json:"state"` // leader, follower, candidate, learner, unreachable
	Term    uint64 `json:"term"`
	Index   uint64 `json:"index"`   // the last entry applied
	Lag     uint64 `json:"lag"`     // entries that the leader has and it has not
	Calls   int    `json:"calls"`   // live ones
	Trouble string `json:"trouble"` // why it takes no new calls, or can't be reached

	// Processes is the last process of each node that the log has seen.
	Processes map[string]uint64 `json:"processes,omitempty"`
}

// Health is what a node says of itself beside the log.
type Health struct {
	Release string
	Calls   int
	Trouble string
}

const (
	unreachable = "unreachable" // the state of a member that doesn't answer
	learner     = "learner"     // of one that was let in and has no vote yet
)

// Nodes asks all members how they are, this one first. It takes as long as the
// slowest, at most half a second.
func (n *Node) Nodes(ctx context.Context) []Status {
	list := []Status{n.status()}
	if n.wires == nil {
		return list
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for name := range n.wires.roster.others() {
		wg.Go(func() {
			s, err := n.ask(ctx, name)
			if err != nil {
				s = Status{Node: name, State: unreachable, Trouble: err.Error()}
			}
			s.Address = n.wires.roster.address(name)
			mu.Lock()
			defer mu.Unlock()
			list = append(list, s)
		})
	}
	wg.Wait()
	last := uint64(0)
	for _, s := range list {
		if s.State == "leader" {
			last = s.Index
		}
	}
	for i := range list {
		if list[i].State != unreachable {
			list[i].Lag = last - min(last, list[i].Index)
		}
	}
	slices.SortFunc(list, func(a, b Status) int { return strings.Compare(a.Node, b.Node) })
	return list
}

func (n *Node) status() Status {
	s := Status{
		Node: n.node, State: strings.ToLower(n.raft.State().String()), Term: n.raft.CurrentTerm(),
		Index: n.raft.AppliedIndex(), Processes: n.fsm.processes(),
	}
	if n.wires != nil {
		s.Address = n.wires.roster.address(n.node)
		if !n.wires.roster.seated() {
			s.State = learner
		}
	}
	if n.health != nil {
		h := n.health()
		s.Release, s.Calls, s.Trouble = h.Release, h.Calls, h.Trouble
	}
	return s
}

// ask asks one member.
func (n *Node) ask(ctx context.Context, name string) (s Status, err error) {
	c, err := n.wires.dial(ctx, name, forStatus)
	if err != nil {
		return s, err
	}
	defer func() { _ = c.Close() }() // the answer is here
	if err = c.SetDeadline(time.Now().Add(n.wires.limit)); err != nil {
		return s, err
	}
	return s, readJSON(c, &s)
}

// tell answers one.
func (n *Node) tell(_ context.Context, peer string, c net.Conn) {
	if err := c.SetDeadline(time.Now().Add(n.wires.limit)); err != nil {
		return
	}
	if err := writeJSON(c, n.status()); err != nil {
		n.log.Debug("status not told", "node", peer, "err", err)
	}
}
