package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// dispatch measures how long an agent who has hung up waits for the INVITE of
// his next call while callers wait.
func (b *bench) dispatch(ctx context.Context) error {
	b.printf("Agent's BYE → his next INVITE, callers waiting, fsync on:\n\n" +
		"| agents | waiting | samples | p50 | p99 | max |\n|---|---|---|---|---|---|\n")
	for _, c := range []struct{ agents, waiting int }{{5, 10}, {20, 40}, {100, 100}} {
		if err := b.dispatched(ctx, c.agents, c.waiting); err != nil {
			return fmt.Errorf("%d agents: %w", c.agents, err)
		}
	}
	b.printf("\n")
	return nil
}

func (b *bench) dispatched(ctx context.Context, agents, waiting int) error {
	nodes, err := b.fleet(ctx, agents)
	if err != nil {
		return err
	}
	defer stop(nodes)
	p, err := openPeers(service, nodes...)
	if err != nil {
		return err
	}
	defer func() { _ = p.close() }()
	over := make(chan struct{})
	p.talk = func() time.Duration { return 500*time.Millisecond + rand.N(1500*time.Millisecond) }
	p.onEnd = func() { // somebody calls as soon as somebody has been served
		select {
		case <-over:
		default:
			p.call()
		}
	}
	for range agents + waiting {
		p.call()
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(3 * time.Second)
	p.mu.Lock()
	p.freeings = nil
	p.mu.Unlock()
	time.Sleep(20 * time.Second)
	close(over)
	p.mu.Lock()
	times, failed, again := slices.Clone(p.freeings), p.failed, p.again
	p.mu.Unlock()
	if len(times) == 0 {
		return fmt.Errorf("no agent got a second call (%d calls failed)", failed)
	}
	s := stats{delays: times}
	p50, p99, worst := ms(s.percentile(0.5)), ms(s.percentile(0.99)), ms(s.percentile(1))
	progress("dispatch %d agents, %d waiting: %d samples, p50 %.1f ms, p99 %.1f ms, max %.1f ms, %d failed, %d again",
		agents, waiting, len(times), p50, p99, worst, failed, again)
	b.printf("| %d | %d | %d | %.1f ms | %.1f ms | %.1f ms |\n", agents, waiting, len(times), p50, p99, worst)
	if failed > 0 {
		return fmt.Errorf("%d calls failed", failed)
	}
	return nil
}
