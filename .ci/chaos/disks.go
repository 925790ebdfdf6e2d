package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"tierline/.ci/bed"
)

const diskSize = 320 << 20 // bytes; the log takes 64 MB at a time

// onDisks opens a centre whose nodes have a disk each for their data.
func onDisks(ctx context.Context, c *chaos, name string) (*centre, error) {
	at := c.centre(name, byAddress)
	at.phones = "127.0.48.20"
	for i := range at.wires {
		at.wires[i] = fmt.Sprintf("127.0.48.%d", 11+i)
		disk := filepath.Join(at.dir, fmt.Sprintf("disk%d", i+1))
		at.nodes = append(at.nodes, &bed.Node{IP: at.wires[i], Data: filepath.Join(disk, "data")})
		if err := os.MkdirAll(disk, 0o700); err != nil {
			return at, fmt.Errorf("make disk: %w", err)
		}
		image, err := os.Create(disk + ".img")
		if err == nil {
			err = errors.Join(image.Truncate(diskSize), image.Close())
		}
		if err != nil {
			return at, fmt.Errorf("make disk: %w", err)
		}
		if err = tools(ctx, "mkfs.ext4 -q -F "+disk+".img\nmount -o loop "+disk+".img "+disk); err != nil {
			return at, err
		}
		at.undo = append(at.undo, func() {
			_ = tool(context.WithoutCancel(ctx), "umount", "-l", disk) // goes with our mounts anyway
		})
	}
	return at, at.open(ctx)
}

// disk is where the node's is mounted.
func disk(n *bed.Node) string { return filepath.Dir(n.Data) }

// disks are what is done to the disk of a node.
func (c *chaos) disks() []trial {
	over := limits{more: map[string]time.Duration{handed: 3 * time.Second, joined: 15 * time.Second}}
	return []trial{
		{name: "leader's disk stands still", limits: over, do: stalled},
		{name: "leader's disk is full", limits: limits{more: over.more}, do: filled},
		{name: "last record torn after kill -9", do: torn},
		{name: "record damaged after kill -9", do: damaged},
	}
}

// handover says when another node than the victim led; 0: none did.
func (w *watch) handover(ctx context.Context, limit time.Duration) time.Duration {
	other := w.c.others(w.victim)[0]
	for time.Since(w.at) < limit {
		var s state
		if err := other.Get(ctx, "/api/v1/nodes", &s); err == nil && s.leader() != "" && s.leader() != w.victim.Name {
			return time.Since(w.at)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return 0
}

// stalled lets nothing be written to the leader's disk for some seconds.
func stalled(ctx context.Context, c *centre, f *figures) error {
	w, err := c.strike(ctx, leader)
	if err != nil {
		return err
	}
	victim := w.victim
	if err = tool(ctx, "fsfreeze", "-f", disk(victim)); err != nil {
		return err
	}
	thaw := func() error { return tool(context.WithoutCancel(ctx), "fsfreeze", "-u", disk(victim)) }
	moved := make(chan time.Duration, 1)
	go func() { moved <- w.handover(ctx, 2*settle) }()
	w.newcomers(ctx, c.others(victim), 2*settle, f)
	took := <-moved
	if took > 0 {
		f.note(handed, took)
	} else {
		c.fault("%s, whose disk stood still, went on leading", victim.Name)
	}
	if err = thaw(); err != nil {
		return err
	}
	return w.recovered(ctx, f)
}

// filled lets a file take all that is left of the leader's disk.
func filled(ctx context.Context, c *centre, f *figures) error {
	w, err := c.strike(ctx, leader)
	if err != nil {
		return err
	}
	victim := w.victim
	file, err := os.Create(filepath.Join(disk(victim), "ballast"))
	if err != nil {
		return fmt.Errorf("fill disk: %w", err)
	}
	for block := make([]byte, 1<<20); err == nil && len(block) > 0; {
		if _, err = file.Write(block); errors.Is(err, syscall.ENOSPC) {
			err, block = nil, block[:len(block)/2]
		}
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("fill disk: %w", err)
	}
	w.newcomers(ctx, c.others(victim), settle, f)
	if err = os.Remove(file.Name()); err != nil {
		return fmt.Errorf("empty disk: %w", err)
	}
	return w.recovered(ctx, f)
}

// dead kills a follower, does something to its log, and starts it again.
func dead(
	ctx context.Context, c *centre, f *figures, do func(ctx context.Context, victim *bed.Node, log string) error,
) error {
	w, err := c.strike(ctx, follower)
	if err != nil {
		return err
	}
	victim := w.victim
	if err = victim.Kill(); err != nil {
		return err
	}
	logs, err := filepath.Glob(filepath.Join(victim.Data, "raft", "raft", "*.wal"))
	if err != nil || len(logs) == 0 {
		return errors.Join(fmt.Errorf("there is no log in %s", victim.Data), err)
	}
	if err = do(ctx, victim, slices.Max(logs)); err != nil {
		return err
	}
	return w.recovered(ctx, f)
}

// written is where a log's records end: the rest of its file is zeros.
func written(log string) ([]byte, int, error) {
	b, err := os.ReadFile(log)
	if err != nil {
		return nil, 0, fmt.Errorf("read log: %w", err)
	}
	return b, len(bytes.TrimRight(b, "\x00")), nil
}

// torn leaves half of what was written last, as a machine does that loses its
// power: the node knows and goes on.
func torn(ctx context.Context, c *centre, f *figures) error {
	return dead(ctx, c, f, func(ctx context.Context, victim *bed.Node, log string) error {
		_, end, err := written(log)
		if err != nil {
			return err
		}
		file, err := os.OpenFile(log, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("tear log: %w", err)
		}
		_, err = file.WriteAt([]byte("a record that the power cut short"), int64(end)+16)
		if err = errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("tear log: %w", err)
		}
		return victim.Start(ctx)
	})
}

// damaged turns a byte amid of what was acknowledged: the node says so and
// doesn't start. With the byte as it was it does.
func damaged(ctx context.Context, c *centre, f *figures) error {
	return dead(ctx, c, f, func(ctx context.Context, victim *bed.Node, log string) error {
		b, end, err := written(log)
		if err != nil {
			return err
		}
		b[end/2] ^= 0x20
		if err = os.WriteFile(log, b, 0o600); err != nil {
			return fmt.Errorf("damage log: %w", err)
		}
		if err = victim.Start(ctx); err == nil {
			c.fault("%s started with a damaged log", victim.Name)
			return nil
		}
		b[end/2] ^= 0x20
		if err = os.WriteFile(log, b, 0o600); err != nil {
			return fmt.Errorf("mend log: %w", err)
		}
		return victim.Start(ctx)
	})
}
