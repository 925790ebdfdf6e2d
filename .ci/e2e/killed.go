package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tierline/.ci/bed"
)

// killedTalk outlasts a death and a restart on a slow machine.
const killedTalk = 20 * time.Second

// killed kills the switch while one call is talking and another waits, and
// starts it again: both hear each other again, the other one still waits, and a
// new caller reaches the same phone, which did not register anew.
func killed(ctx context.Context, l *lab) error {
	caller, agent, err := l.talking(ctx, killedTalk)
	if err != nil {
		return err
	}
	waiting, err := l.call(ctx, []string{standard}, 1, killedTalk+8*time.Second, '1')
	if err != nil {
		return errors.Join(err, caller.kill(), agent.kill())
	}
	if err = bed.Eventually(5*time.Second, func() error { return l.phases(ctx, "talking", "waiting") }); err != nil {
		return err
	}
	known, err := l.agent(ctx, "1001")
	if err = errors.Join(err, l.node.Kill()); err != nil {
		return err
	}
	rings := l.watchInvites()
	began := time.Now()
	if err = l.node.Start(ctx); err != nil {
		return err
	}
	back := time.Since(began)
	l.tap.reset()
	a, err := l.agent(ctx, "1001")
	if err != nil {
		return err
	}
	if fmt.Sprint(a.Phones) != fmt.Sprint(known.Phones) || len(a.Phones) != 1 {
		return fmt.Errorf("after the restart 1001 has the phones %v, before %v", a.Phones, known.Phones)
	}
	err = bed.Eventually(10*time.Second, func() error {
		return errors.Join(l.phases(ctx, "talking", "waiting"),
			l.callersHeard(1, time.Second), l.agentsHeard(1, time.Second))
	})
	if err = errors.Join(err, l.oneGeneration(ctx), l.expect(ctx, "1001", "talking")); err != nil {
		return fmt.Errorf("after the restart: %w", err)
	}
	if n := rings(); n != 0 {
		return fmt.Errorf("%d INVITEs after the restart, though everybody was where he had been", n)
	}
	if back > 5*time.Second {
		return fmt.Errorf("the restart took %s", back)
	}
	// The agent hangs up: his call ends as if nothing had happened.
	err = errors.Join(agent.wait(2*killedTalk), caller.wait(2*killedTalk), waiting.wait(2*killedTalk))
	if err != nil {
		return fmt.Errorf("the call that went on: %w", err)
	}
	if err = l.onDuty(ctx, "1001"); err != nil {
		return err
	}
	return l.reached(ctx, a.Phones[0].Contact)
}

// phases compares those of all calls.
func (l *lab) phases(ctx context.Context, want ...string) error {
	var running struct {
		Calls []struct {
			Phase string `json:"phase"`
		} `json:"calls"`
	}
	if err := l.node.Get(ctx, "/api/v1/calls", &running); err != nil {
		return err
	}
	var got []string
	for _, c := range running.Calls {
		got = append(got, c.Phase)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		return fmt.Errorf("calls are %v, want %v", got, want)
	}
	return nil
}

// oneGeneration checks that the documents were neither lost nor published anew.
func (l *lab) oneGeneration(ctx context.Context) error {
	var found struct {
		Generations []struct {
			Current bool `json:"current"`
		} `json:"generations"`
	}
	if err := l.node.Get(ctx, "/api/v1/generations", &found); err != nil {
		return err
	}
	if len(found.Generations) != 1 || !found.Generations[0].Current {
		return fmt.Errorf("generations after the restart: %+v", found.Generations)
	}
	return nil
}

// reached lets a new caller talk to 1001 at the contact that was registered
// before the restart.
func (l *lab) reached(ctx context.Context, contact string) error {
	var port int
	if _, err := fmt.Sscanf(contact, "sip:1001@"+l.agentIP+":%d", &port); err != nil {
		return fmt.Errorf("contact %q: %w", contact, err)
	}
	l.tap.reset()
	agent, err := l.phone(ctx, port, 1, 200*time.Millisecond, 3*time.Second)
	if err != nil {
		return err
	}
	caller, err := l.call(ctx, []string{gold}, 1, 0, '1')
	if err != nil {
		return errors.Join(err, agent.kill())
	}
	if err := errors.Join(caller.wait(30*time.Second), agent.wait(time.Second)); err != nil {
		return err
	}
	return errors.Join(
		l.callersHeard(1, time.Second),
		l.agentsHeard(1, time.Second),
	)
}

// watchInvites counts the switch's INVITEs from now on.
func (l *lab) watchInvites() (count func() int) {
	var mu sync.Mutex
	n := 0
	l.tap.onSIP(func(payload []byte) {
		if bytes.HasPrefix(payload, []byte("INVITE ")) {
			mu.Lock()
			n++
			mu.Unlock()
		}
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}
