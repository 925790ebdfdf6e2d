package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"
)

func main() {
	c := &chaos{}
	flag.StringVar(&c.binary, "tierline", "bin/tierline", "the switch")
	flag.IntVar(&c.rounds, "rounds", 5, "times that a leader and a follower are killed")
	flag.IntVar(&c.crowd.talking, "talking", 20, "calls that talk")
	flag.IntVar(&c.crowd.waiting, "waiting", 20, "calls that wait")
	flag.IntVar(&c.crowd.menus, "menus", 10, "calls in a menu")
	flag.IntVar(&c.crowd.ringing, "ringing", 3, "calls whose agent's phone rings and is not answered")
	flag.BoolVar(&c.short, "short", false, "leave out what takes long")
	flag.Float64Var(&c.slack, "slack", 1, "stretches the limits of time, for a busy machine; 0: they count for nothing")
	flag.IntVar(&c.beside, "beside", 1, "centres at a time; more of them disturb each other's figures")
	run := flag.String("run", ".", "regular expression: the trials to run, of names like \"address: kill leader\"")
	inside := flag.Bool("inside", false, "we are in a network of our own (for this program only)")
	flag.Parse()
	var err error
	if c.run, err = regexp.Compile(*run); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(2)
	}
	if !*inside {
		os.Exit(apart())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	if err = begin(ctx); err == nil {
		err = c.all(ctx)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// chaos is one run over the whole table.
type chaos struct {
	binary string
	rounds int
	crowd  crowd
	short  bool
	slack  float64
	beside int
	run    *regexp.Regexp

	dir    string
	mu     sync.Mutex // guards faults
	faults []string
}

// crowd is how many calls there are of each kind before something happens.
type crowd struct{ talking, waiting, menus, ringing int }

// trial is a row of the table.
type trial struct {
	name   string
	rounds int
	limits limits
	do     func(ctx context.Context, c *centre, f *figures) error
}

// lane is a centre and what is done to it, one thing after the other.
type lane struct {
	name   string
	open   func(ctx context.Context, c *chaos, name string) (*centre, error)
	trials []trial
}

func (c *chaos) lanes() []lane {
	return []lane{
		{name: "address", open: onLoopback(byAddress, 46), trials: c.deaths(byAddress)},
		{name: "reinvite", open: onLoopback(byReinvite, 47), trials: c.deaths(byReinvite)},
		{name: "split", open: onCables, trials: c.splits()},
		{name: "foreign", open: withForeigners, trials: foreigners()},
		{name: "disk", open: onDisks, trials: c.disks()},
	}
}

func (c *chaos) all(ctx context.Context) (err error) {
	if c.binary, err = filepath.Abs(c.binary); err != nil {
		return fmt.Errorf("find the switch: %w", err)
	}
	if c.dir, err = os.MkdirTemp("", "tierline-chaos-"); err != nil {
		return fmt.Errorf("make work directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(c.dir) }() // what is left is in the temporary directory
	fmt.Printf("%s, %d cores. Of three nodes' calls %d talk, %d wait, %d in menus, %d ring; %d a second come.\n\n%s\n",
		time.Now().Format(time.DateOnly), runtime.NumCPU(),
		c.crowd.talking, c.crowd.waiting, c.crowd.menus, c.crowd.ringing, newCalls, head)
	var busy sync.WaitGroup
	room := make(chan struct{}, max(1, c.beside))
	for _, l := range c.lanes() {
		room <- struct{}{}
		busy.Go(func() {
			if err := c.lane(ctx, l); err != nil {
				c.blame(fmt.Sprintf("%s: %v", l.name, err))
			}
			<-room
		})
	}
	busy.Wait()
	for _, f := range c.faults {
		fmt.Println("FAULT", f)
	}
	if len(c.faults) > 0 {
		return fmt.Errorf("%d faults", len(c.faults))
	}
	return nil
}

// blame remembers what was wrong.
func (c *chaos) blame(faults ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, faults...)
}

// lane opens a centre if one of its trials is wanted.
func (c *chaos) lane(ctx context.Context, l lane) (err error) {
	var wanted []trial
	for _, t := range l.trials {
		if t.name = l.name + ": " + t.name; c.run.MatchString(t.name) {
			wanted = append(wanted, t)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	at, err := l.open(ctx, c, l.name)
	if at != nil {
		defer at.close()
	}
	if err == nil {
		err = at.run(ctx, wanted)
		c.blame(at.faults...)
	}
	if at != nil && (err != nil || len(at.faults) > 0) {
		err = errors.Join(err, c.keep(at))
	}
	return err
}

// run does what the trials do, and lets everybody hang up.
func (c *centre) run(ctx context.Context, trials []trial) error {
	for _, t := range trials {
		var all figures
		for round := range max(1, t.rounds) {
			f := &figures{}
			if err := c.trial(ctx, t, f); err != nil {
				return fmt.Errorf("%s, round %d: %w", t.name, round+1, err)
			}
			all.add(f)
		}
		fmt.Println(all.row(t.name))
		c.faults = append(c.faults, all.misses(t, c.slack)...)
	}
	return c.disperse(ctx)
}

// keep says what the nodes wrote, if something was wrong.
func (c *chaos) keep(at *centre) error {
	dir, err := os.MkdirTemp("", "tierline-chaos-logs-")
	if err != nil {
		return fmt.Errorf("keep logs: %w", err)
	}
	for _, n := range at.nodes {
		b, err := os.ReadFile(n.LogFile())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, n.Name+".log"), b, 0o600)
		}
		if err != nil {
			return fmt.Errorf("keep logs: %w", err)
		}
	}
	fmt.Println("logs of the nodes:", strings.TrimSpace(dir))
	return nil
}
