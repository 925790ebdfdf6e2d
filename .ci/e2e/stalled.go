package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// phoneDies kills the phone of an agent in a conversation, as if it had lost its
// power. The caller gets another agent, and the first no other caller.
func phoneDies(ctx context.Context, l *lab) error {
	before, err := l.count(ctx)
	if err != nil {
		return err
	}
	dying, alive := l.port(), l.port()
	err = errors.Join(l.register(ctx, dying, "1001"), l.register(ctx, alive, "1004"), l.onDuty(ctx, "1001"))
	if err != nil {
		return err
	}
	first, err := l.phone(ctx, dying, 1, 200*time.Millisecond, 0)
	if err != nil {
		return err
	}
	second, err := l.phone(ctx, alive, 1, 200*time.Millisecond, 3*time.Second)
	if err != nil {
		return errors.Join(err, first.kill())
	}
	caller, err := startSipp(ctx, l.work, peer{
		scenario: "caller", sound: []part{silence(500 * time.Millisecond), press('1'), hum(callerHz, 30*time.Second)},
		ip: l.callerIP, port: l.port(), mediaPort: l.media(callerPort), number: recordedBridge,
		lines: []string{standard + ";"}, calls: 1, rate: 1, target: l.node.Address(),
	})
	if err != nil {
		return errors.Join(err, stopAll([]*sipp{first, second}))
	}
	if err = l.expect(ctx, "1001", "talking"); err == nil {
		time.Sleep(time.Second)
		err = errors.Join(first.kill(), l.command(ctx, "1004", "ready"))
	}
	if err != nil {
		return errors.Join(err, stopAll([]*sipp{caller, second}))
	}
	if err = errors.Join(caller.wait(40*time.Second), second.wait(time.Second)); err != nil {
		return err
	}
	c, err := l.record(ctx, before+1)
	if err != nil {
		return err
	}
	if story := c.story(); !strings.Contains(story, "talk 1001; queue ; offer 1004; talk 1004; ") {
		return fmt.Errorf("record: %s", story)
	}
	return bed.Eventually(3*time.Second, func() error {
		a, err := l.agent(ctx, "1001")
		if err == nil && (a.State != "not_ready" || a.Reason != "unreachable") {
			err = fmt.Errorf("the agent without a phone is %s (%s)", a.State, a.Reason)
		}
		return err
	})
}
