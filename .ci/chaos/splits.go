package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// nowhere is a machine that there isn't: what is sent to it is lost, and nobody
// is told.
const nowhere = "02:00:00:00:00:ff"

// onCables opens a centre whose nodes have a network each, with a cable to one
// switch. There they have two addresses: at one they talk to each other, at the
// other to everybody else.
func onCables(ctx context.Context, c *chaos, name string) (*centre, error) {
	at := c.centre(name, byReinvite)
	at.phones = "10.46.0.1"
	if err := os.MkdirAll(at.dir, 0o700); err != nil {
		return at, fmt.Errorf("make work directory: %w", err)
	}
	var script strings.Builder
	script.WriteString("ip link add br0 type bridge\nip addr add 10.46.0.1/24 dev br0\nip link set br0 up\n")
	for i := range at.wires {
		at.wires[i] = fmt.Sprintf("10.46.0.%d", 11+i)
		n := &bed.Node{
			IP: fmt.Sprintf("10.46.0.%d", 21+i), Wrap: []string{"ip", "netns", "exec", fmt.Sprintf("n%d", i+1)},
		}
		at.nodes = append(at.nodes, n)
		fmt.Fprintf(&script, `
			ip netns add n%[1]d
			ip link add v%[1]d type veth peer name eth0 netns n%[1]d
			ip link set v%[1]d master br0 up
			ip -n n%[1]d link set lo up
			ip -n n%[1]d link set eth0 up
			ip -n n%[1]d addr add %[2]s/24 dev eth0
			ip -n n%[1]d addr add %[3]s/24 dev eth0
			`, i+1, at.wires[i], n.IP)
	}
	if err := tools(ctx, script.String()); err != nil {
		return at, err
	}
	users := filepath.Join(at.dir, "users.yaml")
	token, err := said(ctx, at.binary, "users", "add", "chaos", "--role", "engineer", "--file", users)
	if err != nil {
		return at, err
	}
	for _, n := range at.nodes {
		n.Users, n.Token = users, token
	}
	return at, at.open(ctx)
}

// cut loses all that a node says to another one; heal ends that.
func (c *centre) cut(ctx context.Context, from, to int) error {
	return tool(ctx, "ip", "-n", c.nodes[from].Name, "neigh", "replace", c.wires[to],
		"lladdr", nowhere, "dev", "eth0", "nud", "permanent")
}

func (c *centre) heal(ctx context.Context, from, to int) error {
	return tool(ctx, "ip", "-n", c.nodes[from].Name, "neigh", "del", c.wires[to], "dev", "eth0")
}

// way is which direction of the cables to a node is cut.
type way int

const (
	bothWays way = iota
	dumb         // nobody hears it
	deaf         // it hears nobody
)

// each does something to all directions of the victim that the way names.
func (w *watch) each(ctx context.Context, dir way, do func(ctx context.Context, from, to int) error) error {
	i := slices.Index(w.c.nodes, w.victim)
	var err error
	for j := range w.c.nodes {
		if j != i && dir != deaf {
			err = errors.Join(err, do(ctx, i, j))
		}
		if j != i && dir != dumb {
			err = errors.Join(err, do(ctx, j, i))
		}
	}
	return err
}

// splits are what is done to the cables between nodes. Callers and agents
// reach all of them all the time.
func (c *chaos) splits() []trial {
	back := limits{more: map[string]time.Duration{joined: 5 * time.Second}}
	out := []trial{
		{name: "leader cut off", limits: back, do: split(leader, bothWays)},
		{name: "follower cut off", limits: back, do: split(follower, bothWays)},
		{name: "leader isn't heard", limits: back, do: split(leader, dumb)},
		{name: "follower hears nobody", limits: back, do: split(follower, deaf)},
	}
	if !c.short {
		out = append(out,
			trial{name: "leader hears nobody", limits: back, do: split(leader, deaf)},
			trial{name: "follower isn't heard", limits: back, do: split(follower, dumb)},
			trial{name: "all lose each other", limits: back, do: severed},
			trial{name: "leader's cables flap each half second", limits: back, do: flapped(leader, 30*time.Second)})
	}
	return out
}

// split cuts a node off, for as long as calls need to settle elsewhere.
func split(role string, dir way) func(context.Context, *centre, *figures) error {
	return func(ctx context.Context, c *centre, f *figures) error {
		w, err := c.strike(ctx, role)
		if err != nil {
			return err
		}
		victim := w.victim
		if err = w.each(ctx, dir, c.cut); err != nil {
			return err
		}
		w.newcomers(ctx, c.others(victim), settle, f)
		w.measure(f)
		if err = w.moved(ctx); err != nil {
			return err
		}
		if n := w.admitted(ctx); n > 0 {
			c.fault("%s, which was cut off, let %d calls into a queue", victim.Name, n)
		}
		c.peers.forget() // what comes now is judged apart
		w.at = time.Now()
		if err = w.each(ctx, dir, c.heal); err != nil {
			return err
		}
		return w.recovered(ctx, f)
	}
}

// admitted calls the victim and says how many of the calls it answered.
func (w *watch) admitted(ctx context.Context) (n int) {
	for _, l := range w.dial(ctx, []*bed.Node{w.victim}, time.Second) {
		if l.up.Load() {
			n++
		}
		w.c.peers.hangup(l) //nolint:contextcheck // the call lives longer
	}
	return n
}

// severed cuts all cables. Nobody can know that nobody has a majority: there is
// silence for as long as others might go on with the calls, and no longer.
func severed(ctx context.Context, c *centre, f *figures) error {
	w, err := c.strike(ctx, leader)
	if err != nil {
		return err
	}
	all := func(do func(ctx context.Context, from, to int) error) (err error) {
		for _, w.victim = range c.nodes {
			err = errors.Join(err, w.each(ctx, dumb, do))
		}
		return err
	}
	if err = all(c.cut); err != nil {
		return err
	}
	w.newcomers(ctx, c.nodes, 2*settle, f)
	w.measure(f)
	c.peers.forget() // what comes now is judged apart
	w.at = time.Now()
	if err = all(c.heal); err != nil {
		return err
	}
	return w.recovered(ctx, f)
}

// flapped cuts a node off and heals that, again and again.
func flapped(role string, d time.Duration) func(context.Context, *centre, *figures) error {
	return func(ctx context.Context, c *centre, f *figures) error {
		w, err := c.strike(ctx, role)
		if err != nil {
			return err
		}
		victim := w.victim
		done := make(chan error, 1)
		go func() { done <- w.flap(ctx, d) }()
		w.newcomers(ctx, c.others(victim), d, f)
		if err := <-done; err != nil {
			return err
		}
		return w.recovered(ctx, f)
	}
}

func (w *watch) flap(ctx context.Context, d time.Duration) error {
	for time.Since(w.at) < d {
		if err := w.each(ctx, bothWays, w.c.cut); err != nil {
			return err
		}
		time.Sleep(time.Second / 2)
		if err := w.each(ctx, bothWays, w.c.heal); err != nil {
			return err
		}
		time.Sleep(time.Second / 2)
	}
	return nil
}
