package app

import (
	"context"
	"errors"
	"time"

	"tierline/acd"
	"tierline/cmd/internal/console"
)

// errOut is why a node that was taken out takes no calls.
var errOut = errors.New("out of service for maintenance: its next start brings it back")

// resignLimit bounds how long another leader may take.
const resignLimit = 5 * time.Second

// Drain takes the node out of service while the process goes on: its address
// and calls go to another node, another one leads, and what can't move ends
// within the drain limit. The log goes on being kept here: a majority needs no
// less of it. The next start brings the node back.
func (n *Node) Drain(ctx context.Context) (console.Drained, error) {
	// Whoever asked may hang up; half a move would help nobody.
	ctx = context.WithoutCancel(ctx)
	if n.out.Swap(true) {
		return console.Drained{Left: n.held()}, nil
	}
	before := n.held()
	n.log.Info("draining for maintenance", "calls", before, "limit", n.settings.Drain.Timeout)
	d := console.Drained{Heir: n.rehome(ctx)}
	d.Left = n.held()
	d.Moved = before - d.Left
	n.resign(ctx)
	n.beside.Go(func() {
		n.sw.Unregister(ctx)
		if cut := n.sw.Drain(ctx, n.settings.Drain.Timeout); cut > 0 {
			n.log.Warn("calls had to be ended", "calls", cut)
		}
		n.closeUA() // who has our address gets all of it
		n.log.Info("drained", "to", d.Heir)
	})
	return d, nil
}

// remover strikes other nodes off; nil of a node alone.
func (n *Node) remover() func(context.Context, string) error {
	if !n.shared() {
		return nil
	}
	return n.cluster.Remove
}

// held is how many calls the log has of this node.
func (n *Node) held() (calls int) {
	n.cluster.Read(func(s *acd.State) {
		for _, c := range s.Calls() {
			if c.Node == n.settings.Node {
				calls++
			}
		}
	})
	return calls
}

// resign lets another node lead: who stops while he leads costs the others an
// election.
func (n *Node) resign(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, resignLimit)
	defer cancel()
	if err := n.cluster.Resign(ctx); err != nil {
		n.log.Warn("no other node leads yet", "err", err)
	}
}
