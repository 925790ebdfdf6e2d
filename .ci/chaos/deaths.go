package main

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"tierline/.ci/bed"
)

// Figures that only some trials have.
const (
	ghost   = "ghost ringing"
	agents  = "agent usable after"
	service = "service back after"
	home    = "hole when it came back"
	joined  = "joined again after"
	handed  = "led by another after"
)

// aims are the limits of the design for one way of take-over.
type aims struct{ follower, leader limits }

func aim(p50, p99 time.Duration) limits {
	return limits{p50: p50, p99: p99, answer: 500 * time.Millisecond, more: map[string]time.Duration{
		ghost: 2 * time.Second, agents: 5 * time.Second, service: 2 * time.Second,
	}}
}

// deaths are what is done to nodes as processes.
func (c *chaos) deaths(mode string) []trial {
	a := aims{aim(300*time.Millisecond, time.Second), aim(800*time.Millisecond, 1500*time.Millisecond)}
	if mode == byReinvite {
		a = aims{aim(800*time.Millisecond, 2*time.Second), aim(1500*time.Millisecond, 2500*time.Millisecond)}
	}
	out := []trial{
		{name: "kill -9 follower", rounds: c.rounds, limits: a.follower, do: killed(follower)},
		{name: "kill -9 leader", rounds: c.rounds, limits: a.leader, do: killed(leader)},
	}
	back := limits{more: map[string]time.Duration{joined: 5 * time.Second}}
	pause := func(role string, d time.Duration) {
		out = append(out, trial{
			name: fmt.Sprintf("%s stopped for %v", role, d), limits: back, do: paused(role, d),
		})
	}
	pause(leader, 300*time.Millisecond)
	pause(follower, time.Second)
	pause(leader, 5*time.Second)
	if !c.short {
		pause(leader, time.Second)
		pause(follower, 300*time.Millisecond)
		pause(follower, 5*time.Second)
		pause(follower, 30*time.Second)
	}
	short := 300 * time.Millisecond
	out = append(out, trial{name: "restart of one after the other", limits: limits{p50: short, p99: short}, do: rolled})
	if mode == byAddress {
		out = append(out, trial{name: "kill -9 twice, with a machine's clock that is a day ahead between", do: jumped})
	}
	return out
}

// killed kills a node and lets it come back.
func killed(role string) func(context.Context, *centre, *figures) error {
	return func(ctx context.Context, c *centre, f *figures) error {
		w, err := c.strike(ctx, role)
		if err != nil {
			return err
		}
		victim := w.victim
		if err = victim.Kill(); err != nil {
			return err
		}
		var beside sync.WaitGroup
		var usable, served time.Duration
		beside.Go(func() { usable = w.free(ctx, settle) })
		if c.mode == byAddress {
			beside.Go(func() { served = w.service(ctx, settle) })
		}
		w.newcomers(ctx, c.others(victim), settle, f)
		beside.Wait()
		w.measure(f)
		w.ghosts(f)
		if usable > 0 { // somebody talked there
			f.note(agents, usable)
		}
		if c.mode == byAddress {
			if served == 0 {
				c.fault("nobody took calls at the address of %s, which was dead", victim.Name)
			}
			f.note(service, served)
		}
		if err = w.moved(ctx); err != nil {
			return err
		}
		return w.revive(ctx, f)
	}
}

// revive starts a dead node and measures what is heard of its return.
func (w *watch) revive(ctx context.Context, f *figures) error {
	w.c.peers.forget() // what comes now is judged apart
	w.at = time.Now()
	if err := w.victim.Start(ctx); err != nil {
		return err
	}
	if err := w.c.well(ctx); err != nil {
		return err
	}
	time.Sleep(time.Second)
	var again figures
	w.measure(&again)
	for _, l := range w.legs {
		if !w.gone[l.from] && !w.left[l.agent] {
			gap, _ := l.gap(w.at, time.Now())
			again.note(home, gap)
		}
	}
	f.more = append(f.more, again.worst()...)
	return nil
}

// paused stops a process for some time.
func paused(role string, d time.Duration) func(context.Context, *centre, *figures) error {
	return func(ctx context.Context, c *centre, f *figures) error {
		w, err := c.strike(ctx, role)
		if err != nil {
			return err
		}
		victim := w.victim
		if err = victim.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		if d < time.Second {
			time.Sleep(d)
		} else {
			w.newcomers(ctx, c.others(victim), min(d, 2*settle), f)
			time.Sleep(time.Until(w.at.Add(d)))
		}
		if err = victim.Signal(syscall.SIGCONT); err != nil {
			return err
		}
		return w.recovered(ctx, f)
	}
}

// recovered waits until all is well again, and then looks at what came of the
// calls.
func (w *watch) recovered(ctx context.Context, f *figures) error {
	began := time.Now()
	if err := w.c.well(ctx); err != nil {
		return err
	}
	f.note(joined, time.Since(began))
	time.Sleep(max(time.Second, time.Until(began.Add(settle/2))))
	w.measure(f)
	after, err := w.c.calls(ctx, w.victim)
	if err != nil {
		return err
	}
	w.c.compare(w.before, after, "", w.gone)
	return nil
}

// rolled restarts all nodes, one after the other.
func rolled(ctx context.Context, c *centre, f *figures) error {
	w, err := c.look(ctx, c.nodes[0])
	if err != nil {
		return err
	}
	for _, l := range w.legs {
		w.held[l] = true
	}
	for _, n := range c.nodes {
		if err := restarted(ctx, c, n); err != nil {
			return err
		}
	}
	return w.recovered(ctx, f)
}

// jumped lets a node come back on a machine that was started a day before its
// own: what was counted from the start of the machine is wrong there. It dies
// again and comes back on its own one. The calendar can't be set for a process
// alone; nodes ask it only how long they were away.
func jumped(ctx context.Context, c *centre, f *figures) error {
	w, err := c.strike(ctx, leader)
	if err != nil {
		return err
	}
	victim := w.victim
	const day = "86400"
	for _, wrap := range [][]string{{"unshare", "--time", "--monotonic", day, "--boottime", day}, nil} {
		if err = victim.Kill(); err != nil {
			return err
		}
		victim.Wrap = wrap
		if err = victim.Start(ctx); err != nil {
			return err
		}
		if err = c.well(ctx); err != nil {
			return err
		}
	}
	return w.recovered(ctx, f)
}

func restarted(ctx context.Context, c *centre, n *bed.Node) error {
	if err := n.Stop(); err != nil {
		return err
	}
	if err := n.Start(ctx); err != nil {
		return err
	}
	return c.well(ctx)
}
