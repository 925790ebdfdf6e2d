package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tierline/.ci/bed"
)

// media measures bridged calls with RTP both ways.
func (b *bench) media(ctx context.Context) error {
	return b.conversations(ctx, "Bridged calls with RTP both ways (A-law, 20 ms)")
}

// recorded measures the same while all of them are recorded.
func (b *bench) recorded(ctx context.Context) error {
	return b.conversations(ctx, "Bridged calls that are recorded (stereo, on the disk)", func(documents string) error {
		file := filepath.Join(documents, "queues.yaml")
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read queues: %w", err)
		}
		text = append(bytes.TrimRight(text, "\n"), "\n    record: {from: bridge}\n"...)
		if err = errors.Join(os.Remove(file), os.WriteFile(file, text, 0o600)); err != nil { // it may be write-protected
			return fmt.Errorf("write queues: %w", err)
		}
		return nil
	})
}

func (b *bench) conversations(ctx context.Context, title string, more ...func(documents string) error) error {
	b.printf("%s:\n\n"+
		"| calls | CPU ms per call-second | loss | one-way delay p50 / p99 / max | memory per call |\n"+
		"|---|---|---|---|---|\n", title)
	for _, n := range b.talks {
		if err := b.bridged(ctx, n, more...); err != nil {
			return fmt.Errorf("%d calls: %w", n, err)
		}
	}
	b.printf("\n")
	return nil
}

// Times of one measurement: calls are set up gently, settle, and are measured.
const (
	first     = 20
	setupRate = 40 // calls/s
	warmUp    = 3 * time.Second
	measured  = 15 * time.Second
)

func (b *bench) bridged(ctx context.Context, n int, more ...func(documents string) error) error {
	st, err := b.stage(ctx, service, n, more...)
	if err != nil {
		return err
	}
	defer st.close()
	node, rtp, p := st.node, st.rtp, st.peers
	p.hangup = false
	// The first calls bring what a node needs once: they are no part of what one
	// more takes.
	if err = p.converse(first); err != nil {
		return err
	}
	p.endAll()
	time.Sleep(warmUp)
	idle, err := node.Memory()
	if err != nil {
		return err
	}
	if err = p.converse(n); err != nil {
		return err
	}
	time.Sleep(warmUp)
	m, err := sample(node, rtp)
	if err != nil {
		return err
	}
	p.endAll()
	return b.tellMedia(n, m, idle)
}

// converse begins so many calls and waits until all are bridged.
func (p *peers) converse(n int) error {
	for range n {
		p.call()
		time.Sleep(time.Second / setupRate)
	}
	if !settle(10*time.Second, func() bool { return p.bridged() == n }) {
		return fmt.Errorf("only %d of %d calls were bridged", p.bridged(), n)
	}
	return nil
}

// figures are what one measurement saw.
type figures struct {
	stats

	pressed int64 // keys
	cpu     time.Duration
	span    time.Duration
	memory  int64
}

// sample measures the calls that are going on.
func sample(node *bed.Node, rtp *generator) (figures, error) {
	before, err := node.CPU()
	if err != nil {
		return figures{}, err
	}
	rtp.begin()
	began := time.Now()
	time.Sleep(measured)
	callers, agents := rtp.end()
	f := figures{span: time.Since(began)}
	f.stats = stats{
		sent: callers.sent + agents.sent, received: callers.received + agents.received, lost: callers.lost + agents.lost,
		delays: append(callers.delays, agents.delays...),
	}
	after, err := node.CPU()
	f.cpu = after - before
	memory, failed := node.Memory()
	f.memory = memory
	return f, errors.Join(err, failed)
}

func (b *bench) tellMedia(n int, f figures, idle int64) error {
	cost := ms(f.cpu) / f.span.Seconds() / float64(n)
	loss := 100 * float64(f.lost) / float64(max(1, f.received+f.lost))
	memory := float64(f.memory-idle) / 1000 / float64(n)
	p50, p99, worst := ms(f.percentile(0.5)), ms(f.percentile(0.99)), ms(f.percentile(1))
	progress("media %d calls: %.2f ms CPU a call-second, %d packets, loss %.3f %%, delay %.2f/%.2f/%.1f ms, %.0f kB",
		n, cost, f.received, loss, p50, p99, worst, memory)
	b.printf("| %d | %.2f | %.3f %% | %.2f / %.2f / %.1f ms | %.0f kB |\n", n, cost, loss, p50, p99, worst, memory)
	if want := uint64(n) * 100 * uint64(measured.Seconds()); f.received < want*9/10 {
		return fmt.Errorf("%d of %d packets arrived", f.received, want)
	}
	return nil
}
