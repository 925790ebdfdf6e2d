package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"tierline/acd"
)

// forMembers is a connection with one request to let a node in, or to strike
// one off.
const forMembers purpose = "members"

// ErrMembers says that the members of the cluster stay as they are.
var ErrMembers = errors.New("the members stay as they are")

const (
	// stewardTurn is how often the leader looks whether somebody can be given a vote.
	stewardTurn = 250 * time.Millisecond
	// nearby is how many entries a node may lack and still get its vote.
	nearby = 256
	// changeLimit is for how long a change waits for members that aren't well.
	changeLimit = 5 * time.Second
)

// change is a request about the membership, and ruling its answer.
type (
	change struct {
		Node    string `json:"node"`
		Address string `json:"address,omitempty"` // where it is; empty: it is struck off
		Passed  bool   `json:"passed,omitempty"`  // by another member: to nobody else
	}
	ruling struct {
		Members map[string]string `json:"members,omitempty"` // addresses
		Refused string            `json:"refused,omitempty"`
	}
)

// steward changes who belongs to the cluster. Only the leader's acts: it lets
// nodes in, gives them a vote once they have the log, and strikes off who is
// down. One change at a time, and only while each of the others has the one
// before: that is what a node's right to act (see lessee) relies on.
type steward struct {
	node  *Node
	limit time.Duration // for an entry to be committed

	turn  chan struct{} // capacity 1: one change at a time; it guards what follows
	term  uint64        // in which this node has led last
	floor uint64        // who has applied this entry knows of the last change
}

func newSteward(n *Node, limit time.Duration) *steward {
	return &steward{node: n, limit: limit, turn: make(chan struct{}, 1)}
}

func (s *steward) done() { <-s.turn }

func (s *steward) raft() *raft.Raft { return s.node.raft }

// run gives votes until ctx ends.
func (s *steward) run(ctx context.Context) {
	t := time.NewTicker(stewardTurn)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if s.raft().State() == raft.Leader {
			s.promote()
		}
	}
}

// promote gives a vote to a learner that has the log.
func (s *steward) promote() {
	select {
	case s.turn <- struct{}{}:
		defer s.done()
	default:
		return
	}
	s.lead()
	for _, m := range s.raft().GetConfiguration().Configuration().Servers {
		name := string(m.ID)
		if m.Suffrage == raft.Voter || s.unfit(name, max(s.raft().AppliedIndex(), nearby)-nearby) != nil ||
			s.others(name) != nil {
			continue
		}
		err := s.raft().AddVoter(m.ID, m.Address, 0, s.limit).Error()
		s.floor = s.raft().LastIndex()
		if err != nil {
			s.node.log.Warn("node has the log and could not be given a vote", "node", name, "err", err)
			return
		}
		s.node.log.Info("node has the log and votes from now on", "node", name)
		return
	}
}

// lead notes from where on this node leads: the changes before are further up
// in the log. It is our turn.
func (s *steward) lead() {
	if term := s.raft().CurrentTerm(); term != s.term {
		s.term, s.floor = term, s.raft().LastIndex()
	}
}

// unfit says why a member can't be relied on now: it doesn't follow this node,
// or its log is too short.
func (s *steward) unfit(name string, index uint64) error {
	p, known := s.node.lessee.known()[name]
	switch {
	case !known || p.stand != standYours || s.node.lessee.now()-p.asked > current:
		return fmt.Errorf("node %s isn't heard, or follows somebody else", name)
	case p.past < index:
		return fmt.Errorf("node %s has the log up to entry %d only, wanted %d", name, p.past, index)
	}
	return nil
}

// others says which of the others, beside the one concerned, keeps the
// membership from being changed. Who is down may not act anyhow. It is our turn.
func (s *steward) others(concerned string) error {
	for name, votes := range s.node.wires.roster.others() {
		if name == concerned || !votes || s.down(name) {
			continue
		}
		if err := s.unfit(name, s.floor); err != nil {
			return err
		}
	}
	return nil
}

// down reports whether the log says that a node is down.
func (s *steward) down(name string) (down bool) {
	s.node.fsm.read(func(st *acd.State) {
		down = slices.ContainsFunc(st.Members(), func(m acd.MemberView) bool { return m.Node == name && m.Down })
	})
	return down
}

// serve answers a request. A node that is no member speaks for itself alone.
func (s *steward) serve(ctx context.Context, peer string, c net.Conn) {
	if c.SetDeadline(time.Now().Add(3*changeLimit)) != nil {
		return
	}
	var what change
	if readJSON(c, &what) != nil {
		return // it asks again
	}
	var v ruling
	var err error
	if peer != what.Node && !s.node.wires.roster.has(peer) {
		err = fmt.Errorf("node %s is no member and speaks for %s", peer, what.Node)
	} else {
		v, err = s.decide(ctx, what)
	}
	if err != nil {
		s.node.log.Warn("membership not changed", "node", what.Node, "asked_by", peer, "err", err)
		v = ruling{Refused: err.Error()}
	}
	if err := writeJSON(c, v); err != nil {
		s.node.log.Warn("answer on the membership not told", "node", peer, "err", err)
	}
}

// decide carries a change out, or lets the leader do it.
func (s *steward) decide(ctx context.Context, what change) (ruling, error) {
	if s.raft() == nil {
		return ruling{}, errNoLeader // it has hardly begun
	}
	if s.raft().State() == raft.Leader {
		return s.carryOut(ctx, what)
	}
	_, id := s.raft().LeaderWithID()
	if what.Passed || id == "" {
		return ruling{}, errNoLeader
	}
	what.Passed = true
	return s.node.wires.request(ctx, "", string(id), what)
}

// request asks somebody for a change: a member by its name, or whoever is at an
// address.
func (w *wires) request(ctx context.Context, addr, node string, what change) (v ruling, err error) {
	if addr == "" {
		addr = w.roster.address(node)
	}
	c, err := w.dialAt(ctx, addr, node, forMembers)
	if err != nil {
		return v, err
	}
	defer func() { _ = c.Close() }() // the answer is here
	if err = errors.Join(c.SetDeadline(time.Now().Add(3*changeLimit)), writeJSON(c, what)); err != nil {
		return v, err
	}
	if err = readJSON(c, &v); err == nil && v.Refused != "" {
		err = fmt.Errorf("%w: %s", errRefused, v.Refused)
	}
	return v, err
}

// carryOut is the leader's part.
func (s *steward) carryOut(ctx context.Context, what change) (ruling, error) {
	select {
	case s.turn <- struct{}{}:
		defer s.done()
	case <-ctx.Done():
		return ruling{}, ctx.Err()
	}
	s.lead()
	if err := s.settled(ctx, what.Node); err != nil {
		return ruling{}, fmt.Errorf("the membership can't be changed now: %w", err)
	}
	do := s.admit
	if what.Address == "" {
		do = s.strike
	}
	err := do(what, s.raft().GetConfiguration().Configuration())
	s.floor = s.raft().LastIndex()
	if err != nil {
		return ruling{}, err
	}
	s.node.wires.roster.note(s.raft().GetConfiguration().Configuration())
	nudge(s.node.pulses.others)
	v := ruling{Members: map[string]string{}}
	for _, name := range s.node.wires.roster.names() {
		v.Members[name] = s.node.wires.roster.address(name)
	}
	return v, nil
}

// settled waits until the others are well, for a while.
func (s *steward) settled(ctx context.Context, concerned string) error {
	ctx, cancel := context.WithTimeout(ctx, changeLimit)
	defer cancel()
	for {
		err := s.others(concerned)
		if err == nil || pause(ctx, retryPause) != nil {
			return err
		}
	}
}

// admit lets a node in as a learner.
func (s *steward) admit(what change, now raft.Configuration) error {
	for _, m := range now.Servers {
		if m.ID == raft.ServerID(what.Node) && m.Suffrage == raft.Voter {
			return fmt.Errorf("node %s is a member; if it has lost its disk, `tierline node remove %[1]s` comes first",
				what.Node)
		}
	}
	for _, name := range s.node.wires.roster.names() {
		if name != what.Node && s.node.wires.roster.address(name) == what.Address {
			return fmt.Errorf("%s is the address of node %s", what.Address, name)
		}
	}
	at := serverAddress(what.Node, what.Address)
	if err := s.raft().AddNonvoter(raft.ServerID(what.Node), at, 0, s.limit).Error(); err != nil {
		return fmt.Errorf("let node %s in: %w", what.Node, err)
	}
	s.node.log.Info("node is let in, it gets a vote when it has the log", "node", what.Node, "address", what.Address)
	return nil
}

// strike removes a node whose process has ended: one that runs may hold calls.
func (s *steward) strike(what change, now raft.Configuration) error {
	i := slices.IndexFunc(now.Servers, func(m raft.Server) bool { return m.ID == raft.ServerID(what.Node) })
	if i < 0 {
		return fmt.Errorf("node %s is no member", what.Node)
	}
	if now.Servers[i].Suffrage == raft.Voter && !s.ended(what.Node) {
		return fmt.Errorf("node %s runs, or has just ended: `tierline drain %[1]s`, stop it, and ask again", what.Node)
	}
	if err := s.raft().RemoveServer(now.Servers[i].ID, 0, s.limit).Error(); err != nil {
		return fmt.Errorf("strike node %s off: %w", what.Node, err)
	}
	s.node.log.Info("node was struck off, it is no member any more", "node", what.Node)
	return nil
}

// ended reports whether a member's process is gone, or others have its calls.
func (s *steward) ended(name string) bool {
	p := s.node.lessee.known()[name]
	return s.down(name) || p.gone(s.node.lessee.now()) && !s.ready(name)
}

// ready reports whether a node has ever said that it serves.
func (s *steward) ready(name string) (ready bool) {
	s.node.fsm.read(func(st *acd.State) {
		ready = slices.ContainsFunc(st.Members(), func(m acd.MemberView) bool { return m.Node == name })
	})
	return ready
}

// Remove strikes a node whose process has ended off the list of members.
func (n *Node) Remove(ctx context.Context, node string) error {
	if n.steward == nil {
		return errAlone
	}
	if _, err := n.steward.decide(ctx, change{Node: node}); err != nil {
		return fmt.Errorf("%w: %w", ErrMembers, err)
	}
	return nil
}

// Join has the members of a cluster let a node in, asked at the address of any
// of them, and makes the node's data directory, which must be empty. The node is
// started after that.
func Join(ctx context.Context, c Config, at string) (map[string]string, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	d, err := openDirectory(c.Dir, c.Node, c.Members.name(), c.LogStore)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.close() }() // a lock
	if d.id.Begun {
		return nil, fmt.Errorf("%s: a node has begun there: it is a member, or was one", d.path)
	}
	over := c.Network
	if over == nil {
		over = tcp{}
	}
	w := mute(c.Node, c.Members, over, changeLimit, c.Logger)
	defer func() { _ = w.Close() }() // nobody comes to them
	v, err := w.request(ctx, at, "", change{Node: c.Node, Address: c.Members.Nodes[c.Node]})
	if err != nil {
		return nil, fmt.Errorf("ask the cluster at %s: %w", at, err)
	}
	d.id.Joined = v.Members
	delete(d.id.Joined, c.Node)
	return v.Members, d.writeIdentity()
}
