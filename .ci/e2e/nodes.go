package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// nodesLane has three nodes, the others have one.
const nodesLane = "nodes"

// nodeSteps are about three nodes. Callers come to the second, which is the
// lab's; phones register with the first.
func nodeSteps() []step {
	return []step{
		{"phones: baresip's TLS connection is with one node, callers come to another; tones both ways", phoneElsewhere},
		{"wss: a page in Chromium is connected to one node, callers to another; tones both ways, hold", browserElsewhere},
		{"control: an agent holds and resumes, and his call is traced, asked at a node without it", controlElsewhere},
		{"lockout: PINs wrong at one node, the right one is no use at another until a third clears it", lockedEverywhere},
		{"sealed: nothing of calls and documents can be read in three nodes' logs; a new key, a wrong one", sealedLogs},
	}
}

// startThree makes the lab's node the second of three.
func (l *lab) startThree(ctx context.Context) error {
	nodes := []*bed.Node{l.another(31), l.node, l.another(33)}
	l.desk, l.others = nodes[0], []*bed.Node{nodes[0], nodes[2]}
	return l.startAll(ctx, nodes)
}

// startAll makes a cluster of nodes.
func (l *lab) startAll(ctx context.Context, nodes []*bed.Node) error {
	if err := bed.Cluster(ctx, "e2e", filepath.Join(l.work, "cluster"), nodes); err != nil {
		return err
	}
	started := make(chan error, len(nodes))
	for _, n := range nodes {
		go func() { started <- n.Start(ctx) }()
	}
	return errors.Join(<-started, <-started, <-started)
}

// another is another node like the lab's.
func (l *lab) another(host int) *bed.Node {
	n := *l.node
	n.IP = fmt.Sprintf("127.0.%d.%d", l.block, host)
	n.Dir = filepath.Join(l.work, fmt.Sprint("node-", host))
	return &n
}

// with does something as if another node were the lab's.
func (l *lab) with(n *bed.Node, do func() error) error {
	own := l.node
	l.node = n
	defer func() { l.node = own }()
	return do()
}

func phoneElsewhere(ctx context.Context, l *lab) error {
	return l.withBaresip(ctx, handset{id: "1002", by: "tls"}, true, false)
}

func browserElsewhere(ctx context.Context, l *lab) (err error) {
	const id = "1002"
	b, err := l.browser(ctx, id)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	err = errors.Join(b.registered(ctx, l, id), l.onDuty(ctx, id))
	if err == nil {
		err = l.talkToBrowser(ctx, b, id)
	}
	if err != nil {
		return err
	}
	return l.with(l.others[1], func() error { return l.expect(ctx, id, "ready") })
}

// controlElsewhere asks the third node for what the second one must do, whose
// caller talks to a phone of the first one's.
func controlElsewhere(ctx context.Context, l *lab) (err error) {
	const id = "1002"
	b, err := l.baresip(ctx, handset{id: id, by: "tls"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	if err = errors.Join(l.registered(ctx, id), l.onDuty(ctx, id)); err != nil {
		return err
	}
	caller, err := l.call(ctx, []string{gold}, 1, 0, '1')
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, caller.kill())
		}
	}()
	if err = l.expect(ctx, id, "talking"); err != nil {
		return err
	}
	err = l.with(l.others[1], func() error {
		_, asked := l.held(ctx, id, "hold")
		if asked != nil {
			return asked
		}
		call, asked := l.held(ctx, id, "resume")
		if asked != nil {
			return asked
		}
		out, asked := l.cli(ctx, "trace", call)
		if asked == nil && !strings.Contains(out, "INVITE") {
			asked = fmt.Errorf("the trace of another node's call:\n%s", out)
		}
		return asked
	})
	if err != nil {
		return err
	}
	if err = b.hangup(ctx); err != nil {
		return err
	}
	return errors.Join(caller.wait(20*time.Second), l.expect(ctx, id, "ready"))
}

// held has an agent hold his call or resume it, and waits until he does. It
// returns which call it is.
func (l *lab) held(ctx context.Context, id, action string) (call string, err error) {
	if _, err = l.cli(ctx, "call", id, action); err != nil {
		return "", err
	}
	err = bed.Eventually(10*time.Second, func() error {
		var a struct {
			Held bool   `json:"held"`
			Call string `json:"call"`
		}
		failed := l.node.Get(ctx, "/api/v1/agents/"+id, &a)
		if failed == nil && a.Held != (action == "hold") {
			failed = fmt.Errorf("%s at %s: held %v", action, l.node.Name, a.Held)
		}
		call = a.Call
		return failed
	})
	return call, err
}

func lockedEverywhere(ctx context.Context, l *lab) error {
	try := func(keys string, last time.Duration, hear string) func() error {
		return func() error {
			out, err := l.dial(ctx, forgetful, "10001", keys, last)
			if err == nil {
				err = inOrder(out, told("zh", hear))
			}
			if err != nil {
				return fmt.Errorf("%s at %s: %w", keys, l.node.Name, err)
			}
			return nil
		}
	}
	wrong := "1,000000,4s,000000,4s,000000"
	err := l.with(l.others[0], try(wrong, 22*time.Second, "auth_failed"))
	if err == nil {
		err = try(wrong, 22*time.Second, "auth_locked")()
	}
	if err == nil {
		err = l.with(l.others[1], try("1,136018", 8*time.Second, "auth_locked"))
	}
	if err != nil {
		return err
	}
	err = l.with(l.others[1], func() error {
		_, cleared := l.cli(ctx, "lockouts", "clear", "pin", "C0018")
		return cleared
	})
	if err != nil {
		return err
	}
	return l.with(l.others[0], func() error {
		out, err := l.cli(ctx, "lockouts")
		if err == nil && strings.Contains(out, "C0018") {
			err = fmt.Errorf("what was cleared at one node is locked at another:\n%s", out)
		}
		return err
	})
}

// sealedLogs runs after calls and PINs.
func sealedLogs(ctx context.Context, l *lab) error {
	for _, n := range append(l.others, l.node) {
		if err := sealed(n); err != nil {
			return err
		}
	}
	n := l.others[1]
	key := filepath.Join(n.Dir, "data", "node.key")
	if out, err := exec.CommandContext(ctx, n.Binary, "node", "key", key).CombinedOutput(); err != nil {
		return fmt.Errorf("make a new key: %w\n%s", err, out)
	}
	if err := errors.Join(n.Stop(), n.Start(ctx)); err != nil {
		return fmt.Errorf("with a new key: %w", err)
	}
	log, err := os.ReadFile(n.LogFile())
	if err != nil || !bytes.Contains(log, []byte("a new key of the node is in use")) {
		return errors.Join(errors.New("the node doesn't speak of its new key"), err)
	}
	keys, err := os.ReadFile(key)
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	fresh, old, _ := strings.Cut(string(keys), "\n")
	if err = errors.Join(n.Stop(), os.WriteFile(key, []byte(old), 0o600)); err != nil {
		return err
	}
	if err = n.Start(ctx); err == nil || !strings.Contains(err.Error(), "sealed with a key that is not here") {
		return fmt.Errorf("with the old key alone: %w", err)
	}
	if err = os.WriteFile(key, []byte(fresh+"\n"), 0o600); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	if err = n.Start(ctx); err != nil {
		return fmt.Errorf("with the new key alone: %w", err)
	}
	return sealed(n)
}

// sealed looks for what stands in entries: names of their fields, callers, steps
// of menus, the flow's name.
func sealed(n *bed.Node) error {
	files, sum := 0, 0
	err := filepath.WalkDir(filepath.Join(n.Dir, "data", "raft"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		files++
		sum += len(bytes.Trim(b, "\x00"))
		for _, sign := range []string{`"call"`, `"bundle"`, `"agent"`, forgetful, gold, "136018", "demo-100", "main_menu"} {
			if bytes.Contains(b, []byte(sign)) {
				return fmt.Errorf("%s can be read in %s of %s", sign, path, n.Name)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if files < 4 || sum < 10_000 {
		return fmt.Errorf("the log of %s has %d files with %d bytes: nothing to look at", n.Name, files, sum)
	}
	return nil
}
