package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"tierline/.ci/bed"
)

// written is what a program has written so far.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *written) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(b)
}

// has waits until all of some texts were written.
func (w *written) has(words ...string) error {
	return bed.Eventually(15*time.Second, func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		return contains("what is followed", strings.Join(strings.Fields(w.text.String()), " "), words...)
	})
}

// followed watches a call while it runs, until it is over.
func followed(ctx context.Context, l *lab) error {
	b, err := l.baresip(ctx, handset{id: "1002"})
	if err != nil {
		return err
	}
	if err = errors.Join(l.registered(ctx, "1002"), l.onDuty(ctx, "1002")); err != nil {
		return errors.Join(err, b.stop())
	}
	p := peer{scenario: "caller", number: freeNumber, sound: []part{hum(callerHz, 60*time.Second)}}
	caller, err := l.caller(ctx, p)
	if err == nil {
		err = errors.Join(l.expect(ctx, "1002", "talking"), l.follow(ctx, b), caller.wait(15*time.Second))
	}
	return errors.Join(err, b.stop())
}

// follow expects each thing that the phone does to be told before the next one.
func (l *lab) follow(ctx context.Context, b *baresip) error {
	var out written
	cmd := exec.CommandContext(ctx, l.node.Binary,
		"trace", standard, "--follow", "--width", "160", "--server", l.node.URL(""))
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("follow a trace: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	err := out.has("waits in queue", "INVITE 1002", "are connected")
	if err == nil {
		err = errors.Join(b.press(ctx, "hold", ""), out.has("agent 1002 holds the call"))
	}
	if err == nil {
		err = errors.Join(b.press(ctx, "resume", ""), out.has("agent 1002 goes on with the call"))
	}
	if err == nil {
		err = errors.Join(b.hangup(ctx), out.has("BYE", "call is over: normal"))
	}
	select {
	case ended := <-done:
		return errors.Join(err, ended)
	case <-time.After(15 * time.Second):
		return errors.Join(err, errors.New("the follower doesn't end with the call"), cmd.Process.Kill())
	}
}
