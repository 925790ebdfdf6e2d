package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// recordingCut kills the switch in a conversation, which goes on: what was recorded
// is repaired, and the rest is a file of its own.
func recordingCut(ctx context.Context, l *lab) error {
	const from = "13970000001"
	_, err := l.recordCalls(ctx, recordedCall{
		number: recordedBridge, from: from, before: 500 * time.Millisecond, ring: 300 * time.Millisecond,
		talk: 9 * time.Second, sound: []part{hum(callerHz, 15*time.Second)}, files: 2,
		during: func(ctx context.Context, _ string) error {
			time.Sleep(3 * time.Second)
			return errors.Join(l.node.Kill(), l.node.Start(ctx))
		},
	})
	if err != nil {
		return err
	}
	all, err := l.recordingsOf(ctx, from, 2)
	if err != nil {
		return err
	}
	for i, r := range all {
		for side, hz := range []float64{callerHz, agentHz} {
			heard := r.tones(side, hz)[hz]
			err = errors.Join(err, lasts(fmt.Sprintf("file %d, side %d", i+1, side+1), heard, time.Second))
		}
	}
	return err
}
