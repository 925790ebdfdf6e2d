package cluster

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"syscall"
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

// lease is how long a node that nobody reaches is given before others go on
// with its calls. A node that nobody reaches for somewhat less stops acting.
const lease = 500 * time.Millisecond

// warden is the leader's watch over the others. A process that is gone refuses
// connections: that is proof. One that is silent gets until its lease is over.
type warden struct {
	node     string
	mode     string
	log      *slog.Logger
	raft     *raft.Raft
	wires    *wires
	fsm      *fsm
	proposer *proposer
	limit    time.Duration

	silent map[string]time.Time // members and when they were last heard
	probes chan probe
	asking map[string]bool
}

// probe is what came of trying to reach a member.
type probe struct {
	node string
	gone bool // nobody listens where it should be
	here bool // it answers
}

// wardenTurn is how often the warden looks at the clock.
const wardenTurn = 20 * time.Millisecond

func (w *warden) run(ctx context.Context) {
	seen := make(chan raft.Observation, 64)
	observer := raft.NewObserver(seen, false, func(o *raft.Observation) bool {
		switch o.Data.(type) {
		case raft.FailedHeartbeatObservation, raft.ResumedHeartbeatObservation:
			return true
		}
		return false
	})
	w.raft.RegisterObserver(observer)
	defer w.raft.DeregisterObserver(observer)
	t := time.NewTicker(wardenTurn)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-seen:
			w.observe(ctx, o)
		case p := <-w.probes:
			delete(w.asking, p.node)
			w.probed(ctx, p)
		case <-t.C:
			w.look(ctx)
		}
	}
}

func (w *warden) observe(ctx context.Context, o raft.Observation) {
	switch d := o.Data.(type) {
	case raft.ResumedHeartbeatObservation:
		delete(w.silent, string(d.PeerID))
	case raft.FailedHeartbeatObservation:
		node := string(d.PeerID)
		if _, known := w.silent[node]; !known {
			w.silent[node] = time.Now()
			w.log.Warn("node doesn't answer", "node", node)
		}
		w.ask(ctx, node)
	}
}

// ask tries to reach a member, beside the warden.
func (w *warden) ask(ctx context.Context, node string) {
	if w.asking[node] || w.raft.State() != raft.Leader {
		return
	}
	w.asking[node] = true
	go func() {
		p := probe{node: node}
		c, err := w.wires.dial(ctx, node, forStatus)
		switch {
		case err == nil:
			p.here = true
			_ = c.Close() // that it is there is all
		case errors.Is(err, syscall.ECONNREFUSED):
			p.gone = true
		}
		select {
		case w.probes <- p:
		case <-ctx.Done():
		}
	}()
}

func (w *warden) probed(ctx context.Context, p probe) {
	switch {
	case p.here:
		delete(w.silent, p.node)
	case p.gone:
		w.down(ctx, p.node, "its process is gone")
	}
}

// look declares those down whose lease is over.
func (w *warden) look(ctx context.Context) {
	if w.raft.State() != raft.Leader {
		clear(w.silent) // whoever leads watches
		return
	}
	for node, since := range w.silent {
		if time.Since(since) > lease+lease/5 {
			w.down(ctx, node, "it was silent for too long")
		}
	}
}

// down writes that a node is dead, unless that is known.
func (w *warden) down(ctx context.Context, node, why string) {
	if w.raft.State() != raft.Leader {
		return
	}
	ev := acd.NodeDown{Node: node, Away: w.mode == TakeReinvite}
	known := false
	w.fsm.read(func(s *acd.State) {
		members := s.Members()
		known = slices.ContainsFunc(members, func(m acd.MemberView) bool { return m.Node == node && !m.Down })
		if w.mode != TakeNothing {
			ev.Heir = w.heir(node, s.Calls(), members)
		}
	})
	delete(w.silent, node)
	if !known {
		return
	}
	ev.Process = w.fsm.process(node)
	w.log.Error("node is down, others go on with its calls", "node", node, "why", why, "heir", ev.Heir)
	ctx, cancel := context.WithTimeout(ctx, w.limit)
	defer cancel()
	if _, _, err := w.proposer.propose(ctx, ev, w.limit); err != nil {
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
		if _, silent := w.silent[m.Node]; m.Node != dead && !m.Down && !silent {
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
