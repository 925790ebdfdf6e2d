package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

func steps() []step {
	return []step{
		{"peers: sipp and the tap understand each other without a switch", peersAlone},
	}
}

// peersAlone lets sipp call sipp, so that a failure later is the switch's.
func peersAlone(ctx context.Context, l *lab) error {
	own, err := openTap(agentIP, callerHz, agentHz)
	if err != nil {
		return err
	}
	defer own.close()
	agent, err := startSipp(ctx, l.work, peer{
		scenario: "agent", sound: []part{hum(agentHz, 2*time.Second)}, ring: 100 * time.Millisecond, hang: 2500 * time.Millisecond,
		ip: agentIP, port: 5060, mediaPort: agentPort, number: "1001", calls: 1,
	})
	if err != nil {
		return err
	}
	time.Sleep(300 * time.Millisecond) // sipp does not say when it listens
	caller, err := startSipp(ctx, l.work, peer{
		scenario: "caller", sound: []part{silence(time.Second), press('1'), hum(callerHz, time.Second)},
		ip: callerIP, port: 5060, mediaPort: callerPort, number: "1001", lines: []string{"13800138000;"}, calls: 1, rate: 1,
		target: agentIP + ":5060",
	})
	if err != nil {
		return errors.Join(err, agent.kill())
	}
	if err := errors.Join(caller.wait(20*time.Second), agent.wait(20*time.Second)); err != nil {
		return err
	}
	heard := own.toPort(callerPort, callerPort, agentHz)
	if len(heard) != 1 || heard[0] < time.Second {
		return fmt.Errorf("the caller heard %v of the agent", heard)
	}
	return nil
}
