package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// grown lets a fourth node into the cluster, has it answer a caller, and takes it
// away again, for ever.
func (t *trio) grown(ctx context.Context) error {
	n := t.make("trio", "", "n1", "n2", "n3", "n4")[3]
	if _, err := t.cli(ctx, nil, "node", "init", t.tls(""), "--cluster", "centre",
		"--nodes", "n4="+t.ip(3)+":7400"); err != nil {
		return err
	}
	if err := t.refused(ctx, n, "let in by `tierline node join`"); err != nil {
		return fmt.Errorf("before it was let in: %w", err)
	}
	if _, err := t.cli(ctx, nil, "node", "join", t.ip(1)+":7400", "--config", n.Settings()); err != nil {
		return err
	}
	if err := t.members(ctx, t.nodes[0], "n4 unreachable"); err != nil {
		return fmt.Errorf("let in, but not started: %w", err)
	}
	if err := n.Start(ctx); err != nil {
		return err
	}
	t.others = append(t.others, n)
	if err := t.members(ctx, t.nodes[2], "n4 follower"); err != nil {
		return err
	}
	if err := generation(ctx, n, 2); err != nil {
		return err
	}
	out, err := t.cli(ctx, nil, "dial", "1000@"+n.Address(), "--listen",
		fmt.Sprintf("127.0.%d.45:0", t.block), "--for", "2s")
	if err != nil || !strings.Contains(out, "answered") {
		return fmt.Errorf("a call to the new node: %w %s", err, out)
	}
	return t.struckOff(ctx, n)
}

// struckOff takes a node away; it is told so if it is started again.
func (t *trio) struckOff(ctx context.Context, n *bed.Node) error {
	if out, err := t.cli(ctx, t.nodes[1], "node", "remove", n.Name); err == nil || !strings.Contains(out, "drain") {
		return fmt.Errorf("a node that runs was struck off: %w %s", err, out)
	}
	if _, err := t.cli(ctx, t.nodes[0], "drain", n.Name); err != nil {
		return err
	}
	if err := n.Stop(); err != nil {
		return err
	}
	err := bed.Eventually(20*time.Second, func() error { // the others notice first that it is gone
		_, err := t.cli(ctx, t.nodes[1], "node", "remove", n.Name)
		return err
	})
	if err != nil {
		return err
	}
	if err = t.members(ctx, t.nodes[2], ""); err != nil {
		return err
	}
	log := filepath.Join(n.Dir, "again")
	f, err := os.Create(log)
	if err != nil {
		return fmt.Errorf("write a log: %w", err)
	}
	defer func() { _ = f.Close() }() // it was read
	ctx, cancel := context.WithCancel(ctx)
	again := exec.CommandContext(ctx, n.Binary, "serve", "--config", n.Settings())
	again.Stdout, again.Stderr = f, f
	if err = again.Start(); err != nil {
		cancel()
		return fmt.Errorf("start it again: %w", err)
	}
	err = bed.Eventually(20*time.Second, func() error {
		b, failed := os.ReadFile(log)
		if failed == nil && !strings.Contains(string(b), "node n4 is no member") {
			failed = fmt.Errorf("it isn't told:\n%s", b)
		}
		return failed
	})
	cancel()
	if ended := again.Wait(); ended == nil {
		err = errors.Join(err, errors.New("it ended by itself, as if all were well"))
	}
	return err
}

// members checks who belongs to the cluster as a node sees it: the three, and
// one more with its state.
func (t *trio) members(ctx context.Context, at *bed.Node, more string) error {
	return bed.Eventually(20*time.Second, func() error {
		var list struct {
			Nodes []struct {
				Name  string `json:"name"`
				State string `json:"state"`
			} `json:"nodes"`
		}
		if err := at.Get(ctx, "/api/v1/nodes", &list); err != nil {
			return err
		}
		rest := ""
		if n := len(t.nodes); len(list.Nodes) > n {
			rest = list.Nodes[n].Name + " " + list.Nodes[n].State
		}
		if len(list.Nodes) < len(t.nodes) || rest != more {
			return fmt.Errorf("%s sees %+v, wanted %q beside the three", at.Name, list.Nodes, more)
		}
		return nil
	})
}
