package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tierline/.ci/bed"
)

// edge is how exactly a recording's times are looked at.
const edge = 60 * time.Millisecond

// recordingPaused pauses a recording, has it go on and marks it.
func recordingPaused(ctx context.Context, l *lab) error {
	const from = "13920000001"
	made, err := l.recordCalls(ctx, recordedCall{
		number: recordedBridge, from: from, before: 500 * time.Millisecond, ring: 300 * time.Millisecond,
		talk: 6 * time.Second, sound: []part{hum(callerHz, 15*time.Second)},
		during: func(ctx context.Context, call string) error {
			time.Sleep(1500 * time.Millisecond)
			pause := map[string]string{"action": "pause", "by": "desk"}
			err := l.node.Post(ctx, "/api/v1/calls/"+call+"/recording", pause, nil)
			time.Sleep(1500 * time.Millisecond)
			if err == nil {
				_, err = l.cli(ctx, "recordings", "resume", call)
			}
			if err == nil {
				_, err = l.cli(ctx, "recordings", "mark", call, "wants his money back")
			}
			return err
		},
	})
	if err != nil {
		return err
	}
	r := made[0]
	pause, resume, mark := r.about.marks("pause"), r.about.marks("resume"), r.about.marks("mark")
	if len(pause) != 1 || len(resume) != 1 || len(mark) != 1 || resume[0]-pause[0] < time.Second {
		return fmt.Errorf("marks %+v", r.about.Marks)
	}
	if loud := loudestIn(r.between(pause[0]+edge, resume[0]-edge)); loud > 8 {
		return fmt.Errorf("the pause has sound in it: %d", loud)
	}
	for side, hz := range []float64{callerHz, agentHz} {
		before := tonesIn(r.sides[side][:int(pause[0]/time.Millisecond)*8], hz)[hz]
		after := tonesIn(r.sides[side][int(resume[0]/time.Millisecond)*8:], hz)[hz]
		err = errors.Join(err, lasts("before the pause", before, time.Second), lasts("after it", after, time.Second))
	}
	return errors.Join(err, l.partsOf(ctx, r), l.plays(ctx, r))
}

// partsOf reads the second quarter of a file and compares it, and a part that is
// not there.
func (l *lab) partsOf(ctx context.Context, r recording) error {
	_, file, err := l.fetch(ctx, r.AudioPath, "")
	if err != nil {
		return err
	}
	a, b := len(file)/4, len(file)/2
	status, part, err := l.fetch(ctx, r.AudioPath, fmt.Sprintf("bytes=%d-%d", a, b-1))
	if err != nil || status != http.StatusPartialContent || !bytes.Equal(part, file[a:b]) {
		return fmt.Errorf("a part of the file: %d, %d bytes of %d, %w", status, len(part), b-a, err)
	}
	status, _, err = l.fetch(ctx, r.AudioPath, fmt.Sprintf("bytes=%d-", len(file)+1))
	if err == nil && status != http.StatusRequestedRangeNotSatisfiable {
		err = fmt.Errorf("a part behind the end: %d", status)
	}
	return err
}

// plays opens the recording in Chromium, as a link in a web page does, seeks to
// its middle and lets it play.
func (l *lab) plays(ctx context.Context, r recording) (err error) {
	dir, err := os.MkdirTemp(l.work, "player-")
	if err != nil {
		return fmt.Errorf("make chromium's directory: %w", err)
	}
	c, err := startChrome(ctx, dir, os.DevNull, "none")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err = c.tell("Page.navigate", map[string]any{"url": l.node.URL(r.AudioPath) + "?by=chromium"}, nil); err != nil {
		return err
	}
	var got struct {
		Duration, At float64
		Error        string
	}
	err = bed.Eventually(10*time.Second, func() error {
		if err = c.run(`(() => { const m = document.querySelector("video, audio"), e = m && m.error;
			return {Duration: m ? m.duration || 0 : 0, At: 0, Error: e ? e.message : ""} })()`, &got); err != nil {
			return err
		}
		if want := float64(r.LengthMS) / 1000; got.Error != "" || got.Duration < want-0.05 || got.Duration > want+0.05 {
			return fmt.Errorf("chromium takes the recording of %.2f s for one of %.2f s %s", want, got.Duration, got.Error)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = c.run(`(async () => { const m = document.querySelector("video, audio"); m.currentTime = m.duration / 2;
		await m.play(); await new Promise(done => setTimeout(done, 800)); m.pause();
		return {Duration: m.duration, At: m.currentTime, Error: m.error ? m.error.message : ""} })()`, &got)
	if err == nil && (got.Error != "" || got.At < got.Duration/2+0.3) {
		err = fmt.Errorf("chromium stands at %.2f of %.2f s: %s", got.At, got.Duration, got.Error)
	}
	return err
}

// recordingSecrets has two callers enter a secret in the middle of the
// conversation, one by events and one by tones. A 6 that each presses before
// shows that the check would find the others.
func recordingSecrets(ctx context.Context, l *lab) error {
	own, err := openTap(l.switchIP, 697, 1209, 1477)
	if err != nil {
		return err
	}
	defer own.close()
	script := func(key func(byte) part) []part {
		sound := []part{hum(callerHz, 1700*time.Millisecond), key('6'), hum(callerHz, 2300*time.Millisecond)}
		for _, digit := range []byte("1111") {
			sound = append(sound, silence(170*time.Millisecond), key(digit))
		}
		return append(sound, silence(500*time.Millisecond), hum(callerHz, 12*time.Second))
	}
	talk := recordedCall{
		number: recordedBridge, before: 500 * time.Millisecond, ring: 300 * time.Millisecond, talk: 9 * time.Second,
		during: func(ctx context.Context, call string) error {
			time.Sleep(1600 * time.Millisecond)
			_, bad := l.cli(ctx, "secret", call, "e2e_secret")
			return bad
		},
	}
	byEvent, byTone := talk, talk
	byEvent.from, byEvent.sound = "13930000001", script(press)
	byTone.from, byTone.sound, byTone.plain = "13930000002", script(tones), true
	made, err := l.recordCalls(ctx, byEvent, byTone)
	if err != nil {
		return err
	}
	if keys := own.keysTo(agentPort, lastPort); !strings.Contains(keys, "6") || strings.Contains(keys, "1") {
		err = fmt.Errorf("events to the agents: %q", keys)
	}
	for hz, want := range map[float64]time.Duration{697: 0, 1209: 0, 1477: edge} {
		most := time.Duration(0)
		for _, d := range own.toPort(agentPort, lastPort, hz) {
			most = max(most, d)
		}
		err = errors.Join(err, lasts(fmt.Sprintf("agents hear %v Hz", hz), most, want))
	}
	for i, r := range made {
		from, to := r.about.marks("secret"), r.about.marks("secret_end")
		length := time.Duration(r.LengthMS) * time.Millisecond
		if len(from) != 1 || len(to) != 1 || to[0] > length-time.Second { // the keys ended it, not the call
			return errors.Join(err, fmt.Errorf("marks of %s: %+v", length, r.about.Marks))
		}
		if loud := loudestIn(r.between(from[0]+edge, to[0]-edge)); loud > 8 {
			err = errors.Join(err, fmt.Errorf("what was asked aside has sound in it: %d", loud))
		}
		heard := r.tones(0, 697, 1209, 1477, callerHz)
		want := map[float64]time.Duration{697: 0, 1209: 0, 1477: time.Duration(i) * edge, callerHz: 2 * time.Second}
		for hz := range want {
			err = errors.Join(err, lasts(fmt.Sprintf("%s: caller's side, %v Hz", byEvent.from, hz), heard[hz], want[hz]))
		}
	}
	return err
}

// recordingFails takes the disk away from two calls.
func recordingFails(ctx context.Context, l *lab) error {
	call := recordedCall{
		number: recordedBridge, before: 500 * time.Millisecond, ring: 300 * time.Millisecond, talk: 6 * time.Second,
		sound: []part{hum(callerHz, 15*time.Second)},
	}
	fails := func(from, what string) error {
		call.from = from
		made, err := l.recordCalls(ctx, call)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if made[0].Failed != "disk" || made[0].SHA256 != "" {
			return fmt.Errorf("%s: %+v", what, made[0])
		}
		return errors.Join(l.callersHeard(1, 4*time.Second), l.agentsHeard(1, 4*time.Second))
	}
	year := filepath.Join(l.tapes(), time.Now().UTC().Format("2006"))
	err := os.Rename(year, year+".away")
	if err == nil {
		err = os.WriteFile(year, nil, 0o600)
	}
	if err == nil {
		err = fails("13940000001", "no directory")
	}
	if err = errors.Join(err, os.Remove(year), os.Rename(year+".away", year)); err != nil {
		return err
	}
	if err = unix.Mount("none", l.tapes(), "tmpfs", 0, "size=48k"); errors.Is(err, unix.EPERM) {
		fmt.Println("      a full disk isn't tried: this user may not mount")
		return nil
	}
	if err == nil {
		err = errors.Join(fails("13940000002", "full disk"), unix.Unmount(l.tapes(), unix.MNT_DETACH))
	}
	return err
}
