package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// boss is the demo's supervisor of everybody.
const boss = "1008"

// superviseSteps let a supervisor into a call: who hears whom is told by tones.
func superviseSteps() []step {
	c := &control{phones: map[string]*baresip{}, agents: []string{"1001", boss}}
	return []step{
		{"an agent and a supervisor register", c.begin},
		{"listen: she hears both, nobody hears her", c.listens},
		{"whisper, barge and back by command", c.modes},
		{"the same by the keys of her phone", c.keyed},
		{"take over by *4: the agent is out of it, the caller hears her; the record says so", c.takes},
		{"who is no supervisor may not", c.mayNot},
		{"an agent who holds the caller is reminded; nobody has waited in silence", c.reminds},
		{"her phone dies in the middle: caller and agent hear each other as before", c.dies},
	}
}

// Who hears whom.
func inMode(mode string) hearing {
	h := hearing{"caller": "1001", "1001": "caller", boss: "1001+caller"}
	switch mode {
	case "whisper":
		h["1001"] = boss + "+caller"
	case "barge":
		h["1001"], h["caller"] = boss+"+caller", "1001+"+boss
	}
	return h
}

// supervises gives a command, and then everybody hears whom he should.
func (c *control) supervises(ctx context.Context, l *lab, want hearing, args ...string) error {
	if _, err := l.cli(ctx, append([]string{"supervise", boss}, args...)...); err != nil {
		return err
	}
	if err := c.ears.expect(want); err != nil {
		return fmt.Errorf("supervise %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

func (c *control) listens(ctx context.Context, l *lab) error {
	err := c.call(ctx, l)
	if err == nil {
		err = c.ears.expect(hearing{"caller": "1001", "1001": "caller"})
	}
	if err == nil {
		err = c.supervises(ctx, l, inMode("listen"), "1001")
	}
	return err
}

func (c *control) modes(ctx context.Context, l *lab) error {
	for _, mode := range []string{"whisper", "barge", "listen"} {
		if err := c.supervises(ctx, l, inMode(mode), mode); err != nil {
			return err
		}
	}
	return nil
}

func (c *control) keyed(ctx context.Context, _ *lab) error {
	for key, mode := range map[string]string{"2": "whisper", "3": "barge"} {
		err := errors.Join(c.phones[boss].press(ctx, "sndcode", "*"), c.phones[boss].press(ctx, "sndcode", key))
		if err == nil {
			err = c.ears.expect(inMode(mode))
		}
		if err != nil {
			return fmt.Errorf("*%s: %w", key, err)
		}
	}
	return nil
}

func (c *control) takes(ctx context.Context, l *lab) error {
	err := errors.Join(c.phones[boss].press(ctx, "sndcode", "*"), c.phones[boss].press(ctx, "sndcode", "4"))
	if err == nil {
		err = c.ears.expect(hearing{"caller": boss, boss: "caller"})
	}
	if err == nil {
		err = l.expect(ctx, "1001", "ready")
	}
	if err == nil {
		err = c.over(ctx, l, boss)
	}
	if err != nil {
		return err
	}
	if _, err = l.count(ctx); err != nil { // waits for the record
		return err
	}
	records, err := l.records(ctx)
	if err != nil || len(records) == 0 {
		return errors.Join(errors.New("no record"), err)
	}
	story := records[0].story()
	for _, part := range []string{"talk 1001", "supervision " + boss, "talk " + boss} {
		if !strings.Contains(story, part) {
			return fmt.Errorf("the record says %s, nothing of %s", story, part)
		}
	}
	return nil
}

func (c *control) mayNot(ctx context.Context, l *lab) error {
	if err := c.call(ctx, l); err != nil {
		return err
	}
	out, err := l.cli(ctx, "supervise", "1001", boss)
	if err == nil {
		return fmt.Errorf("agent 1001 may supervise: %s", out)
	}
	return c.ears.expect(hearing{"caller": "1001", "1001": "caller"})
}

func (c *control) reminds(ctx context.Context, l *lab) error {
	err := c.does(ctx, l, hearing{"caller": "music"}, "1001 hold")
	if err == nil {
		err = bed.Eventually(8*time.Second, func() error {
			n, failed := l.node.Metric(ctx, "tierline_hold_reminders_total")
			if failed == nil && n == 0 {
				failed = errors.New("the agent is not reminded of the caller on hold")
			}
			return failed
		})
	}
	if err == nil {
		err = c.does(ctx, l, hearing{"caller": "1001", "1001": "caller"}, "1001 resume")
	}
	for _, where := range []string{"queue", "menu", "conversation", "transfer", "beginning"} {
		n, failed := l.node.Metric(ctx, `tierline_silences_ended_total{in="`+where+`"}`)
		if failed == nil && n > 0 {
			failed = fmt.Errorf("a caller heard nothing in a %s", where)
		}
		err = errors.Join(err, failed)
	}
	return err
}

func (c *control) dies(ctx context.Context, l *lab) error {
	err := c.supervises(ctx, l, inMode("barge"), "1001", "barge")
	if err == nil {
		err = c.phones[boss].cmd.Process.Kill()
	}
	for range 2 { // at once, and a while later; what is sent to her comes to nobody
		if err == nil {
			err = c.ears.expect(inMode("listen"))
		}
		time.Sleep(time.Second)
	}
	if err == nil {
		err = c.over(ctx, l, "1001")
	}
	return err
}
