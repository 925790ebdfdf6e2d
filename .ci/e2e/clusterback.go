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

// restored keeps a backup of the cluster, ends the cluster, and lets one anew
// begin from it.
func (t *trio) restored(ctx context.Context) error {
	file := filepath.Join(t.dir, "centre.tierline")
	if _, err := t.cli(ctx, t.nodes[1], "backup", file); err != nil {
		return err
	}
	if err := stop(t.nodes); err != nil {
		return err
	}
	fresh := t.make("anew", "", "n1", "n2", "n3")
	t.others = append(t.others, fresh...)
	if err := t.users(ctx, fresh); err != nil {
		return err
	}
	for _, n := range fresh {
		if err := n.Prepare(); err != nil {
			return err
		}
		if _, err := t.cli(ctx, nil, "restore", file, "--config", n.Settings()); err != nil {
			return err
		}
	}
	if out, err := t.cli(ctx, nil, "restore", file, "--config", fresh[0].Settings()); err == nil ||
		!strings.Contains(out, "is there already") {
		return fmt.Errorf("a data directory was restored twice: %w %s", err, out)
	}
	if err := start(ctx, fresh); err != nil {
		return err
	}
	for _, n := range fresh {
		if err := t.asBefore(ctx, n); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	out, err := t.cli(ctx, nil, "dial", "1000@"+fresh[0].Address(), "--listen",
		fmt.Sprintf("127.0.%d.44:0", t.block), "--for", "3s")
	if err != nil || !strings.Contains(out, "answered") {
		return fmt.Errorf("a call to a restored node: %w %s", err, out)
	}
	t.nodes = fresh
	return nil
}

// asBefore checks that a node knows what the backup had: the callers of that
// time are gone, and each has his record.
func (t *trio) asBefore(ctx context.Context, n *bed.Node) error {
	if err := generation(ctx, n, 2); err != nil {
		return err
	}
	if left, err := inLine(ctx, n); err != nil || len(left) > 0 {
		return fmt.Errorf("calls of another time: %v %w", left, err)
	}
	return bed.Eventually(10*time.Second, func() error {
		var found struct {
			CDRs []struct {
				From  string `json:"from"`
				Cause string `json:"cause"`
			} `json:"cdrs"`
		}
		if err := n.Get(ctx, "/api/v1/cdrs", &found); err != nil {
			return err
		}
		times := map[string]int{}
		for _, c := range found.CDRs {
			times[c.From+" "+c.Cause]++
		}
		for i := range 3 {
			if from := fmt.Sprintf("+861380013800%d node_lost", i); times[from] != 1 {
				return fmt.Errorf("records: %v", times)
			}
		}
		return nil
	})
}

// refusals starts what must not start, each beside the running cluster.
func (t *trio) refusals(ctx context.Context) error {
	other := filepath.Join(t.dir, "other")
	if _, err := t.cli(ctx, nil, "node", "init", other, "--cluster", "centre",
		"--nodes", fmt.Sprintf("n3=%s:7400", t.ip(2))); err != nil {
		return err
	}
	victim := t.nodes[2]
	if err := victim.Stop(); err != nil {
		return err
	}
	if err := t.oldCopy(ctx, victim); err != nil {
		return err
	}
	var errs []error
	for _, c := range []struct {
		what  string
		spoil func(n *bed.Node) error
		want  string
	}{
		{"a certificate of another authority", func(n *bed.Node) error {
			n.More = strings.NewReplacer(t.tls(""), other).Replace(n.More)
			return nil
		}, "certificate"},
		{"another node's certificate", func(n *bed.Node) error {
			n.More = strings.NewReplacer(t.tls("n3."), t.tls("n2.")).Replace(n.More)
			return nil
		}, "certificate of n2"},
		{"another cluster's name", func(n *bed.Node) error {
			n.More = strings.Replace(n.More, "name: centre", "name: elsewhere", 1)
			return nil
		}, `belongs to cluster "centre"`},
		{"another node's directory", func(n *bed.Node) error {
			return swap(n.Dir, t.nodes[1].Dir)
		}, `belongs to node "n2"`},
		{"a later format", func(n *bed.Node) error {
			return rewrite(filepath.Join(n.Dir, "data", "raft", "node.json"), `"format": 1`, `"format": 9`)
		}, "written by a newer release"},
		{"a damaged snapshot", func(n *bed.Node) error {
			return spoil(filepath.Join(n.Dir, "data", "raft", "snapshots"))
		}, "data directory is damaged"},
	} {
		n := *victim
		n.Dir = filepath.Join(t.dir, "refused", strings.ReplaceAll(c.what, " ", "-"))
		err := copyNode(n.Dir, victim.Dir)
		if err == nil {
			err = c.spoil(&n)
		}
		if err == nil {
			err = t.refused(ctx, &n, c.want)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.what, err))
		}
	}
	return errors.Join(append(errs, victim.Start(ctx))...)
}

// oldCopy lets a node run on and stop, and then tries what it had before. The
// node itself, without its directory, begins again.
func (t *trio) oldCopy(ctx context.Context, victim *bed.Node) error {
	before := *victim
	before.Dir = filepath.Join(t.dir, "refused", "before")
	if err := copyNode(before.Dir, victim.Dir); err != nil {
		return err
	}
	if err := victim.Start(ctx); err != nil {
		return err
	}
	if err := victim.Stop(); err != nil {
		return err
	}
	if err := t.refused(ctx, &before, "data directory is an old copy"); err != nil {
		return fmt.Errorf("an old copy: %w", err)
	}
	if err := os.RemoveAll(filepath.Join(victim.Dir, "data")); err != nil {
		return fmt.Errorf("lose the disk: %w", err)
	}
	if err := victim.Start(ctx); err != nil {
		return fmt.Errorf("without its disk: %w", err)
	}
	if err := generation(ctx, victim, 2); err != nil {
		return err
	}
	return victim.Stop()
}

// refused starts a node that must end, or say in its log why it isn't let in.
func (t *trio) refused(ctx context.Context, n *bed.Node, want string) error {
	if err := n.Prepare(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, n.Binary, "serve", "--config", n.Settings()).CombinedOutput()
	if err == nil || !strings.Contains(string(out), want) || strings.Contains(string(out), "msg=serving") {
		return fmt.Errorf("want %q: %w\n%.3000s", want, err, out)
	}
	return nil
}

// swap puts a copy of another node's data in place of one's own.
func swap(dir, other string) error {
	data := filepath.Join(dir, "data")
	return errors.Join(os.RemoveAll(data), copyNode(dir, other))
}

// copyNode copies a node's data; others may not read its key.
func copyNode(dir, other string) error {
	data := filepath.Join(dir, "data")
	return errors.Join(os.CopyFS(data, os.DirFS(filepath.Join(other, "data"))),
		os.Chmod(filepath.Join(data, "node.key"), 0o600))
}

func rewrite(file, old, fresh string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("change a file: %w", err)
	}
	return replace(file, strings.Replace(string(b), old, fresh, 1))
}

// spoil changes a byte in the middle of each snapshot.
func spoil(dir string) error {
	found, err := filepath.Glob(filepath.Join(dir, "*", "state.bin"))
	if err != nil || len(found) == 0 {
		return fmt.Errorf("no snapshot in %s: %w", dir, err)
	}
	for _, file := range found {
		b, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("spoil a snapshot: %w", err)
		}
		b[len(b)/2] ^= 1
		if err = replace(file, string(b)); err != nil {
			return err
		}
	}
	return nil
}
