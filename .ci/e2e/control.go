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

const (
	controlNumber = "1941" // leads straight to people
	controlRing   = "805"  // how agents reach its queue
	farHz         = 500.0
	lastHz        = 1250.0 // of the fourth agent
)

const controlFlow = `version: 1
flow: e2e_control
languages: [en]
start: wait
nodes:
  wait:
    {type: queue, queue: e2e_control, hold: [music], then: {abandoned: "@hangup", full: bye, timeout: bye}, after: bye}
  bye: {type: hangup}
prompts:
  music: {file: music/hold-1.wav}
`

// control is agents with baresip, and callers. The first agent is called.
type control struct {
	agents []string
	by     map[string]string // transports of their phones
	phones map[string]*baresip
	ears   *ears
	caller *sipp
}

func controlSteps() []step {
	c := &control{phones: map[string]*baresip{}, agents: []string{"1001", "1002", "1003"}}
	return []step{
		{"three agents register", c.begin},
		{"hold, resume, mute by command, phone and code: the caller hears music, or nothing", c.holds},
		{"consult: the caller hears music, the agents one another; swap; attended transfer; phones show it", c.consults},
		{"conference; the one who served it leaves, two are left; the record, and a recording for each agent", c.confers},
		{"blind transfer into a queue: the place is kept, and the next agent has the caller", c.queues},
		{"the phone's transfer key: REFER to a colleague", c.refers},
		{"transfer to a number outside", c.leaves},
		{"an agent calls a customer outside, and hands him over", c.dialsOut},
		{"linphone asks on a second line and joins the two: REFER with Replaces", c.joins},
	}
}

// begin gives the switch a number, and starts everybody.
func (c *control) begin(ctx context.Context, l *lab) error {
	if err := errors.Join(controlDocuments(l.node.Service), l.node.Stop(), l.node.Start(ctx)); err != nil {
		return err
	}
	return c.arrive(ctx, l)
}

func controlDocuments(dir string) error {
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "flows", "e2e_control.yaml"), []byte(controlFlow), 0o600),
		appendTo(filepath.Join(dir, "queues.yaml"), fmt.Sprintf(
			"  e2e_control: {requirement: 'lang.zh>=3', wrap_up: 0s, hold_reminder: 5s, record: {from: bridge}, "+
				"extension: %q}\n", controlRing)),
		appendTo(filepath.Join(dir, "numbers.yaml"), fmt.Sprintf("  - {number: %q, flow: e2e_control}\n", controlNumber)),
	)
}

// arrive starts the agents' phones.
func (c *control) arrive(ctx context.Context, l *lab) (err error) {
	c.ears = &ears{
		hz: map[string]float64{"caller": callerHz, "far": farHz}, ports: map[string][2]uint16{},
	}
	for i, id := range c.agents {
		c.ears.hz[id] = []float64{agentHz, 900, 1100, lastHz}[i]
	}
	if c.ears.tap, err = openTap(l.switchIP, callerHz, agentHz, 900, 1100, lastHz, farHz); err != nil {
		return err
	}
	for i, id := range c.agents {
		rtp := 31200 + 40*(l.block%50) + 10*i
		c.ears.ports[id] = [2]uint16{uint16(rtp), uint16(rtp + 9)} //nolint:gosec // a port
		if c.phones[id], err = l.baresip(ctx, handset{id: id, by: c.by[id], hz: c.ears.hz[id], rtp: rtp}); err != nil {
			return err
		}
	}
	for id := range c.phones {
		if err = l.registered(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) registered(ctx context.Context, id string) error {
	return bed.Eventually(8*time.Second, func() error {
		a, err := l.agent(ctx, id)
		if err == nil && len(a.Phones) == 0 {
			err = fmt.Errorf("the phone of %s did not register", id)
		}
		return err
	})
}

// call makes a caller talk to 1001; the others are ready after that.
func (c *control) call(ctx context.Context, l *lab) (err error) {
	if _, err = l.count(ctx); err != nil {
		return err
	}
	if err = l.onDuty(ctx, "1001"); err != nil {
		return err
	}
	if err = c.calls(ctx, l, hum(callerHz, 90*time.Second)); err == nil {
		err = l.expect(ctx, "1001", "talking")
	}
	for _, id := range c.agents[1:] {
		if err == nil {
			err = errors.Join(l.command(ctx, id, "ready"), l.expect(ctx, id, "ready"))
		}
	}
	return err
}

// calls makes a caller who says something.
func (c *control) calls(ctx context.Context, l *lab, sound ...part) (err error) {
	c.caller, err = c.callsTo(ctx, l, controlNumber, "caller", sound...)
	return err
}

// callsTo makes one of several callers, whom the ears know by a name.
func (c *control) callsTo(ctx context.Context, l *lab, number, name string, sound ...part) (*sipp, error) {
	media := l.media(callerPort)
	c.ears.ports[name] = [2]uint16{uint16(media), uint16(media)} //nolint:gosec // a port
	return startSipp(ctx, l.work, peer{
		scenario: "caller", sound: sound, ip: l.callerIP, port: l.port(), mediaPort: media,
		number: number, lines: []string{gold + ";"}, calls: 1, rate: 1, target: l.node.Address(),
	})
}

// over ends the call at an agent's phone.
func (c *control) over(ctx context.Context, l *lab, id string) error {
	if err := c.phones[id].hangup(ctx); err != nil {
		return err
	}
	return errors.Join(c.caller.wait(5*time.Second), l.expect(ctx, id, "ready"))
}

// does gives commands, and then everybody hears whom he should.
func (c *control) does(ctx context.Context, l *lab, want map[string]string, commands ...string) error {
	for _, line := range commands {
		if _, err := l.cli(ctx, append([]string{"call"}, strings.Fields(line)...)...); err != nil {
			return err
		}
	}
	if err := c.ears.expect(want); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(commands, ", "), err)
	}
	return nil
}

type hearing = map[string]string

func (c *control) holds(ctx context.Context, l *lab) error {
	both := hearing{"caller": "1001", "1001": "caller"}
	err := c.call(ctx, l)
	if err == nil {
		err = c.ears.expect(both)
	}
	if err == nil {
		err = c.does(ctx, l, hearing{"caller": "music"}, "1001 hold")
	}
	if err == nil {
		err = c.does(ctx, l, both, "1001 resume")
	}
	if err == nil {
		err = c.does(ctx, l, hearing{"1001": "caller"}, "1001 mute")
	}
	if err == nil {
		err = c.does(ctx, l, both, "1001 unmute")
	}
	if err == nil { // and by the phone's own key
		err = c.phones["1001"].press(ctx, "hold", "")
	}
	if err == nil {
		err = c.ears.expect(hearing{"caller": "music"})
	}
	if err == nil {
		err = errors.Join(c.phones["1001"].press(ctx, "resume", ""), c.ears.expect(both))
	}
	for _, want := range []hearing{{"caller": "music"}, both} { // and by the code *20
		for _, key := range []string{"*", "2", "0"} {
			if err == nil {
				err = c.phones["1001"].press(ctx, "sndcode", key)
			}
		}
		if err == nil {
			err = c.ears.expect(want)
		}
	}
	return err
}

func (c *control) consults(ctx context.Context, l *lab) error {
	asks := hearing{"caller": "music", "1001": "1002", "1002": "1001"}
	err := c.does(ctx, l, asks, "1001 consult --agent 1002")
	if err == nil {
		err = l.shows(ctx, gold, "1001", "1002")
	}
	if err == nil {
		err = c.does(ctx, l, hearing{"caller": "1001", "1001": "caller", "1002": "music"}, "1001 swap")
	}
	if err == nil {
		err = c.does(ctx, l, asks, "1001 swap")
	}
	if err == nil {
		err = c.does(ctx, l, hearing{"caller": "1002", "1002": "caller"}, "1001 transfer")
	}
	if err == nil {
		err = l.shows(ctx, gold, "1002", "+86"+gold)
	}
	if err == nil {
		err = l.expect(ctx, "1001", "ready")
	}
	return err
}

func (c *control) confers(ctx context.Context, l *lab) error {
	err := c.does(ctx, l, hearing{
		"caller": "1002+1003", "1002": "1003+caller", "1003": "1002+caller",
	}, "1002 conference --agent 1003")
	if err == nil {
		err = c.does(ctx, l, hearing{
			"caller": "1001+1002+1003", "1001": "1002+1003+caller", "1002": "1001+1003+caller", "1003": "1001+1002+caller",
		}, "1002 conference --agent 1001")
	}
	if err == nil {
		err = c.phones["1002"].hangup(ctx)
	}
	if err == nil {
		err = c.ears.expect(hearing{"caller": "1001+1003", "1001": "1003+caller", "1003": "1001+caller"})
	}
	if err == nil {
		err = c.does(ctx, l, hearing{"caller": "1003", "1003": "caller"}, "1003 drop 1001")
	}
	if err == nil {
		err = c.over(ctx, l, "1003")
	}
	if err == nil {
		err = c.written(ctx, l)
	}
	return err
}

// written checks the record of the call that three agents served, and that each
// of them has his recording of it.
func (c *control) written(ctx context.Context, l *lab) error {
	if _, err := l.count(ctx); err != nil { // waits for it
		return err
	}
	all, err := l.records(ctx)
	if err != nil || len(all) == 0 {
		return errors.Join(errors.New("no record"), err)
	}
	if story := all[0].story(); !strings.HasSuffix(story, "consult 1002; hold 1001; talk 1002; offer 1003; member 1003; "+
		"offer 1001; member 1001; talk 1003; ivr ; ") {
		return fmt.Errorf("the record says %s", story)
	}
	var list struct {
		Recordings []struct {
			Agent string `json:"agent"`
		} `json:"recordings"`
	}
	if err = l.node.Get(ctx, "/api/v1/recordings?call="+all[0].Call, &list); err != nil {
		return err
	}
	agents := map[string]bool{}
	for _, r := range list.Recordings {
		agents[r.Agent] = true
	}
	if len(agents) != 3 || len(list.Recordings) != 3 {
		return fmt.Errorf("recordings: %+v", list.Recordings)
	}
	return nil
}
