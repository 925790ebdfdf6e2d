package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tierline/.ci/bed"
)

func recordingSteps() []step {
	return []step{
		{"start again: queues that record; a recording of last year is removed", recordingDocuments},
		{"from queue, answer, bridge: caller left, agent right, each from where it should", recordedFrom},
		{"pause by API and CLI: silence in the file; Range, checksum, Chromium plays it", recordingPaused},
		{"codes: the agent pauses and marks by his keys; the caller hears none of them", recordingCodes},
		{"secret: keys by RFC 4733 and as tones are neither in the file nor on the agent's leg", recordingSecrets},
		{"kill -9 of an agent's phone: the caller gets another agent, he no other caller", phoneDies},
		{"kill -9 of the switch in a conversation: two files, before and after, both with their checksum", recordingCut},
		{"no directory, full disk: failed, with a reason, and the call goes on", recordingFails},
		{"S3: stays here while the store is away, over a kill -9 too; then it is played from there", recordingStored},
	}
}

// Numbers whose callers press 1 and wait for a queue, by what it records.
const (
	recordedBridge = "1931"
	recordedQueue  = "1932"
	recordedAnswer = "1933"
)

const recordFlow = `version: 1
flow: e2e_rec_%[1]s
languages: [en]
start: first
nodes:
  first: {type: menu, prompt: [say_one], keys: {"1": talk}, first: 10s, attempts: 1, exhausted: bye}
  talk:
    type: queue
    queue: rec_%[1]s
    hold: [say_one]
    max_wait: 1m
    then: {timeout: bye, full: bye, abandoned: "@hangup"}
    after: bye
  bye: {type: hangup}
prompts:
  say_one: {en: Press one.}
`

const secretFlow = `version: 1
flow: e2e_secret
languages: [en]
start: ask
vars:
  pin: {type: string, secret: true}
nodes:
  ask: {type: collect, prompt: [ask_digits], into: pin, min: 4, max: 4, next: done, exhausted: bad}
  done: {type: return}
  bad: {type: return, outcome: error}
prompts:
  ask_digits: {en: The four digits.}
`

// recordingDocuments gives the lane's switch queues that record, and makes sure
// that what is older than the settings allow goes.
func recordingDocuments(ctx context.Context, l *lab) error {
	dir, queues, numbers := l.node.Service, "", ""
	for number, from := range map[string]string{
		recordedBridge: "bridge", recordedQueue: "queue", recordedAnswer: "answer",
	} {
		file := filepath.Join(dir, "flows", "e2e_rec_"+from+".yaml")
		if err := os.WriteFile(file, fmt.Appendf(nil, recordFlow, from), 0o600); err != nil {
			return fmt.Errorf("write flow: %w", err)
		}
		queues += fmt.Sprintf("  rec_%[1]s: {requirement: 'lang.zh>=3', wrap_up: 0s, record: {from: %[1]s}}\n", from)
		numbers += fmt.Sprintf("  - {number: %q, flow: e2e_rec_%s}\n", number, from)
	}
	old := filepath.Join(l.tapes(), "2025", "11", "20")
	err := errors.Join(
		os.WriteFile(filepath.Join(dir, "flows", "e2e_secret.yaml"), []byte(secretFlow), 0o600),
		appendTo(filepath.Join(dir, "queues.yaml"), queues), appendTo(filepath.Join(dir, "numbers.yaml"), numbers),
		os.MkdirAll(old, 0o700), os.WriteFile(filepath.Join(old, "0190-1.wav"), []byte("old"), 0o600), l.node.Stop(),
	)
	if err != nil {
		return err
	}
	l.node.More += "recordings: {keep_days: 1}\n"
	l.node.Env = append(l.node.Env, "TIERLINE_RTP_CHECK_AFTER=3s") // or the check of a dead phone would take long
	if err = l.node.Start(ctx); err != nil {
		return err
	}
	return bed.Eventually(2*time.Second, func() error {
		if _, err := os.Stat(filepath.Join(l.tapes(), "2025")); err == nil {
			return errors.New("the recording of last year is still there")
		}
		return nil
	})
}

func appendTo(file, text string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(file), err)
	}
	return replace(file, strings.TrimRight(string(b), "\n")+"\n"+text)
}

// tapes is where the lane's switch keeps recordings.
func (l *lab) tapes() string { return filepath.Join(l.node.Dir, "data", "recordings") }

// recordedCall is a call to a number whose queue records.
type recordedCall struct {
	number, from string
	ring         time.Duration
	talk         time.Duration // until the agent hangs up
	sound        []part        // after the 1
	speech       []part        // of the agent; nil: his tone
	plain        bool          // no telephone events
	before       time.Duration // how long he speaks at 500 Hz before he presses 1
	files        int           // recordings; 0: one
	during       func(ctx context.Context, call string) error
}

// recordCalls makes calls at once, each to an agent of its own, and returns their
// recordings.
func (l *lab) recordCalls(ctx context.Context, calls ...recordedCall) ([]recording, error) {
	if _, err := l.count(ctx); err != nil {
		return nil, err
	}
	ids := []string{"1001", "1002", "1004"}[:len(calls)]
	agents := make([]*sipp, len(calls))
	for i, c := range calls {
		port := l.port()
		err := l.register(ctx, port, ids[i])
		if err == nil {
			agents[i], err = l.speaker(ctx, port, c)
		}
		if err != nil {
			return nil, errors.Join(err, stopAll(agents[:i]))
		}
	}
	if err := l.onDuty(ctx, ids...); err != nil {
		return nil, errors.Join(err, stopAll(agents))
	}
	l.tap.reset()
	out, errs := make([]recording, len(calls)), make([]error, len(calls))
	var all sync.WaitGroup
	for i, c := range calls {
		all.Go(func() { out[i], errs[i] = l.recordCall(ctx, c, agents[i]) })
	}
	all.Wait()
	return out, errors.Join(errs...)
}

// speaker starts a phone that answers one call and says what the check wants.
func (l *lab) speaker(ctx context.Context, port int, c recordedCall) (*sipp, error) {
	if c.speech == nil {
		return l.phone(ctx, port, 1, c.ring, c.talk)
	}
	return startSipp(ctx, l.work, peer{
		scenario: "agent", sound: c.speech, ring: c.ring, hang: c.talk,
		ip: l.agentIP, port: port, mediaPort: l.media(agentPort), number: "agent", calls: 1,
	})
}

func stopAll(phones []*sipp) (err error) {
	for _, p := range phones {
		err = errors.Join(err, p.kill())
	}
	return err
}

func (l *lab) recordCall(ctx context.Context, c recordedCall, agent *sipp) (recording, error) {
	key := press('1')
	if c.plain {
		key = tones('1')
	}
	sound := append([]part{hum(500, c.before), key}, c.sound...)
	caller, err := startSipp(ctx, l.work, peer{
		scenario: "caller", sound: sound, ip: l.callerIP, port: l.port(), mediaPort: l.media(callerPort),
		number: c.number, lines: []string{c.from + ";"}, calls: 1, rate: 1, target: l.node.Address(), plain: c.plain,
	})
	if err != nil {
		return recording{}, errors.Join(err, agent.kill())
	}
	if c.during != nil {
		if err = l.during(ctx, c); err != nil {
			return recording{}, errors.Join(err, caller.kill(), agent.kill())
		}
	}
	if err = errors.Join(caller.wait(30*time.Second), agent.wait(10*time.Second)); err != nil {
		return recording{}, err
	}
	all, err := l.recordingsOf(ctx, c.from, max(1, c.files))
	return all[0], err
}

// during waits until the caller talks to an agent and does what the check wants
// then.
func (l *lab) during(ctx context.Context, c recordedCall) error {
	var id string
	err := bed.Eventually(10*time.Second, func() error {
		var running struct {
			Calls []struct{ ID, From, Phase string } `json:"calls"`
		}
		if err := l.node.Get(ctx, "/api/v1/calls", &running); err != nil {
			return err
		}
		for _, r := range running.Calls {
			if strings.HasSuffix(r.From, c.from) && r.Phase == "talking" {
				id = r.ID
				return nil
			}
		}
		return fmt.Errorf("the call of %s talks to nobody: %+v", c.from, running.Calls)
	})
	if err != nil {
		return err
	}
	return c.during(ctx, id)
}

// recordedFrom checks where recordings begin and end. The callers speak at
// 500 Hz to the menu, at 1000 Hz while the phone rings, and at 1400 Hz to the
// agent.
func recordedFrom(ctx context.Context, l *lab) error {
	calls := make([]recordedCall, 3)
	for i, number := range []string{recordedBridge, recordedQueue, recordedAnswer} {
		calls[i] = recordedCall{
			number: number, from: fmt.Sprintf("1391000000%d", i), before: 1200 * time.Millisecond,
			ring: 3 * time.Second, talk: 4 * time.Second,
			sound: []part{hum(1000, 1500*time.Millisecond), silence(500 * time.Millisecond), hum(callerHz, 12*time.Second)},
		}
	}
	made, err := l.recordCalls(ctx, calls...)
	if err != nil {
		return err
	}
	for i, wanted := range [][]float64{{callerHz}, {1000, callerHz}, {500, 1000, callerHz}} {
		caller, agent := made[i].tones(0, 500, 1000, callerHz, agentHz), made[i].tones(1, 500, 1000, callerHz, agentHz)
		for _, hz := range []float64{500, 1000, callerHz, agentHz} {
			want := 0 * time.Second
			for _, w := range wanted {
				if w == hz {
					want = 900 * time.Millisecond
				}
			}
			err = errors.Join(err, lasts(fmt.Sprintf("%s: caller's side, %v Hz", calls[i].number, hz), caller[hz], want))
		}
		for hz, heard := range agent {
			want := 0 * time.Second
			if hz == agentHz {
				want = 3 * time.Second
			}
			err = errors.Join(err, lasts(fmt.Sprintf("%s: agent's side, %v Hz", calls[i].number, hz), heard, want))
		}
	}
	return err
}

// lasts checks that a tone was there for a time; 0: not at all.
func lasts(what string, heard, want time.Duration) error {
	if want == 0 && heard > 60*time.Millisecond || heard < want {
		return fmt.Errorf("%s for %s instead of %s", what, heard, want)
	}
	return nil
}
