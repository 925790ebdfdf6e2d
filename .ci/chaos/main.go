package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	binary := flag.String("tierline", "bin/tierline", "the switch")
	rounds := flag.Int("rounds", 5, "times that a leader and a follower are killed")
	talking := flag.Int("talking", 20, "calls that talk")
	waiting := flag.Int("waiting", 20, "calls that wait")
	mode := flag.String("mode", "address,reinvite", "how calls are taken over")
	block := flag.Int("block", 46, "the nodes are at 127.0.BLOCK.11 to 13")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c := &chaos{rounds: *rounds, talking: *talking, waiting: *waiting, block: *block}
	if err := c.run(ctx, *binary, strings.Split(*mode, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be undone
	}
}

type chaos struct {
	rounds, talking, waiting, block int

	dir    string
	faults []string
}

func (c *chaos) run(ctx context.Context, binary string, modes []string) (err error) {
	if binary, err = filepath.Abs(binary); err != nil {
		return fmt.Errorf("find the switch: %w", err)
	}
	if c.dir, err = os.MkdirTemp("", "tierline-chaos-"); err != nil {
		return fmt.Errorf("make work directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(c.dir) }() // what is left is in the temporary directory
	fmt.Printf("%s, %d cores, %d calls talking and %d waiting on three nodes, %d rounds each\n\n",
		time.Now().Format("2006-01-02"), runtime.NumCPU(), c.talking, c.waiting, c.rounds)
	fmt.Println("| killed | take-over | legs | alive | gap p50 | p90 | p99 | longest | " +
		"new calls answered p50/longest | address back: longest gap |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	for _, mode := range modes {
		for _, role := range []string{follower, leader} {
			var all figures
			for round := range c.rounds {
				f, err := c.round(ctx, binary, mode, role, round)
				if err != nil {
					return fmt.Errorf("%s, %s killed, round %d: %w", mode, role, round+1, err)
				}
				all.add(f)
			}
			fmt.Println(all.row(role, mode))
		}
	}
	for _, f := range c.faults {
		fmt.Println("FAULT", f)
	}
	if len(c.faults) > 0 {
		return fmt.Errorf("%d faults", len(c.faults))
	}
	return nil
}

// figures are what was measured.
type figures struct {
	legs, alive int
	gaps        []time.Duration
	answers     []time.Duration
	back        time.Duration
}

func (f *figures) add(o figures) {
	f.legs, f.alive = f.legs+o.legs, f.alive+o.alive
	f.gaps, f.answers = append(f.gaps, o.gaps...), append(f.answers, o.answers...)
	f.back = max(f.back, o.back)
}

func (f *figures) row(role, mode string) string {
	slices.Sort(f.gaps)
	slices.Sort(f.answers)
	at := func(list []time.Duration, percent int) string {
		if len(list) == 0 {
			return "–"
		}
		return fmt.Sprintf("%.2f s", list[min(len(list)-1, len(list)*percent/100)].Seconds())
	}
	return fmt.Sprintf("| %s | %s | %d | %.1f %% | %s | %s | %s | %s | %s / %s | %.2f s |",
		role, mode, f.legs, 100*float64(f.alive)/float64(max(1, f.legs)), at(f.gaps, 50), at(f.gaps, 90), at(f.gaps, 99),
		at(f.gaps, 100), at(f.answers, 50), at(f.answers, 100), f.back.Seconds())
}
