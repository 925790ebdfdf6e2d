package cluster

import "cmp"

// candidate is somebody who can follow a leader whose process is gone.
type candidate struct {
	name  string
	index uint64 // the end of its log
}

// before orders candidates: whose log goes furthest is elected, and nobody else
// need try.
func (c candidate) before(o candidate) bool {
	return cmp.Or(cmp.Compare(c.index, o.index), cmp.Compare(c.name, o.name)) > 0
}

// succeed makes one of the others stand for election if the leader's process is
// gone: there is nothing to wait for. All survivors come to the same result; the
// second asks the first.
func (p *pulses) succeed() {
	_, id := p.raft.LeaderWithID()
	known := p.lessee.known()
	leader, ok := known[string(id)]
	if !ok || !leader.gone(p.lessee.now()) {
		return
	}
	var first, second candidate
	alive, others := 0, 0
	rank := func(c candidate) {
		alive++
		switch {
		case c.before(first):
			first, second = c, first
		case c.before(second):
			second = c
		}
	}
	rank(candidate{p.node, p.raft.LastIndex()})
	for name, m := range known {
		if m.votes {
			others++
		}
		if m.stand == standGone || m.stand == standUnknown || !m.votes {
			continue
		}
		if m.asked < leader.asked {
			return // it was asked before the leader was gone: wait for its next answer
		}
		rank(candidate{name, m.index})
	}
	term := p.raft.CurrentTerm()
	if second.name != p.node || alive <= others/2 || p.urged.Swap(term) == term {
		return
	}
	p.log.Warn("leader is gone, another is elected at once", "leader", string(id), "candidate", first.name)
	go p.urge(first.name)
}

// replace makes the follower stand for election whose log goes furthest. What it
// hasn't got yet is sent again by whoever wants it written.
func (p *pulses) replace() {
	var first candidate
	now := p.lessee.now()
	for name, m := range p.lessee.known() {
		if c := (candidate{name, m.index}); m.stand == standYours && now-m.asked < current && c.before(first) {
			first = c
		}
	}
	if first.name != "" {
		go p.urge(first.name)
	}
}

// urge makes a member stand for election.
func (n *Node) urge(node string) {
	if c, ok := n.carrier.(*carrier); ok {
		if err := c.urge(node); err != nil {
			n.log.Warn("node could not be made to stand for election", "node", node, "err", err)
		}
	}
}
