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

// referNumber is answered by a flow that has the caller's own switch call
// somebody at movedPort.
const (
	referNumber = "1911"
	movedPort   = 5097
)

// referDocuments adds that flow and its destination.
func referDocuments(to, outward string) error {
	flow := strings.NewReplacer("e2e_early", "e2e_refer", "e2e_away", "e2e_moved").Replace(earlyFlow)
	if err := os.WriteFile(filepath.Join(to, "flows", "e2e_refer.yaml"), []byte(flow), 0o600); err != nil {
		return fmt.Errorf("write flow: %w", err)
	}
	return errors.Join(
		extend(to, "transfers.yaml", fmt.Sprintf(
			"\n  e2e_moved: {uri: \"sip:moved@%s:%d\", mode: refer, ring_time: 20s}\n", outward, movedPort)),
		extend(to, "numbers.yaml", fmt.Sprintf("\n  - {number: %q, flow: e2e_refer}\n", referNumber)),
	)
}

// referred has a baresip called elsewhere by itself: the switch is out of the call
// when the other one has answered, and the two go on.
func referred(ctx context.Context, l *lab) error {
	before, err := l.count(ctx)
	if err != nil {
		return err
	}
	moved, err := startSipp(ctx, l.work, peer{
		scenario: "agent", sound: []part{hum(agentHz, 20*time.Second)}, ring: 200 * time.Millisecond,
		ip: l.callerIP, port: movedPort, mediaPort: l.media(agentPort), number: "moved", calls: 1,
	})
	if err != nil {
		return err
	}
	caller, err := l.baresip(ctx, handset{id: "13800138010", caller: true, hz: callerHz})
	if err != nil {
		return errors.Join(err, moved.kill())
	}
	err = bed.Eventually(5*time.Second, func() error { // it may still be starting
		return caller.press(ctx, "dial", fmt.Sprintf("sip:%s@%s", referNumber, l.node.Address()))
	})
	if err == nil {
		err = l.movedRecord(ctx, before+1)
	}
	if err = errors.Join(err, caller.hangup(ctx), moved.wait(15*time.Second), caller.stop()); err != nil {
		return errors.Join(err, moved.kill())
	}
	return nil
}

// movedRecord wants the newest record to be of a caller who was moved.
func (l *lab) movedRecord(ctx context.Context, n int) error {
	c, err := l.record(ctx, n)
	if err != nil {
		return err
	}
	if len(c.Notes) != 1 || c.Notes[0].Name != "e2e_moved" || c.Notes[0].Value != "answered" || c.EndedBy != "switch" {
		return fmt.Errorf("record %+v", c)
	}
	return nil
}
