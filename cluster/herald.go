package cluster

import (
	"context"
	"sync"

	"github.com/hashicorp/raft"
)

// herald tells followers at once how far the log is committed. Raft tells them
// with the next entries, or when its CommitTimeout has passed, and an agent
// whose call another node has would ring that much later. What it sends is what
// Raft itself sends when there is nothing to append, so nobody needs to know of
// it; and it sends nothing while a request of Raft's own, after which there may
// be more, is on its way.
type herald struct {
	raft *raft.Raft // set before run
	send func(raft.ServerID, raft.ServerAddress, *raft.AppendEntriesRequest, *raft.AppendEntriesResponse) error
	wake chan struct{} // capacity 1: more is committed, or a request has ended

	mu        sync.Mutex // guards what follows
	followers map[raft.ServerID]*follower
}

// follower is what a leader knows of one.
type follower struct {
	at    raft.ServerAddress
	under int                       // requests on their way to it
	end   raft.AppendEntriesRequest // an empty one, behind what it has stored; zero: that isn't known
	told  uint64                    // how far it knows the log to be committed
}

func newHerald() *herald {
	return &herald{wake: make(chan struct{}, 1), followers: map[raft.ServerID]*follower{}}
}

// began notes a request. A heartbeat says nothing of the log.
func (h *herald) began(to raft.ServerID, at raft.ServerAddress, req *raft.AppendEntriesRequest) {
	if heartbeat(req) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.followers[to]
	if f == nil {
		f = &follower{}
		h.followers[to] = f
	}
	f.at = at
	f.under++
}

// ended notes what became of it.
func (h *herald) ended(to raft.ServerID, req *raft.AppendEntriesRequest, stored bool) {
	if heartbeat(req) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.followers[to]
	f.under--
	if !stored {
		f.end, f.told = raft.AppendEntriesRequest{}, 0
		return
	}
	end := *req
	end.Entries = nil
	if n := len(req.Entries); n > 0 {
		end.PrevLogEntry, end.PrevLogTerm = req.Entries[n-1].Index, req.Entries[n-1].Term
	}
	if end.Term != f.end.Term {
		f.end, f.told = end, 0
	}
	if end.PrevLogEntry > f.end.PrevLogEntry {
		f.end = end
	}
	f.told = max(f.told, min(req.LeaderCommitIndex, end.PrevLogEntry))
	nudge(h.wake)
}

// heartbeat reports whether a request is one, as Raft's transport tells it.
func heartbeat(req *raft.AppendEntriesRequest) bool {
	return req.PrevLogEntry == 0 && req.PrevLogTerm == 0 && len(req.Entries) == 0 && req.LeaderCommitIndex == 0
}

// word is what is to be told to a follower.
type word struct {
	to  raft.ServerID
	at  raft.ServerAddress
	req raft.AppendEntriesRequest
}

// due returns what is to be told.
func (h *herald) due(term, committed uint64) (words []word) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, f := range h.followers {
		// No further than it is known to have the log: behind that it may have
		// something else.
		known := min(committed, f.end.PrevLogEntry)
		if f.under > 0 || f.end.Term != term || known <= f.told {
			continue
		}
		w := word{to: id, at: f.at, req: f.end}
		f.told, w.req.LeaderCommitIndex = known, known
		words = append(words, w)
	}
	return words
}

// run tells until ctx ends.
func (h *herald) run(ctx context.Context) {
	var telling sync.WaitGroup
	defer telling.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		}
		if h.raft.State() != raft.Leader {
			continue
		}
		for _, w := range h.due(h.raft.CurrentTerm(), h.raft.CommitIndex()) {
			telling.Go(func() {
				var resp raft.AppendEntriesResponse
				_ = h.send(w.to, w.at, &w.req, &resp) // Raft tells it again
			})
		}
	}
}
