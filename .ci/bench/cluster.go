package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"tierline/.ci/bed"
)

// fleet starts fresh nodes that are one cluster, on addresses from host on.
func (b *bench) fleet(ctx context.Context, agents int) (nodes []*bed.Node, err error) {
	if b.nodes == 1 {
		n, failed := b.node(ctx, agents)
		return []*bed.Node{n}, failed
	}
	dir, err := os.MkdirTemp(b.dir, "cluster-")
	if err != nil {
		return nil, fmt.Errorf("make cluster directory: %w", err)
	}
	documents := filepath.Join(dir, "service")
	if err = copyService(documents, agents); err != nil {
		return nil, err
	}
	at := netip.MustParseAddr(host)
	for i := range b.nodes {
		nodes = append(nodes, &bed.Node{
			Binary: b.binary, Dir: filepath.Join(dir, fmt.Sprint(i)), Service: documents, IP: at.String(),
			SIP: 5070, HTTP: 8070, RTPMin: 10000, RTPMax: 64998, Log: "warn", Admission: b.admission,
		})
		at = at.Next()
	}
	if err = bed.Cluster(ctx, "bench", filepath.Join(dir, "tls"), nodes); err != nil {
		return nil, err
	}
	started := make(chan error, len(nodes))
	for _, n := range nodes {
		go func() { started <- n.Start(ctx) }()
	}
	for range nodes {
		err = errors.Join(err, <-started)
	}
	if err != nil {
		stop(nodes)
	}
	return nodes, err
}

// stop ends nodes that have measured what there was to measure.
func stop(nodes []*bed.Node) {
	for _, n := range nodes {
		if n.Running() {
			_ = n.Kill()
		}
	}
}

// spent is the processor time of all nodes.
func spent(nodes []*bed.Node) (sum time.Duration, err error) {
	for _, n := range nodes {
		cpu, err := n.CPU()
		if err != nil {
			return 0, err
		}
		sum += cpu
	}
	return sum, nil
}

// applied is how far the log has come.
func applied(ctx context.Context, n *bed.Node) (float64, error) {
	return n.Metric(ctx, "tierline_cluster_applied_index")
}

// clustered measures calls with queue and agent at several nodes: how many a
// second, and how long a free agent waits for his next one.
func (b *bench) clustered(ctx context.Context) error {
	b.nodes = b.cluster
	defer func() { b.nodes = 1 }()
	b.printf("%d node(s) on this machine, fsync on, callers at each in turn, no media (agents hang up after 0.3 s):\n\n"+
		"| calls/s | calls | in time | refused | otherwise | set-up p50 / p99 | CPU ms a call | of a core | entries/s |\n"+
		"|---|---|---|---|---|---|---|---|---|\n", b.nodes)
	if err := b.steady(ctx); err != nil {
		return err
	}
	b.printf("\nAgent's BYE → his next INVITE, callers waiting:\n\n" +
		"| agents | waiting | samples | p50 | p99 | max |\n|---|---|---|---|---|---|\n")
	for _, c := range []struct{ agents, waiting int }{{20, 40}, {100, 100}} {
		if err := b.dispatched(ctx, c.agents, c.waiting); err != nil {
			return fmt.Errorf("%d agents: %w", c.agents, err)
		}
	}
	b.printf("\n")
	return nil
}

// steady raises the rate until some calls are not answered in time.
func (b *bench) steady(ctx context.Context) error {
	s, err := b.site(ctx, "off")
	if err != nil {
		return err
	}
	defer s.close()
	for rate := b.step; rate <= b.top; rate += b.step {
		clean, err := b.rung(ctx, s, rate)
		if err != nil || !clean {
			return err
		}
		time.Sleep(2 * time.Second) // what the nodes tidy up belongs to nobody's rung
	}
	return nil
}

func (b *bench) rung(ctx context.Context, s *site, rate int) (clean bool, err error) {
	before, err := spent(s.nodes)
	if err != nil {
		return false, err
	}
	from, err := applied(ctx, s.nodes[0])
	if err != nil {
		return false, err
	}
	began := time.Now()
	offered := s.offer(rate, rungTime)
	left := s.drain(0)
	took := time.Since(began)
	after, err := spent(s.nodes)
	if err != nil {
		return false, err
	}
	to, err := applied(ctx, s.nodes[0])
	if err != nil {
		return false, err
	}
	t := s.take()
	p50, p99 := t.halves()
	cpu := after - before
	other := t.unkind + t.unheard + left
	progress("cluster of %d, %d calls/s: %d of %d in time, %d refused, %d otherwise, set-up p50 %.1f ms, p99 %.1f ms, "+
		"%.2f ms CPU a call, %.0f entries/s", b.nodes, rate, t.inTime(), offered, t.refused, other, p50, p99,
		ms(cpu)/float64(offered), (to-from)/took.Seconds())
	b.printf("| %d | %d | %d | %d | %d | %.1f / %.1f ms | %.2f | %.0f %% | %.0f |\n", rate, offered, t.inTime(),
		t.refused, other, p50, p99, ms(cpu)/float64(offered), 100*cpu.Seconds()/took.Seconds(), (to-from)/took.Seconds())
	return float64(t.inTime()) >= cleanShare*float64(offered) && left == 0, nil
}
