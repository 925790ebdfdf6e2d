package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// takeOverLane has three nodes; all peers know the first one only.
const takeOverLane = "take-over"

// unansweredNumber is that of people whose callers are answered with them.
const unansweredNumber = "1942"

// mortal is a cluster of which the first node is killed again and again.
type mortal struct {
	*control
	first *bed.Node
}

func takeOverSteps() []step {
	n := &mortal{control: &control{
		phones: map[string]*baresip{}, agents: []string{"1001", "1003", boss, "1004"}, by: map[string]string{"1004": "tcp"},
	}}
	return []step{
		{"agents and a supervisor register at one node, by UDP and TCP", n.arrive},
		{"kill -9 while a colleague is asked: everybody hears whom he heard, and the call goes on as before", n.asked},
		{"the node is back with its address; the operator's command has moved it there and back", n.isBack},
		{"kill -9 in a conference of three, and in a call that an agent made outside; one record of each", n.conferred},
		{"kill -9 in a call with a supervisor, who goes on whispering", n.overheard},
		{"kill -9 with a caller who isn't answered yet, and a customer whose phone rings for an agent", n.unanswered},
		{"kill -9 in calls with SRTP: linphone, and baresip by TLS that takes no new keys; all hear", n.encrypted},
		{"kill -9 in a call with a browser: the page comes again, and both hear each other", n.browsed},
	}
}

// startMortal makes the lab's node the first of three.
func (l *lab) startMortal(ctx context.Context) error {
	command := filepath.Join(l.work, "move-address")
	script := fmt.Sprintf("#!/bin/sh\necho \"$@\" >>%s\n", l.moves())
	//nolint:gosec // it must be possible to run it
	err := errors.Join(os.WriteFile(command, []byte(script), 0o700), controlDocuments(l.node.Service),
		appendTo(filepath.Join(l.node.Service, "numbers.yaml"),
			fmt.Sprintf("  - {number: %q, flow: e2e_control, answer: early}\n", unansweredNumber)))
	if err != nil {
		return fmt.Errorf("prepare the cluster: %w", err)
	}
	l.node.More += fmt.Sprintf("takeover: {mode: address, command: %s}\n", command)
	l.others = []*bed.Node{l.another(31), l.another(33)}
	return l.startAll(ctx, []*bed.Node{l.node, l.others[0], l.others[1]})
}

// moves is where the operator's command writes what it was told.
func (l *lab) moves() string { return filepath.Join(l.work, "moves") }

// kill kills the first node; from then on the second one is asked.
func (n *mortal) kill(l *lab) error {
	n.first = l.node
	l.node, l.others[0] = l.others[0], l.node
	return n.first.Kill()
}

// whole starts the node again if a step before has left it dead.
func (n *mortal) whole(ctx context.Context, l *lab) error {
	if n.first == nil || n.first.Running() {
		return nil
	}
	return n.again(ctx, l)
}

// again starts the node that was killed, and waits until it has its address.
func (n *mortal) again(ctx context.Context, l *lab) error {
	before, err := n.moved(l, "leave")
	if err != nil {
		return err
	}
	if err = n.first.Start(ctx); err != nil {
		return err
	}
	l.node, l.others[0] = l.others[0], l.node
	return bed.Eventually(10*time.Second, func() error {
		now, failed := n.moved(l, "leave")
		if failed == nil && now == before {
			failed = errors.New("the node has not got its address back")
		}
		return failed
	})
}

// moved counts how often the first node's address was taken or left.
func (n *mortal) moved(l *lab, how string) (int, error) {
	b, err := os.ReadFile(l.moves())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("read what the command was told: %w", err)
	}
	return strings.Count(string(b), fmt.Sprintf("%s %s %s\n", how, "n1", l.switchIP)), nil
}

// survives kills the node: everybody hears afterwards whom he heard before.
func (n *mortal) survives(l *lab, want hearing) error {
	if err := n.ears.expect(want); err != nil {
		return err
	}
	if err := n.kill(l); err != nil {
		return err
	}
	if err := n.ears.expect(want); err != nil {
		return fmt.Errorf("after kill -9: %w", err)
	}
	return nil
}

func (n *mortal) asked(ctx context.Context, l *lab) error {
	asks := hearing{"caller": "music", "1001": "1004", "1004": "1001"}
	err := n.call(ctx, l)
	if err == nil {
		err = n.does(ctx, l, asks, "1001 consult --agent 1004")
	}
	if err == nil {
		err = n.survives(l, asks)
	}
	if err == nil {
		err = n.does(ctx, l, hearing{"caller": "1001", "1001": "caller", "1004": "music"}, "1001 swap")
	}
	if err == nil {
		err = n.does(ctx, l, hearing{"caller": "1004", "1004": "caller"}, "1001 transfer")
	}
	return err
}

func (n *mortal) isBack(ctx context.Context, l *lab) error {
	err := n.again(ctx, l)
	if err == nil {
		err = n.ears.expect(hearing{"caller": "1004", "1004": "caller"})
	}
	if err == nil { // over a new connection, because the old one ended with the node
		err = errors.Join(n.phones["1004"].hangup(ctx), n.caller.wait(5*time.Second))
	}
	n.agents = n.agents[:3] // 1004 registers again within a minute
	if err != nil {
		return err
	}
	for _, how := range []string{"take", "leave"} {
		if times, failed := n.moved(l, how); failed != nil || times == 0 {
			return errors.Join(fmt.Errorf("the command was not told to %s the address", how), failed)
		}
	}
	return n.oneRecord(ctx, l, "talk 1001; hold 1001; offer 1004; consult 1004; talk 1004; ivr ; ")
}

// oneRecord waits until no call is left; each node has one record of the last
// one, that ends with a story.
func (n *mortal) oneRecord(ctx context.Context, l *lab, story string) error {
	if _, err := l.count(ctx); err != nil {
		return err
	}
	all, err := l.records(ctx)
	if err != nil || len(all) == 0 {
		return errors.Join(errors.New("no record"), err)
	}
	if got := all[0].story(); !strings.HasSuffix(got, story) {
		return fmt.Errorf("the record says %s", got)
	}
	for _, node := range l.others {
		if !node.Running() {
			continue
		}
		err = bed.Eventually(5*time.Second, func() error {
			var found struct {
				CDRs []cdr `json:"cdrs"`
			}
			if failed := node.Get(ctx, "/api/v1/cdrs?limit=1000", &found); failed != nil {
				return failed
			}
			if len(found.CDRs) != len(all) {
				return fmt.Errorf("%s has %d records, not %d", node.Name, len(found.CDRs), len(all))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
