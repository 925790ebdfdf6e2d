package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tierline/.ci/bed"
)

// What a node is.
const (
	leader   = "leader"
	follower = "follower"
)

// call is what the API says of one.
type call struct {
	ID    string `json:"id"`
	Phase string `json:"phase"`
	Node  string `json:"node"`
	Agent string `json:"agent"`
	Queue string `json:"queue"`
	Flow  string `json:"flow"`
	Key   int64  `json:"key"`
	From  string `json:"from"`
}

// calls are those that there are, as a node sees them.
func (c *centre) calls(ctx context.Context, n *bed.Node) ([]call, error) {
	var found struct {
		Calls []call `json:"calls"`
	}
	err := n.Get(ctx, "/api/v1/calls", &found)
	for _, f := range found.Calls {
		c.seen[f.ID] = true
	}
	return found.Calls, err
}

// state is what a node says of the cluster: who is what, and what is wrong.
type state struct {
	Nodes []struct {
		Name    string `json:"name"`
		State   string `json:"state"`
		Trouble string `json:"trouble"`
		Lag     uint64 `json:"lag"`
	} `json:"nodes"`
}

func (s *state) leader() string {
	for _, n := range s.Nodes {
		if n.State == leader {
			return n.Name
		}
	}
	return ""
}

// well returns once all nodes are there, agree on a leader, and take calls.
func (c *centre) well(ctx context.Context) error {
	return bed.Eventually(20*time.Second, func() error {
		for _, n := range c.nodes {
			var s state
			if err := n.Get(ctx, "/api/v1/nodes", &s); err != nil {
				return err
			}
			for _, o := range s.Nodes {
				if o.Trouble != "" || o.State != leader && o.State != follower {
					return fmt.Errorf("%s says that %s is %s: %s", n.Name, o.Name, o.State, o.Trouble)
				}
			}
			if len(s.Nodes) != len(c.nodes) || s.leader() == "" {
				return fmt.Errorf("%s sees %d nodes and the leader %q", n.Name, len(s.Nodes), s.leader())
			}
		}
		return nil
	})
}

// node picks one by what it is.
func (c *centre) node(ctx context.Context, role string) (*bed.Node, error) {
	if err := c.well(ctx); err != nil {
		return nil, err
	}
	var s state
	if err := c.nodes[0].Get(ctx, "/api/v1/nodes", &s); err != nil {
		return nil, err
	}
	for _, n := range c.nodes {
		if (n.Name == s.leader()) == (role == leader) {
			return n, nil
		}
	}
	return nil, fmt.Errorf("no %s among %+v", role, s.Nodes)
}

// others are all nodes but one.
func (c *centre) others(n *bed.Node) (out []*bed.Node) {
	for _, o := range c.nodes {
		if o != n {
			out = append(out, o)
		}
	}
	return out
}

// wants are the calls of each kind that there have to be.
func (c *centre) wants() map[string]int {
	return map[string]int{
		"talking": c.crowd.talking, "waiting": c.crowd.waiting, "menu": c.crowd.menus, "offered": c.crowd.ringing,
	}
}

// again is how long a call may take until it is where it should be; then the
// missing ones are made once more: a node that has just come back may refuse.
const again = 4 * time.Second

// fill makes as many calls talk, wait, ring and listen to a menu as the run
// wants, and returns when they do.
func (c *centre) fill(ctx context.Context) error {
	if err := c.well(ctx); err != nil {
		return err
	}
	var dialled time.Time
	leaving := false
	return bed.Eventually(30*time.Second, func() error {
		all, err := c.calls(ctx, c.nodes[0])
		if err != nil {
			return err
		}
		if leaving = leaving && len(all) > 0; leaving {
			return fmt.Errorf("%d callers hung up and are still there", len(all))
		}
		if err = c.enough(all); err == nil && !c.lopsided(all) {
			return nil
		}
		if time.Since(dialled) < again {
			return cmp.Or(err, errors.New("a node has too few calls"))
		}
		if len(all) > 0 && c.lopsided(all) || tooMany(all, c.wants()) {
			leaving = true
			c.send() //nolint:contextcheck // as long as the centre
			return errors.New("callers are sent away, for new ones everywhere")
		}
		dialled = time.Now()
		return errors.Join(c.dial(all), err, errors.New("calls were made")) //nolint:contextcheck // as long as the centre
	})
}

// dial makes the calls that are missing.
func (c *centre) dial(all []call) error {
	have := phases(all)
	numbers := slices.Concat(
		slices.Repeat([]string{"1000"}, max(0, c.crowd.talking+c.crowd.waiting-have["talking"]-have["waiting"])),
		slices.Repeat([]string{"2000"}, max(0, c.crowd.menus-have["menu"])),
		slices.Repeat([]string{"3000"}, max(0, c.crowd.ringing-have["offered"])))
	for i, number := range numbers {
		if _, err := c.peers.call(c.nodes[i%len(c.nodes)].Address(), number); err != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// phases counts calls by what they do.
func phases(all []call) map[string]int {
	have := map[string]int{}
	for _, a := range all {
		have[a.Phase]++
	}
	return have
}

// tooMany tells whether there are more calls than there should be.
func tooMany(all []call, wants map[string]int) bool {
	want := 0
	for _, n := range wants {
		want += n
	}
	return len(all) > want
}

// lopsided tells whether a node has so few calls that it is no loss.
func (c *centre) lopsided(all []call) bool {
	of := map[string]int{}
	for _, a := range all {
		of[a.Node]++
	}
	for _, n := range c.nodes {
		if of[n.Name] < len(all)/6 {
			return true
		}
	}
	return false
}

// send lets all callers hang up.
func (c *centre) send() {
	c.peers.mu.Lock()
	all := slices.Clone(c.peers.legs)
	c.peers.mu.Unlock()
	for _, l := range all {
		if l.agent == "" {
			c.peers.hangup(l)
		}
	}
}

// enough compares the calls with those wanted.
func (c *centre) enough(all []call) error {
	have := phases(all)
	for phase, want := range c.wants() {
		if have[phase] != want {
			return fmt.Errorf("of %d calls %v, want %v", len(all), have, c.wants())
		}
	}
	return nil
}

// compare looks for calls that were lost, doubled, moved in their queue, or
// changed hands. Those in gone were hung up meanwhile; who waited first comes
// first to an agent who is free by that.
func (c *centre) compare(before, after []call, victim string, gone map[string]bool) {
	now, times := map[string]call{}, map[string]int{}
	for _, a := range after {
		now[a.ID] = a
		times[a.From]++
	}
	var served, waits []int64 // keys
	for _, was := range before {
		is, there := now[was.ID]
		if gone[was.From] {
			continue
		}
		c.same(was, is, victim)
		switch {
		case times[was.From] > 1:
			c.fault("there are %d calls of %s", times[was.From], was.From)
		case !there || was.Phase != "waiting":
		case is.Phase == "waiting":
			waits = append(waits, is.Key)
		default:
			served = append(served, was.Key)
		}
	}
	if len(served) > 0 && len(waits) > 0 && slices.Max(served) > slices.Min(waits) {
		c.fault("a call of key %d was served before one of %d", slices.Max(served), slices.Min(waits))
	}
}

// same compares a call with what it was.
func (c *centre) same(was, is call, victim string) {
	served := was.Phase == "waiting" && is.Phase == "talking"
	again := was.Phase == "offered" // phones that ring are stopped, and the call is offered again
	switch {
	case is.ID == "":
		c.fault("call %s of %s, which was %s, is lost", was.ID, was.Node, was.Phase)
	case !served && !again && (is.Phase != was.Phase || is.Agent != was.Agent || is.Key != was.Key):
		c.fault("call %s was %+v, is %+v", was.ID, was, is)
	case is.Node == victim:
		c.fault("call %s is still that of %s", was.ID, victim)
	}
}

// disperse lets everybody hang up: each call that there was has exactly one
// record, on every node.
func (c *centre) disperse(ctx context.Context) error {
	if err := c.well(ctx); err != nil {
		return err
	}
	if _, err := c.calls(ctx, c.nodes[0]); err != nil {
		return err
	}
	c.send() //nolint:contextcheck // as long as the centre
	return bed.Eventually(20*time.Second, func() (err error) {
		for _, n := range c.nodes {
			err = errors.Join(err, c.records(ctx, n))
		}
		return err
	})
}

// records checks that a node has one of each call.
func (c *centre) records(ctx context.Context, n *bed.Node) error {
	times, page := map[string]int{}, ""
	for {
		var found struct {
			CDRs []struct {
				Call string `json:"call"`
			} `json:"cdrs"`
			Next string `json:"next"`
		}
		if err := n.Get(ctx, "/api/v1/cdrs?limit=1000&page="+page, &found); err != nil {
			return err
		}
		for _, r := range found.CDRs {
			times[r.Call]++
		}
		if page = found.Next; page == "" {
			break
		}
	}
	for id := range c.seen {
		if times[id] != 1 {
			return fmt.Errorf("%s has %d records of call %s", n.Name, times[id], id)
		}
	}
	for id, n := range times {
		if n > 1 {
			return fmt.Errorf("there are %d records of call %s", n, id)
		}
	}
	return nil
}
