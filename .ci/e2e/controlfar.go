package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// queues has a younger caller wait while the elder one is sent back into the
// line: the agent gets the elder one again.
func (c *control) queues(ctx context.Context, l *lab) error {
	if err := c.call(ctx, l); err != nil {
		return err
	}
	if err := l.onDuty(ctx); err != nil && !strings.Contains(err.Error(), "409") { // 1001 goes when he has finished
		return err
	}
	if err := l.command(ctx, "1001", "ready"); err != nil {
		return err
	}
	media := l.media(callerPort)
	c.ears.ports["younger"] = [2]uint16{uint16(media), uint16(media)} //nolint:gosec // a port
	defer delete(c.ears.ports, "younger")
	younger, err := startSipp(ctx, l.work, peer{
		scenario: "caller", sound: []part{hum(callerHz, 60*time.Second)}, ip: l.callerIP, port: l.port(),
		mediaPort: media, number: controlNumber, lines: []string{standard + ";"}, calls: 1, rate: 1,
		target: l.node.Address(),
	})
	if err != nil {
		return err
	}
	if err = c.requeued(ctx, l); err == nil {
		err = younger.wait(5 * time.Second)
	}
	if err != nil {
		return errors.Join(err, younger.kill())
	}
	if _, err = l.count(ctx); err != nil { // waits for the records
		return err
	}
	records, err := l.records(ctx)
	if err != nil || len(records) < 2 {
		return errors.Join(errors.New("no records"), err)
	}
	for _, r := range records[:2] {
		if story := r.story(); r.From == "+86"+gold && strings.Count(story, "queue ; offer 1001; talk 1001; ") != 2 {
			err = fmt.Errorf("the record says %s", story)
		}
	}
	return err
}

// requeued sends the elder caller back and ends both calls, one after the other.
func (c *control) requeued(ctx context.Context, l *lab) error {
	talk := hearing{"caller": "1001", "1001": "caller", "younger": "music"}
	err := c.ears.expect(talk)
	if err == nil {
		err = c.again(ctx, l, "1001 transfer --queue e2e_control")
	}
	if err == nil {
		err = c.ears.expect(talk)
	}
	if err == nil {
		err = errors.Join(c.phones["1001"].hangup(ctx), c.caller.wait(5*time.Second))
	}
	if err == nil {
		err = c.ears.expect(hearing{"younger": "1001", "1001": "caller"}) // they speak at one frequency
	}
	if err == nil {
		err = c.phones["1001"].hangup(ctx)
	}
	return err
}

// again gives a command after which 1001 talks to somebody anew.
func (c *control) again(ctx context.Context, l *lab, command string) error {
	given := time.Now()
	if _, err := l.cli(ctx, append([]string{"call"}, strings.Fields(command)...)...); err != nil {
		return err
	}
	return bed.Eventually(10*time.Second, func() error {
		asked := time.Now()
		a, err := l.agent(ctx, "1001")
		began := asked.Add(-time.Duration(a.ForMS) * time.Millisecond) // or later
		if err == nil && (a.State != "talking" || !began.After(given)) {
			err = fmt.Errorf("after %s, 1001 is %s for %d ms", command, a.State, a.ForMS)
		}
		return err
	})
}

// refers presses baresip's transfer key.
func (c *control) refers(ctx context.Context, l *lab) error {
	err := c.call(ctx, l)
	if err == nil {
		err = c.phones["1001"].press(ctx, "transfer", "sip:1002@"+l.node.Address())
	}
	if err == nil {
		err = c.ears.expect(hearing{"caller": "1002", "1002": "caller"})
	}
	if err == nil {
		err = l.expect(ctx, "1001", "ready")
	}
	if err == nil {
		err = c.over(ctx, l, "1002")
	}
	return err
}

// outside is a phone outside.
func (c *control) outside(ctx context.Context, l *lab, hang time.Duration) (*sipp, error) {
	media := l.media(callerPort)
	c.ears.ports["far"] = [2]uint16{uint16(media), uint16(media)} //nolint:gosec // a port
	return startSipp(ctx, l.work, peer{
		scenario: "agent", sound: []part{hum(farHz, 60*time.Second)}, ring: 500 * time.Millisecond, hang: hang,
		ip: l.callerIP, port: outwardPort, mediaPort: media, number: "customer", calls: 1,
	})
}

func (c *control) leaves(ctx context.Context, l *lab) error {
	err := c.call(ctx, l)
	if err != nil {
		return err
	}
	far, err := c.outside(ctx, l, 6*time.Second)
	if err != nil {
		return err
	}
	err = c.does(ctx, l, hearing{"caller": "far", "far": "caller"}, "1001 transfer --number 057187651000")
	if err == nil {
		err = l.expect(ctx, "1001", "ready")
	}
	if err != nil {
		return errors.Join(err, far.kill())
	}
	return errors.Join(far.wait(20*time.Second), c.caller.wait(5*time.Second))
}

func (c *control) dialsOut(ctx context.Context, l *lab) error {
	far, err := c.outside(ctx, l, 0)
	if err != nil {
		return err
	}
	delete(c.ears.ports, "caller")
	err = errors.Join(
		l.onDuty(ctx, "1001", "1002"),
		c.phones["1001"].press(ctx, "dial", "sip:057187651000@"+l.node.Address()),
		l.expect(ctx, "1001", "talking"), c.ears.expect(hearing{"far": "1001", "1001": "far"}),
	)
	if err == nil {
		err = c.does(ctx, l, hearing{"far": "music"}, "1001 hold")
	}
	if err == nil {
		err = c.does(ctx, l, hearing{"far": "1002", "1002": "far"}, "1001 resume", "1001 transfer --agent 1002")
	}
	if err == nil {
		err = c.phones["1002"].hangup(ctx)
	}
	if err != nil {
		return errors.Join(err, far.kill())
	}
	return errors.Join(far.wait(5*time.Second), l.expect(ctx, "1001", "ready"), l.expect(ctx, "1002", "ready"))
}

// joins needs a phone that sends Replaces: this baresip can't.
func (c *control) joins(ctx context.Context, l *lab) error {
	err := c.phones["1001"].stop()
	if err != nil {
		return err
	}
	delete(c.ears.ports, "1001") // linphone takes any
	phone, err := l.linphone(ctx, "1001", "udp", "none")
	if err != nil {
		return err
	}
	if err = errors.Join(l.registered(ctx, "1001"), c.call(ctx, l)); err == nil {
		err = c.ears.expect(hearing{"caller": "1001"})
	}
	if err == nil {
		_, err = io.WriteString(phone.keys, "pause\n")
	}
	if err == nil {
		err = c.ears.expect(hearing{"caller": "music"})
	}
	if err == nil {
		_, err = io.WriteString(phone.keys, "call sip:1002@"+l.node.Address()+"\n")
	}
	if err == nil {
		err = c.ears.expect(hearing{"caller": "music", "1002": "1001"})
	}
	if err == nil {
		_, err = io.WriteString(phone.keys, "transfer 1 --to-call 2\n")
	}
	if err == nil {
		err = c.ears.expect(hearing{"caller": "1002", "1002": "caller"})
	}
	if err == nil {
		err = errors.Join(l.expect(ctx, "1001", "ready"), c.over(ctx, l, "1002"))
	}
	err = errors.Join(err, phone.stop(), c.phones["1002"].stop(), c.phones["1003"].stop())
	c.ears.tap.close()
	return err
}
