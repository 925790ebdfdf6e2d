package cluster

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/raft"
)

// roster is who belongs to the cluster, and where each one is. Raft's
// configuration says who; before there is one, the settings do.
type roster struct {
	me    string
	fixed map[string]string // addresses of the settings: they are the operator's word

	mu    sync.Mutex        // guards what follows
	told  map[string]string // addresses that others have said
	votes map[string]bool   // the members, and whether each of them votes
}

func newRoster(me string, m *Members) *roster {
	r := &roster{me: me, fixed: m.Nodes, told: maps.Clone(m.Joined), votes: map[string]bool{}}
	if r.told == nil {
		r.told = map[string]string{}
	}
	for name := range m.Nodes {
		r.votes[name] = true
	}
	for name := range m.Joined {
		r.votes[name] = true
	}
	if m.Joined != nil {
		r.votes[me] = false // until the log says so
	}
	return r
}

// serverAddress is a member's address in Raft's configuration: its name alone, if it was
// there from the beginning and all settings name it, or with where it is.
func serverAddress(name, address string) raft.ServerAddress {
	if address == "" {
		return raft.ServerAddress(name)
	}
	return raft.ServerAddress(name + "=" + address)
}

// learn takes the address out of one, and returns whose it is.
func (r *roster) learn(at raft.ServerAddress) string {
	name, address, told := strings.Cut(string(at), "=")
	if told {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.told[name] = address
	}
	return name
}

// note takes over Raft's configuration, and reports whether anything is new.
func (r *roster) note(c raft.Configuration) bool {
	if len(c.Servers) == 0 {
		return false
	}
	votes := make(map[string]bool, len(c.Servers))
	for _, s := range c.Servers {
		votes[r.learn(s.Address)] = s.Suffrage == raft.Voter
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if maps.Equal(votes, r.votes) {
		return false
	}
	r.votes = votes
	return true
}

// names are the members', sorted.
func (r *roster) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.votes))
}

// others are the members beside this one, and whether each votes.
func (r *roster) others() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := maps.Clone(r.votes)
	delete(out, r.me)
	return out
}

// has reports whether a node is a member.
func (r *roster) has(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.votes[name]
	return ok
}

// seated reports whether this node votes.
func (r *roster) seated() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.votes[r.me]
}

// address is where a node takes what others send; "" if nobody has said it.
func (r *roster) address(name string) string {
	if at := r.fixed[name]; at != "" {
		return at
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.told[name]
}
