package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tierline/media/wav"
)

const (
	outwardPort = 5099          // where the trunk's calls outward go
	waiting     = "15700157038" // standard, zh
	forgetful   = "13600136018" // gold, zh; his PIN is 136018
)

// cli runs the binary against the node's API.
func (l *lab) cli(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, l.node.Binary, append(args, "--server", l.node.URL(""))...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("tierline %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// callBack lets a caller ask for a call-back while he waits and hang up. When an
// agent is there, his phone rings first and then the caller's.
func callBack(ctx context.Context, l *lab) error {
	before, err := l.count(ctx)
	if err != nil {
		return err
	}
	port := l.port()
	if err = errors.Join(l.register(ctx, port, "1004"), l.onDuty(ctx)); err != nil {
		return err
	}
	if err = l.askForCallBack(ctx); err != nil {
		return err
	}
	if err = l.calledBack(ctx, port); err != nil {
		return err
	}
	c, err := l.record(ctx, before+2)
	if err != nil {
		return err
	}
	if story := c.story(); c.Direction != "out" || !c.Answered || c.Agent != "1004" || c.Cause != "done" ||
		!strings.Contains(story, "offer 1004; dial 1004; talk 1004;") {
		return fmt.Errorf("record %s: %+v", story, c)
	}
	open, err := l.cli(ctx, "callbacks")
	if err == nil && strings.Contains(open, waiting) {
		err = fmt.Errorf("it is open still:\n%s", open)
	}
	return err
}

func (l *lab) askForCallBack(ctx context.Context) error {
	out, err := l.dial(ctx, waiting, "10000", "1,1,12s,1,1", 33*time.Second)
	if err == nil {
		err = inOrder(out, told("zh", "hold_self callback_offer callback_no_is", read("zh", "phone", "+86"+waiting),
			"callback_when callback_ok bye"))
	}
	if err != nil {
		return err
	}
	open, err := l.cli(ctx, "callbacks")
	if err != nil || !strings.Contains(open, waiting) {
		return errors.Join(fmt.Errorf("tierline callbacks does not show it:\n%s", open), err)
	}
	return nil
}

// calledBack makes the agent ready: his phone rings, then the customer's, and
// they hear one another.
func (l *lab) calledBack(ctx context.Context, port int) error {
	l.tap.reset()
	agent, err := l.phone(ctx, port, 1, 300*time.Millisecond, 0)
	if err != nil {
		return err
	}
	customer, err := startSipp(ctx, l.work, peer{
		scenario: "agent", sound: []part{hum(callerHz, 20*time.Second)}, ring: 500 * time.Millisecond,
		hang: 9 * time.Second, ip: l.callerIP, port: outwardPort, mediaPort: l.media(callerPort), number: "customer",
		calls: 1,
	})
	if err != nil {
		return errors.Join(err, agent.kill())
	}
	if err = l.command(ctx, "1004", "ready"); err != nil {
		return errors.Join(err, agent.kill(), customer.kill())
	}
	if err = errors.Join(customer.wait(30*time.Second), agent.wait(10*time.Second)); err != nil {
		return err
	}
	return errors.Join(l.callersHeard(1, 2*time.Second), l.agentsHeard(1, 2*time.Second))
}

// story is a record's segments in a line.
func (c cdr) story() string {
	var b strings.Builder
	for _, s := range c.Segments {
		b.WriteString(s.Kind + " " + s.Agent + "; ")
	}
	return b.String()
}

// lockedOut tries wrong PINs in two calls; the account is locked in the third,
// too, until somebody clears it.
func lockedOut(ctx context.Context, l *lab) error {
	for _, c := range []struct{ keys, hear string }{
		{"1,000000,4s,000000,4s,000000", "auth_failed"},
		{"1,000000,4s,000000,4s,000000", "auth_locked"},
		{"1,136018", "auth_locked"},
	} {
		out, err := l.dial(ctx, forgetful, "10001", c.keys, 22*time.Second)
		if err == nil {
			err = inOrder(out, told("zh", c.hear))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.keys, err)
		}
	}
	locked, err := l.cli(ctx, "lockouts")
	if err != nil || !strings.Contains(locked, "pin") || strings.Contains(locked, "000000") {
		return errors.Join(fmt.Errorf("tierline lockouts says\n%s", locked), err)
	}
	if _, err = l.cli(ctx, "lockouts", "clear", "pin", "C0018"); err != nil {
		return err
	}
	out, err := l.dial(ctx, forgetful, "10001", "1,136018", 10*time.Second)
	if err == nil {
		err = inOrder(out, told("zh", "ask_pin bill_intro"))
	}
	return err
}

// voicemail leaves a message and finds it, with the caller's voice in it.
func voicemail(ctx context.Context, l *lab) error {
	before, err := l.count(ctx)
	if err != nil {
		return err
	}
	out, err := l.dial(ctx, zhou, "10001", "6,2,8s,#,2,5s,1", 32*time.Second, "--expect-tone", "1400")
	if err == nil { // he has listened to himself, too
		err = inOrder(out, told("zh", "after_beep msg_review msg_thanks"))
	}
	if err != nil {
		return err
	}
	c, err := l.record(ctx, before+1)
	if err != nil {
		return err
	}
	if len(c.Notes) != 1 || c.Notes[0].Kind != "recording" || c.Notes[0].Name != "message" {
		return fmt.Errorf("the record holds no message: %+v", c.Notes)
	}
	return holdsVoice(filepath.Join(l.node.Dir, "data", "messages"), c.Notes[0].Value)
}

// holdsVoice finds a message in a directory and checks that half of it is loud.
func holdsVoice(dir, name string) error {
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(path, strings.TrimSuffix(name, ".wav")) {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) != 1 {
		return errors.Join(fmt.Errorf("%s is in %v", name, found), err)
	}
	b, err := os.ReadFile(found[0])
	if err != nil {
		return fmt.Errorf("read message: %w", err)
	}
	a, err := wav.Decode(b)
	if err != nil {
		return fmt.Errorf("read message: %w", err)
	}
	loud, samples := 0, a.Samples()
	for _, s := range samples {
		if s > 1000 || s < -1000 {
			loud++
		}
	}
	if len(samples) < 2*wav.Rate || loud < len(samples)/2 {
		return fmt.Errorf("%d of %d samples of the message are voice", loud, len(samples))
	}
	return nil
}
