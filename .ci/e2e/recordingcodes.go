package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// recordingCodes has an agent press 5, which is the caller's, and the codes of the
// demo that pause the recording, have it go on and mark it.
func recordingCodes(ctx context.Context, l *lab) error {
	speech := []part{hum(agentHz, time.Second), press('5')}
	for _, code := range []string{"*30", "*30", "*31"} {
		speech = append(speech, hum(agentHz, 1200*time.Millisecond))
		for _, key := range []byte(code) {
			speech = append(speech, press(key), silence(60*time.Millisecond))
		}
	}
	made, err := l.recordCalls(ctx, recordedCall{
		number: recordedBridge, from: "13960000001", before: 500 * time.Millisecond, ring: 300 * time.Millisecond,
		talk: 9 * time.Second, sound: []part{hum(callerHz, 15*time.Second)},
		speech: append(speech, hum(agentHz, 10*time.Second)),
	})
	if err != nil {
		return err
	}
	r := made[0]
	var marks []string
	for _, m := range r.about.Marks {
		marks = append(marks, m.Mark+" by "+m.By)
	}
	want := fmt.Sprintf("pause by %[1]s, resume by %[1]s, mark by %[1]s", r.Agent)
	if got := strings.Join(marks, ", "); got != want {
		return fmt.Errorf("marks: %s; not %s", got, want)
	}
	if keys := l.tap.keysTo(callerPort, agentPort-1); strings.Trim(keys, "5") != "" || keys == "" {
		err = fmt.Errorf("the caller hears the keys %q", keys)
	}
	pause, resume := r.about.marks("pause")[0], r.about.marks("resume")[0]
	if loud := loudestIn(r.between(pause+edge, resume-edge)); loud > 8 {
		err = errors.Join(err, fmt.Errorf("the pause has sound in it: %d", loud))
	}
	after := tonesIn(r.sides[0][int(resume/time.Millisecond)*8:], callerHz)[callerHz]
	return errors.Join(err, lasts("after the pause", after, 2*time.Second))
}
