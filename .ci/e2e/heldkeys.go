package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// heldNumber is answered by a flow in which 2 leads to people.
const (
	heldNumber = "1912"
	heldFlow   = `version: 1
flow: e2e_held
languages: [en]
start: first
nodes:
  first: {type: menu, prompt: [say_keys], keys: {"2": wait}, first: 20s, attempts: 1, exhausted: bye}
  wait: {type: queue, queue: e2e_free, hold: [music], then: {abandoned: "@hangup", full: bye, timeout: bye}, after: bye}
  bye: {type: hangup}
prompts:
  say_keys: {en: Press two and then three.}
  music: {file: music/hold-1.wav}
`
)

// heldDocuments adds that flow.
func heldDocuments(to string) error {
	if err := os.WriteFile(filepath.Join(to, "flows", "e2e_held.yaml"), []byte(heldFlow), 0o600); err != nil {
		return fmt.Errorf("write flow: %w", err)
	}
	return extend(to, "numbers.yaml", fmt.Sprintf("\n  - {number: %q, flow: e2e_held}\n", heldNumber))
}

// The lower tone of the key for the menu, and of the one for the agent.
const menuHz, agentKeyHz = 697.0, 770.0

// heldKeys has two callers press the menu's key for so long that agents answer
// meanwhile, one by RFC 4733 and one as a tone, and then another key for them.
func heldKeys(ctx context.Context, l *lab) error {
	own, err := openTap(l.switchIP, menuHz, agentKeyHz)
	if err != nil {
		return err
	}
	defer own.close()
	agents := []string{"1001", "1002"}
	var peers []*sipp
	for _, id := range agents {
		port := l.port()
		if err = l.register(ctx, port, id); err != nil {
			return err
		}
		phone, failed := l.phone(ctx, port, 1, 0, 5*time.Second)
		if failed != nil {
			return failed
		}
		peers = append(peers, phone)
	}
	if err = l.onDuty(ctx, agents...); err != nil {
		return err
	}
	for _, key := range []func(byte) part{press, tones} {
		held := key('2')
		held.d = 2 * time.Second
		sound := []part{silence(1500 * time.Millisecond), held}
		for range 30 {
			sound = append(sound, silence(500*time.Millisecond), key('5'))
		}
		caller, failed := l.caller(ctx, peer{scenario: "caller", number: heldNumber, sound: sound, plain: held.digit == 0})
		if failed != nil {
			return failed
		}
		peers = append(peers, caller)
	}
	for _, p := range peers {
		err = errors.Join(err, p.wait(30*time.Second))
	}
	return errors.Join(err, own.heardKeys())
}

// heardKeys checks which keys agents have heard: 5 in both ways, and nothing of 2.
func (t *tap) heardKeys() error {
	events, toned := map[rune]bool{}, false
	for _, k := range t.keysTo(agentPort, lastPort) {
		events[k] = true
	}
	if !events['5'] || len(events) != 1 {
		return fmt.Errorf("agents got events of %v", events)
	}
	for _, d := range t.toPort(agentPort, lastPort, menuHz) {
		if d > 100*time.Millisecond {
			return fmt.Errorf("an agent heard the tone of the menu's key for %s", d)
		}
	}
	for _, d := range t.toPort(agentPort, lastPort, agentKeyHz) {
		toned = toned || d >= 60*time.Millisecond
	}
	if !toned {
		return errors.New("no agent heard the tone of his key")
	}
	return nil
}
