package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tierline/media/wav"
)

// monotone makes the music one code over and over, so that each packet is known,
// and signs the agent off: everybody waits.
func monotone(documents string) error {
	var b bytes.Buffer
	sound := wav.Audio{Format: wav.ALaw, Data: bytes.Repeat([]byte{0x31}, 80_000)}
	if err := wav.Write(&b, sound); err != nil {
		return fmt.Errorf("make music: %w", err)
	}
	file := filepath.Join(documents, "prompts", "music", "hold-1.wav")
	if err := replace(file, b.Bytes()); err != nil {
		return fmt.Errorf("write music: %w", err)
	}
	file = filepath.Join(documents, "agents.yaml")
	agents, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read agents: %w", err)
	}
	agents = bytes.ReplaceAll(agents, []byte("signed_in: true"), []byte("signed_in: false"))
	return replace(file, agents)
}

// replace writes a document anew, which may be write-protected.
func replace(file string, b []byte) error {
	return errors.Join(os.Remove(file), os.WriteFile(file, b, 0o600))
}

// music measures callers who wait with music and say nothing: what the switch
// sends by its own clock, and how evenly.
func (b *bench) music(ctx context.Context) error {
	b.admission = "off"
	defer func() { b.admission = "" }()
	st, err := b.stage(ctx, service, 1, monotone)
	if err != nil {
		return err
	}
	defer st.close()
	node, rtp, p := st.node, st.rtp, st.peers
	p.mute, p.insist = true, true
	time.Sleep(time.Second)
	idle, err := node.Memory()
	if err != nil {
		return err
	}
	for range b.held {
		p.call()
		time.Sleep(time.Second / (2 * setupRate))
	}
	if !settle(drainTime, func() bool { return len(p.speaking()) == b.held }) {
		return fmt.Errorf("%d of %d callers were answered\n%s", len(p.speaking()), b.held, node.Tail(5))
	}
	time.Sleep(warmUp)
	f, err := sampleMenu(node, rtp)
	if err != nil {
		return err
	}
	full, err := resident(node)
	if err != nil {
		return err
	}
	cost := ms(f.cpu) / f.span.Seconds() / float64(b.held)
	due := float64(b.held) * f.span.Seconds() / frame.Seconds()
	row := fmt.Sprintf("| %d | %.3f | %.0f %% | %.0f kB | %.2f %% | %s |\n", b.held, cost,
		100*f.cpu.Seconds()/f.span.Seconds(), float64(full-idle)/1000/float64(b.held), 100*float64(f.foreign)/due,
		spreadOf(f.stalls))
	progress("held %s", row)
	b.printf("Callers who wait with music (A-law, 20 ms) and say nothing:\n\n"+
		"| callers | CPU ms per call-second | of a core | memory per call | packets of those due | "+
		"beyond 20 ms between two p50 / p99 / max |\n|---|---|---|---|---|---|\n%s\n", row)
	return nil
}
