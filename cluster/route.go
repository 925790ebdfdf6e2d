package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// errNoLeader says that nobody leads, as far as this node knows.
var errNoLeader = errors.New("no leader")

// route is the way of this node's events into the log: its own Raft if it
// leads, the leader otherwise. Only the feeder sends.
type route struct {
	log    *slog.Logger
	raft   *raft.Raft
	wires  *wires // nil: a node alone
	own    *ownEntries
	resume func() // before the first entry that this node stamps as the leader
	stamp  func(o origin, k kind, body []byte) []byte
	// written reports whether the log has this process's entry of a number.
	written func(seq uint64) bool

	mu    sync.Mutex // guards what follows
	link  *link
	tried attempt
}

// attempt is the last one to reach a leader.
type attempt struct {
	leader string
	at     time.Time
}

// alone reports whether there are no other members.
func (r *route) alone() bool { return r.wires == nil }

// ready returns nil if something can be sent, and makes the connection to the
// leader if there is none.
func (r *route) ready(ctx context.Context) error {
	if r.raft.State() == raft.Leader {
		r.hangUp("")
		return nil
	}
	if r.alone() {
		return raft.ErrNotLeader
	}
	_, id := r.raft.LeaderWithID()
	leader := string(id)
	if leader == "" || leader == r.own.node {
		return errNoLeader
	}
	r.hangUp(leader)
	r.mu.Lock()
	l := r.link
	// Who takes himself for the leader no longer, or can't write, hangs up at once.
	soon := l == nil && r.tried.leader == leader && time.Since(r.tried.at) < retryPause
	if l == nil && !soon {
		r.tried = attempt{leader, time.Now()}
	}
	r.mu.Unlock()
	switch {
	case l != nil:
		return nil
	case soon:
		return fmt.Errorf("%w can be reached", errNoLeader)
	}
	l, err := newLink(ctx, r.wires, leader, r.own)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.log.Warn("leader can't be reached", "leader", leader, "err", err)
		return err
	}
	r.link = l
	return nil
}

// hangUp ends a connection that is broken or leads to somebody who is not the
// leader; what was on its way there has an unknown fate.
func (r *route) hangUp(leader string) {
	r.mu.Lock()
	l := r.link
	if l != nil && l.leader == leader {
		select {
		case <-l.broken:
		default:
			l = nil
		}
	}
	if l != nil {
		r.link = nil
	}
	r.mu.Unlock()
	if l != nil {
		l.stop()
	}
}

// changed is told who leads now, so that nobody waits for the answer of
// somebody who doesn't.
func (r *route) changed(leader string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.link != nil && r.link.leader != leader {
		r.link.close()
	}
}

func (r *route) send(o origin, k kind, body []byte) pending {
	r.mu.Lock()
	l := r.link
	r.mu.Unlock()
	if l != nil {
		return l.send(o, k, body)
	}
	r.resume()
	if k == 0 {
		return barrier{r.raft.Barrier(0), r.raft}
	}
	return r.raft.Apply(r.stamp(o, k, body), 0)
}

// outcome is what became of a numbered entry. heard is what Raft said of it on
// a leader: of an entry that had been sent before it only says so.
func (r *route) outcome(seq uint64, heard applied) applied {
	if r.alone() {
		return heard
	}
	if a, ok := r.own.take(seq); ok {
		return a
	}
	if heard.fate == fateDuplicate || r.written(seq) {
		return applied{fate: fateUnseen}
	}
	return heard
}

// flush sends what was gathered.
func (r *route) flush() {
	r.mu.Lock()
	l := r.link
	r.mu.Unlock()
	if l != nil {
		l.flush()
	}
}

// close ends the connection to the leader.
func (r *route) close() {
	r.mu.Lock()
	l := r.link
	r.link = nil
	r.mu.Unlock()
	if l != nil {
		l.stop()
	}
}

// barrier is Raft's, as an event on its way.
type barrier struct {
	raft.Future

	raft *raft.Raft
}

// Index is how far the log was applied.
func (b barrier) Index() uint64 { return b.raft.AppliedIndex() }

// Response is that of an entry without one.
func (b barrier) Response() any { return applied{} }
