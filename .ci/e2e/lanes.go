package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// step is one thing that must work.
type step struct {
	name string
	run  func(ctx context.Context, l *lab) error
}

// lane is a sequence of steps in one lab. Its switch is started first.
type lane struct {
	name  string
	steps []step
}

// lanes are all checks; the longest begin first.
func lanes() []lane {
	return []lane{
		{"menus", menuSteps()},
		{"life", lifeSteps()},
		{"security", securitySteps()},
		{takeOverLane, takeOverSteps()},
		{"recording", recordingSteps()},
		{"srtp", pairSteps()},
		{"control", controlSteps()},
		{"supervise", superviseSteps()},
		{"phones", phoneSteps()},
		{"calls", callSteps()},
		{"dialogs", dialogSteps()},
		{"trunks", trunkSteps()},
		{"trace", traceSteps()},
		{nodesLane, nodeSteps()},
		{clusterLane, clusterSteps()},
		{recordsLane, recordSteps()},
	}
}

// runner performs lanes and counts.
type runner struct {
	work    string
	binary  string
	match   *regexp.Regexp
	abreast int

	mu             sync.Mutex // guards the counters and the terminal
	passed, broken int
}

// all performs the lanes that have a step to perform.
func (r *runner) all(ctx context.Context, ls []lane) (failed bool) {
	var wg sync.WaitGroup
	free := make(chan struct{}, r.abreast)
	for _, ln := range ls {
		steps := r.wanted(ln)
		if len(steps) == 0 {
			continue
		}
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			r.lane(ctx, ln.name, steps)
		})
	}
	wg.Wait()
	fmt.Printf("%d passed, %d failed\n", r.passed, r.broken)
	return r.broken > 0 || ctx.Err() != nil
}

func (r *runner) wanted(ln lane) (steps []step) {
	for _, s := range ln.steps {
		if r.match.MatchString(ln.name + ": " + s.name) {
			steps = append(steps, s)
		}
	}
	return steps
}

func (r *runner) lane(ctx context.Context, name string, steps []step) {
	began := time.Now()
	dir := filepath.Join(r.work, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.tell(name, "make work directory", began, err)
		return
	}
	l, err := newLab(ctx, dir, r.binary)
	if err == nil {
		defer l.close()
		if name != "security" {
			l.node.Admission = "off" // three switches, browsers and phones share a machine: something is late now and then
		}
		switch name {
		case nodesLane:
			err = l.startThree(ctx)
		case clusterLane: // has nodes of its own
		case takeOverLane:
			err = l.startMortal(ctx)
		case recordsLane:
			err = l.startStored(ctx)
		default:
			err = l.node.Start(ctx)
		}
	}
	r.tell(name, "start: the switch takes calls", began, err)
	if err != nil {
		return
	}
	for _, s := range steps {
		if ctx.Err() != nil {
			return
		}
		began := time.Now()
		r.tell(name, s.name, began, guarded(ctx, s, l))
	}
}

// guarded turns a panic of a step into its failure: the other lanes go on.
func guarded(ctx context.Context, s step, l *lab) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.Join(err, fmt.Errorf("panic: %v", p))
		}
	}()
	return s.run(ctx, l)
}

func (r *runner) tell(lane, step string, began time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	took := time.Since(began).Round(100 * time.Millisecond)
	if err == nil {
		r.passed++
		fmt.Printf("ok    %s: %s (%s)\n", lane, step, took)
		return
	}
	r.broken++
	fmt.Printf("FAIL  %s: %s (%s)\n      %s\n", lane, step, took, strings.ReplaceAll(err.Error(), "\n", "\n      "))
}
