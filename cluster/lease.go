package cluster

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lease is for how long a node that asked may act after what it was told.
	lease = 600 * time.Millisecond
	// silence is how long a leader must not have heard of a node before it says
	// that it is down: longer than the lease, by the age of what was granted.
	silence = lease + 150*time.Millisecond
	// current is how old an answer may be that is the ground for something new.
	current = 100 * time.Millisecond
	// vow is how long a member that said whom it follows vouches for nobody else.
	vow = 400 * time.Millisecond
)

// stand is what a member is to the one who asks.
type stand string

const (
	standUnknown stand = ""
	standLeads   stand = "leads"  // it leads, and takes the one who asks for alive
	standYours   stand = "yours"  // it follows the one who asks
	standNobody  stand = "nobody" // it follows nobody
	standOther   stand = "other"  // it follows somebody else
	standFenced  stand = "fenced" // the one who asks was taken for dead: others have its calls
	standGone    stand = "gone"   // it refuses connections: its process is gone
)

// alibi reports whether a member in this stand helps nobody to say that we are
// down.
func (s stand) alibi() bool { return s == standYours || s == standNobody || s == standGone }

// peer is what a node knows of another member.
type peer struct {
	heard time.Duration // when it last asked us
	asked time.Duration // when the question was put that it has answered last
	stand stand         // what it answered
	index uint64        // the end of its log then …
	past  uint64        // … and how much of it it had applied
	votes bool          // it counts when majorities are counted

	counts  bool     // the answer says something of our right to act
	vouched []string // those for whom it may have been an alibi, until a lease ago
}

// gone reports whether a member's process is known to be gone now: another one
// of its name would have asked since.
func (p *peer) gone(now time.Duration) bool {
	return p.stand == standGone && now-p.asked < lease && p.heard <= p.asked
}

// lessee is a node's right to act for its calls: to send anything to anybody. It
// is gained from what the others say, again and again, and it runs out by
// itself, so that a node that stood still or was cut off says nothing when it
// wakes up.
//
// Only a leader that hasn't heard of us for a while has us declared down, and
// only with more than half of the members. So we may act for a moment after we
// asked if the leader said yes, or if so many of the others lead nobody against
// us that the rest are no majority: because they follow us or nobody, or because
// their processes are gone. A member tells its leader for whom it has lately been
// such an alibi, and vouches for nobody right after it has said whom it follows;
// the leader needs that from a majority without us before it declares us down.
// Who has stored that we are down says nothing for us any more, whether or not it
// counts in the end; if it is we who have, we are silent. And who is gone says
// only that he helps nobody now, not that he hasn't while we were silent.
// No clock is compared with another, and Raft's own lease isn't needed: what is
// said counts from the question, so it may be late as it likes.
type lessee struct {
	now     func() time.Duration
	accused *atomic.Bool // this node's log says that it is down; nil: alone

	alone atomic.Bool  // there is nobody else
	until atomic.Int64 // of now, in ns
	lost  atomic.Bool  // for good: others have what this node had
	voter atomic.Bool  // who has no vote yet, or no more, has no calls either

	mu    sync.Mutex // guards what follows
	peers map[string]*peer
}

func newLessee(now func() time.Duration, others []string, accused *atomic.Bool) *lessee {
	l := &lessee{now: now, accused: accused, peers: map[string]*peer{}}
	votes := map[string]bool{}
	for _, name := range others {
		votes[name] = true
	}
	l.seat(true, votes)
	return l
}

// seat takes note of who the others are from now on, and who has a vote.
func (l *lessee) seat(voter bool, others map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	alone := voter
	for name, votes := range others {
		if l.peers[name] == nil {
			l.peers[name] = &peer{heard: l.now()}
		}
		l.peers[name].votes = votes
		alone = alone && !votes
	}
	for name := range l.peers {
		if _, there := others[name]; !there {
			delete(l.peers, name)
		}
	}
	l.voter.Store(voter)
	l.alone.Store(alone)
}

// voters is how many vote, this node among them. The lock is held.
func (l *lessee) voters() int {
	n := 1
	for _, p := range l.peers {
		if p.votes {
			n++
		}
	}
	return n
}

// good reports whether this node may act now.
func (l *lessee) good() bool {
	if l.alone.Load() {
		return true
	}
	return int64(l.now()) < l.until.Load() && !l.lost.Load() && l.voter.Load() && !l.accused.Load()
}

// heard notes that a member has asked: it is alive.
func (l *lessee) heard(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.peers[name]; p != nil {
		p.heard = l.now()
	}
}

// answered notes what a member said to a question put at a time.
func (l *lessee) answered(name string, asked time.Duration, a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.peers[name]
	if p == nil {
		return
	}
	if a.Stand == standFenced {
		l.lost.Store(true)
	}
	p.asked, p.stand, p.vouched, p.counts = asked, a.Stand, a.Vouched, a.Stand != standGone || l.good()
	if a.Stand != standGone {
		p.index, p.past = a.Index, a.Applied
	}
	until := int64(l.right() + lease)
	for old := l.until.Load(); old < until; old = l.until.Load() {
		if l.until.CompareAndSwap(old, until) {
			return
		}
	}
}

// right is the last moment at which nobody could have us declared down. The
// lock is held.
func (l *lessee) right() time.Duration {
	best := -lease // a process begins without a right
	var alibis []time.Duration
	for _, p := range l.peers {
		switch {
		case p.stand == standLeads:
			best = max(best, p.asked)
		case p.stand.alibi() && p.counts && p.votes:
			alibis = append(alibis, p.asked)
		}
	}
	need := needed(l.voters())
	switch {
	case need == 0:
		return l.now()
	case len(alibis) < need:
		return best
	}
	slices.Sort(alibis)
	return max(best, alibis[len(alibis)-need])
}

// needed is how many alibis one of so many voters needs: with them the rest are
// no majority, also if one voter has come or gone of whom it doesn't know yet.
func needed(voters int) int { return voters / 2 }

// sure reports whether this node's right is so new that it can give some of it
// away.
func (l *lessee) sure() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.lost.Load() && l.now()-l.right() < current
}

// deserted reports whether so many follow this node, and are no alibi for a
// member, that it can be declared down.
func (l *lessee) deserted(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	following := 1
	for other, p := range l.peers {
		if other != name && p.votes && p.stand == standYours && l.now()-p.asked < current &&
			!slices.Contains(p.vouched, name) {
			following++
		}
	}
	return following > l.voters()/2
}

// known returns what is known of each of the others.
func (l *lessee) known() map[string]peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[string]peer, len(l.peers))
	for name, p := range l.peers {
		out[name] = *p
	}
	return out
}
