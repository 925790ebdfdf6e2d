package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// keyNumber is answered by a flow in which only 2 and then 3, each once, lead
// to the right end.
const (
	keyNumber = "1900"
	keyFlow   = `version: 1
flow: e2e_keys
languages: [en]
start: first
nodes:
  first:
    type: menu
    milestone: first
    prompt: [say_keys]
    keys: {"2": second}
    first: 10s
    attempts: 1
    exhausted: wrong
  second:
    type: menu
    milestone: second
    prompt: [say_keys]
    keys: {"3": right}
    first: 10s
    attempts: 1
    exhausted: wrong
  right: {type: set, milestone: right, next: bye}
  wrong: {type: set, milestone: wrong, next: bye}
  bye: {type: hangup}
prompts:
  say_keys: {en: Press two and then three.}
`
)

// keyDocuments adds that flow, and trunks that take keys in every way and
// calls outward.
func keyDocuments(to, outward string) error {
	if err := os.WriteFile(filepath.Join(to, "flows", "e2e_keys.yaml"), []byte(keyFlow), 0o600); err != nil {
		return fmt.Errorf("write flow: %w", err)
	}
	trunks, err := os.ReadFile(filepath.Join(to, "trunks.yaml"))
	if err != nil {
		return fmt.Errorf("read trunks: %w", err)
	}
	const anchor, target = "    sources: [127.0.0.0/8]\n", "sip:127.0.0.1:5090"
	if !strings.Contains(string(trunks), anchor) || !strings.Contains(string(trunks), target) {
		return errors.New("the demo's trunks have changed: where do keys go, and calls outward?")
	}
	text := strings.Replace(string(trunks), anchor, anchor+"    dtmf: [rfc4733, info, inband]\n", 1)
	text = strings.Replace(text, target, fmt.Sprintf("sip:%s:%d", outward, outwardPort), 1)
	if err = replace(filepath.Join(to, "trunks.yaml"), text); err != nil {
		return err
	}
	numbers, err := os.ReadFile(filepath.Join(to, "numbers.yaml"))
	if err != nil {
		return fmt.Errorf("read numbers: %w", err)
	}
	text = strings.TrimRight(string(numbers), "\n") + fmt.Sprintf("\n  - {number: %q, flow: e2e_keys}\n", keyNumber)
	return replace(filepath.Join(to, "numbers.yaml"), text)
}

// keys has a sipp caller tell 2 and 3 in some way, and checks where it got.
func (l *lab) keys(ctx context.Context, source string, p peer) error {
	before, err := l.count(ctx)
	if err != nil {
		return err
	}
	counted, err := l.digits(ctx, source)
	if err != nil {
		return err
	}
	p.scenario, p.ip, p.port, p.mediaPort = "caller", l.callerIP, l.port(), l.media(callerPort)
	p.number, p.lines, p.calls, p.rate, p.target = keyNumber, []string{standard + ";"}, 1, 1, l.node.Address()
	caller, err := startSipp(ctx, l.work, p)
	if err != nil {
		return err
	}
	if err = caller.wait(30 * time.Second); err != nil {
		return err
	}
	c, err := l.record(ctx, before+1)
	if err != nil {
		return err
	}
	story, pressed := "", ""
	for _, s := range c.Path {
		story += s.Milestone + " "
		pressed += s.Key
	}
	if !strings.Contains(story, "right") || pressed != "23" {
		return fmt.Errorf("the caller pressed %q and got to %s", pressed, story)
	}
	after, err := l.digits(ctx, source)
	if err == nil && after != counted+2 {
		err = fmt.Errorf("%v keys came by %s, not 2", after-counted, source)
	}
	return err
}

// digits is how many keys came in a way.
func (l *lab) digits(ctx context.Context, source string) (float64, error) {
	return l.node.Metric(ctx, fmt.Sprintf("tierline_digits_total{source=%q}", source))
}

func keysByEvent(ctx context.Context, l *lab) error {
	// The sound of the key leaks before the event, as from many a gateway.
	return l.keys(ctx, "rfc4733", peer{sound: []part{
		silence(1500 * time.Millisecond), tones('2'), press('2'), silence(1500 * time.Millisecond), press('3'),
		silence(5 * time.Second),
	}})
}

func keysByInfo(ctx context.Context, l *lab) error {
	return l.keys(ctx, "info", peer{plain: true, sound: []part{silence(10 * time.Second)}, infos: []info{
		{"application/dtmf-relay", "Signal=2\n    Duration=160", 200},
		{"text/plain", "5", 415},
		{"application/dtmf", "3", 200},
	}})
}

func keysInband(ctx context.Context, l *lab) error {
	return l.keys(ctx, "inband", peer{plain: true, sound: []part{
		silence(1500 * time.Millisecond), tones('2'), silence(1500 * time.Millisecond), tones('3'),
		silence(5 * time.Second),
	}})
}
