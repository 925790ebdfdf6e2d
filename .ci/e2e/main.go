// Command e2e checks a built switch from outside, with the peers that users
// have: sipp with RTP and RFC 4733 digits, baresip, and plain sockets.
//
//	go run ./.ci/e2e -tierline bin/tierline [-run REGEXP] [-keep DIR]
//
// It installs nothing; what is missing is named. It listens to the loopback
// interface to hear what sipp cannot record, so it wants root or CAP_NET_RAW,
// as sipp's own RTP does.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"tierline/.ci/bed"
)

func main() {
	binary := flag.String("tierline", "bin/tierline", "the switch")
	only := flag.String("run", "", "run only the steps that match")
	keep := flag.String("keep", "", "work in this directory and leave it behind")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	failed, err := run(ctx, *binary, *only, *keep)
	stop()
	if err != nil {
		fmt.Println("e2e:", err)
		os.Exit(2)
	}
	if failed {
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, only, keep string) (failed bool, err error) {
	missing := bed.Missing(map[string]string{"sipp": "sip-tester", "baresip": "baresip-core"})
	if missing != "" {
		return false, fmt.Errorf("missing: %s", missing)
	}
	match, err := regexp.Compile(only)
	if err != nil {
		return false, fmt.Errorf("-run: %w", err)
	}
	work := keep
	if work == "" {
		if work, err = os.MkdirTemp("", "tierline-e2e-"); err != nil {
			return false, fmt.Errorf("make work directory: %w", err)
		}
		defer func() { _ = os.RemoveAll(work) }() // what is left is in the temporary directory
	}
	if binary, err = filepath.Abs(binary); err != nil {
		return false, fmt.Errorf("find the switch: %w", err)
	}
	l, err := newLab(ctx, work, binary)
	if err != nil {
		return false, err
	}
	defer l.close()
	return perform(ctx, l, match), nil
}

// step is one thing that must work.
type step struct {
	name string
	run  func(ctx context.Context, l *lab) error
}

func perform(ctx context.Context, l *lab, match *regexp.Regexp) (failed bool) {
	passed, broken := 0, 0
	for _, s := range steps() {
		if !match.MatchString(s.name) || ctx.Err() != nil {
			continue
		}
		began := time.Now()
		err := s.run(ctx, l)
		took := time.Since(began).Round(100 * time.Millisecond)
		if err == nil {
			passed++
			fmt.Printf("ok    %s (%s)\n", s.name, took)
			continue
		}
		broken++
		fmt.Printf("FAIL  %s (%s)\n      %s\n", s.name, took, strings.ReplaceAll(err.Error(), "\n", "\n      "))
	}
	fmt.Printf("%d passed, %d failed\n", passed, broken)
	return broken > 0 || ctx.Err() != nil
}
