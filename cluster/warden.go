package cluster

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"tierline/acd"
)

// Take-over modes.
const (
	TakeAddress  = "address"  // the heir serves at the dead node's address; where it can't, it tells the peers
	TakeReinvite = "reinvite" // the heir tells the peers where it is
	TakeNothing  = "off"      // calls of a dead node end
)

// warden is the leader's watch over the others. A process that is gone refuses
// connections: that is proof. One that is silent gets until its lease is over.
type warden struct {
	node     string
	mode     string
	log      *slog.Logger
	raft     *raft.Raft
	pulses   *pulses
	fsm      *fsm
	proposer *proposer
	limit    time.Duration

	term   uint64                   // in which this node leads, or has led last
	heard  map[string]time.Duration // when each was last heard …
	silent map[string]time.Duration // … and for how much of our own time it was not
	turned time.Duration            // the last turn
}

// wardenTurn is how often the warden looks at the clock.
const wardenTurn = 20 * time.Millisecond

func (w *warden) run(ctx context.Context) {
	t := time.NewTicker(wardenTurn)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.pulses.gone:
		case <-t.C:
		}
		w.turn(ctx)
	}
}

// turn declares those down who are gone, or whose lease is over. Time in which
// this process itself stood still counts as little: what the others said
// meanwhile is still to be read.
func (w *warden) turn(ctx context.Context) {
	now := w.pulses.lessee.now()
	ran := min(now-w.turned, 2*wardenTurn)
	w.turned = now
	term := w.raft.CurrentTerm()
	if w.raft.State() != raft.Leader {
		return
	}
	if term != w.term { // what was granted before is still to run out
		w.term = term
		clear(w.silent)
	}
	for name, p := range w.pulses.lessee.known() {
		if p.heard != w.heard[name] {
			w.heard[name] = p.heard
			w.silent[name] = 0
		}
		w.silent[name] += ran
		switch {
		case p.gone(now):
			w.down(ctx, acd.NodeDown{Node: name, Gone: true}, "its process is gone")
		case w.silent[name] > silence && w.pulses.lessee.deserted(name):
			w.down(ctx, acd.NodeDown{Node: name}, "it was silent for too long")
		}
	}
}

// down writes that a node is dead, unless that is known.
func (w *warden) down(ctx context.Context, ev acd.NodeDown, why string) {
	node, known := ev.Node, false
	ev.Away, ev.Term, ev.Said = w.mode == TakeReinvite, w.term, w.fsm.clock.now()
	w.fsm.read(func(s *acd.State) {
		members := s.Members()
		known = slices.ContainsFunc(members, func(m acd.MemberView) bool { return m.Node == node && !m.Down })
		if known && w.mode != TakeNothing {
			ev.Heir = w.heir(node, s.Calls(), members)
		}
	})
	if !known {
		return
	}
	ev.Process = w.fsm.process(node)
	w.pulses.doom(node)
	if w.pulses.lessee.known()[node].heard != w.heard[node] {
		w.pulses.spare(node) // it has asked in this moment, and may have been told that it may act
		return
	}
	w.log.Error("node is down, others go on with its calls", "node", node, "why", why, "heir", ev.Heir)
	ctx, cancel := context.WithTimeout(ctx, w.limit)
	defer cancel()
	_, _, err := w.proposer.propose(ctx, ev, w.limit)
	var refused *acd.RefusedError
	if err == nil || errors.As(err, &refused) {
		w.pulses.spare(node)
	}
	if err != nil {
		w.log.Warn("that a node is down can't be written", "node", node, "err", err)
	}
}

// heir is the member with the fewest calls of those that are well.
func (w *warden) heir(dead string, calls []acd.CallView, members []acd.MemberView) string {
	load := map[string]int{}
	for i := range calls {
		load[calls[i].Node]++
	}
	var well []string
	for _, m := range members {
		// Who doesn't have his own address was taken out of service, or isn't back yet.
		out := m.Out || m.Holder != m.Node && m.Holder != dead
		if m.Node != dead && !m.Down && !out && w.well(m.Node) {
			well = append(well, m.Node)
		}
	}
	if len(well) == 0 {
		return ""
	}
	return slices.MinFunc(well, func(a, b string) int {
		return cmp.Or(cmp.Compare(load[a], load[b]), cmp.Compare(a, b))
	})
}

// well reports whether a member has been heard a moment ago.
func (w *warden) well(node string) bool {
	if node == w.node {
		return true
	}
	p, known := w.pulses.lessee.known()[node]
	return known && p.stand != standGone && w.silent[node] < silence/2
}
