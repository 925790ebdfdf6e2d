package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// earlyNumber is answered early by a flow that sends its caller outside.
const (
	earlyNumber = "1907"
	earlyFlow   = `version: 1
flow: e2e_early
languages: [en]
start: away
nodes:
  away: {type: transfer, to: e2e_away, then: {answered: bye, busy: bye, no_answer: bye, failed: bye}}
  bye: {type: hangup}
`
)

func dialogSteps() []step {
	return []step{
		{"timers: 422, an interval agreed on, refreshed by UPDATE and by a late offer", timedCaller},
		{"late offer: the ACK of the caller's INVITE answers ours; his keys arrive", lateOffer},
		{"timers: refreshed by UPDATE, by re-INVITE with glare (491); one forgets to, one refuses", timedPhones},
		{"early media: heard through two 183 with PRACK, an offer by UPDATE before the answer", earlyMedia},
		{"early media: who gives up before the answer is recorded as 487", earlyCancel},
		{"privacy: a number that its owner withholds is shown to nobody; a trusted peer's word counts", withheldNumber},
		{"greeting: the agent's number for the caller, in his language, while the agent hears what it is about", greeted},
		{"refer: a far switch takes the call over, and ours is out of it", referred},
		{"privacy: outward the carrier alone learns who calls", anonymousOutward},
	}
}

// dialogDocuments adds that flow and its destination.
func dialogDocuments(to, outward string) error {
	if err := os.WriteFile(filepath.Join(to, "flows", "e2e_early.yaml"), []byte(earlyFlow), 0o600); err != nil {
		return fmt.Errorf("write flow: %w", err)
	}
	const away = "destinations:\n  e2e_away: {number: \"+8657187650000\", ring_time: 20s}\n"
	if err := os.WriteFile(filepath.Join(to, "transfers.yaml"), []byte(away), 0o600); err != nil {
		return fmt.Errorf("write transfers: %w", err)
	}
	return errors.Join(
		extend(to, "numbers.yaml", fmt.Sprintf("\n  - {number: %q, flow: e2e_early, answer: early}\n", earlyNumber)),
		privacyDocuments(to, outward), greetingDocuments(to), referDocuments(to, outward),
		heldDocuments(to))
}

// caller starts one sipp caller.
func (l *lab) caller(ctx context.Context, p peer) (*sipp, error) {
	p.ip, p.port, p.mediaPort, p.calls, p.rate = l.callerIP, l.port(), l.media(callerPort), 1, 1
	p.lines, p.target = []string{standard + ";"}, l.node.Address()
	return startSipp(ctx, l.work, p)
}

func timedCaller(ctx context.Context, l *lab) error {
	caller, err := l.caller(ctx, peer{scenario: "timer", number: keyNumber})
	if err != nil {
		return err
	}
	return caller.wait(10 * time.Second)
}

func lateOffer(ctx context.Context, l *lab) error {
	return l.keys(ctx, "rfc4733", peer{late: true, sound: []part{
		silence(time.Second), press('2'), silence(time.Second), press('3'), silence(5 * time.Second),
	}})
}

// timedPhones has four callers talk to four phones, whoever to whom.
func timedPhones(ctx context.Context, l *lab) error {
	ids, ports, phones := []string{"1001", "1002", wideAgent, "1003"}, []int{}, []*sipp{}
	for _, id := range ids {
		port := l.port()
		if err := l.register(ctx, port, id); err != nil {
			return err
		}
		ports = append(ports, port)
	}
	for i, kind := range []string{"update", "glare", "forget", "refuse"} {
		phone, err := startSipp(ctx, l.work, peer{
			scenario: "session", kind: kind, sound: []part{hum(agentHz, 20*time.Second)},
			ip: l.agentIP, port: ports[i], mediaPort: l.media(agentPort), number: "agent", calls: 1,
		})
		if err != nil {
			return err
		}
		phones = append(phones, phone)
	}
	if err := l.onDuty(ctx, ids...); err != nil {
		return err
	}
	l.tap.reset()
	for range phones {
		p := peer{scenario: "caller", number: freeNumber, sound: []part{hum(callerHz, 20*time.Second)}}
		if _, err := l.caller(ctx, p); err != nil {
			return err
		}
	}
	var errs []error
	for _, p := range phones {
		errs = append(errs, p.wait(25*time.Second))
	}
	errs = append(errs, l.callersHeard(4, 5*time.Second), l.agentsHeard(4, 5*time.Second))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	// Whose phone forgot or refused is counted as gone, and the caller waits for another.
	port := l.port()
	if err := l.register(ctx, port, "1001"); err != nil {
		return err
	}
	next, err := l.phone(ctx, port, 2, 100*time.Millisecond, 500*time.Millisecond)
	if err != nil {
		return err
	}
	return errors.Join(l.onDuty(ctx, "1001"), next.wait(15*time.Second))
}

func earlyMedia(ctx context.Context, l *lab) error {
	l.tap.reset()
	herald, err := startSipp(ctx, l.work, peer{
		scenario: "herald", sound: []part{hum(agentHz, 10*time.Second)}, ring: 2500 * time.Millisecond,
		ip: l.callerIP, port: outwardPort, mediaPort: l.media(agentPort), number: "herald", calls: 1,
	})
	if err != nil {
		return err
	}
	caller, err := l.caller(ctx, peer{scenario: "early", number: earlyNumber})
	if err != nil {
		return errors.Join(err, herald.kill())
	}
	return errors.Join(caller.wait(15*time.Second), herald.wait(5*time.Second),
		l.callersHeard(1, 2*time.Second)) // he is answered for half a second only
}

func earlyCancel(ctx context.Context, l *lab) error {
	before, err := l.count(ctx)
	if err != nil {
		return err
	}
	ringer, err := startSipp(ctx, l.work, peer{
		scenario: "ring", ip: l.callerIP, port: outwardPort, mediaPort: l.media(agentPort), number: "far", calls: 1,
	})
	if err != nil {
		return err
	}
	caller, err := l.caller(ctx, peer{scenario: "early", kind: "cancel", number: earlyNumber})
	if err != nil {
		return errors.Join(err, ringer.kill())
	}
	if err = errors.Join(caller.wait(10*time.Second), ringer.wait(5*time.Second)); err != nil {
		return err
	}
	c, err := l.record(ctx, before+1)
	if err != nil {
		return err
	}
	if c.Answered || c.SIP != 487 || c.EndedBy != "caller" {
		return fmt.Errorf("record %+v", c)
	}
	return nil
}
