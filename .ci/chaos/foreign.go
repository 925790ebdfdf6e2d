package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"tierline/.ci/bed"
	"tierline/media/tone"
	"tierline/media/wav"
)

//go:embed caller.xml
var callerXML string

const (
	sippCalls  = 3
	sippTalk   = 15 * time.Second // longer than all that happens meanwhile
	baresipAt  = 5095
	baresipIP  = "127.0.0.1" // where the kernel lets its sound come from, since it asks for nothing else
	baresipSay = 800.0       // Hz
)

// baresipSettings are for baresip 1.0 of Debian 12 and newer ones.
const baresipSettings = `net_interface %[1]s
sip_listen %[1]s:%[2]d
audio_player aubridge,sink
audio_alert aubridge,sink
audio_source aufile,%[3]s/tone.wav
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module_tmp account.so
module_app menu.so
`

// foreignFlow leads to the agent who has a baresip.
const (
	foreignSkill = "  foreign: {en: Has a baresip}\n"
	foreignQueue = "  foreign:\n    requirement: 'foreign>=1'\n    ring_time: 30s\n    wrap_up: 0s\n"
	foreignRule  = "  - {number: \"4000\", flow: foreign}\n"
)

// withForeigners opens a centre whose callers and agents are others' programs:
// sipp and baresip. They know of no move, so calls are taken over by address.
func withForeigners(ctx context.Context, c *chaos, name string) (*centre, error) {
	at, err := onLoopback(byAddress, 49)(ctx, c, name)
	at.crowd = crowd{}
	return at, err
}

// foreigners is the one trial of that centre.
func foreigners() []trial {
	a := aim(300*time.Millisecond, time.Second)
	return []trial{{name: "kill -9 of the node of sipp and baresip", limits: limits{p50: a.p50, p99: a.p99}, do: abroad}}
}

// abroad kills the node that sipp and baresip talk by. Our own ears are at the
// other ends of their calls.
func abroad(ctx context.Context, c *centre, f *figures) error {
	if missing := bed.Missing(map[string]string{"sipp": "sip-tester", "baresip": "baresip-core"}); missing != "" {
		return errors.New("not installed: " + missing)
	}
	victim, err := c.node(ctx, follower)
	if err != nil {
		return err
	}
	phone, err := c.baresip(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = phone.Process.Kill() }()                      // it is needed no longer
	if _, err = c.peers.call(victim.Address(), "4000"); err != nil { //nolint:contextcheck // as long as the centre
		return err
	}
	callers, out, err := c.sipp(ctx, victim)
	if err != nil {
		return err
	}
	if err = c.talking(ctx, sippCalls+1); err != nil {
		return err
	}
	c.peers.forget()
	time.Sleep(time.Second)
	w, err := c.look(ctx, victim)
	if err != nil {
		return err
	}
	if err = victim.Kill(); err != nil {
		return err
	}
	time.Sleep(settle)
	w.measure(f)
	after, err := c.calls(ctx, c.others(victim)[0])
	if err != nil {
		return err
	}
	c.compare(w.before, after, victim.Name, w.gone)
	if err = w.revive(ctx, f); err != nil {
		return err
	}
	if err = callers.Wait(); err != nil {
		c.fault("sipp: %v\n%s", err, out)
	}
	c.send() //nolint:contextcheck // as long as the centre
	return c.talking(ctx, 0)
}

// talking returns once so many calls talk, and no other ones are there.
func (c *centre) talking(ctx context.Context, want int) error {
	return bed.Eventually(10*time.Second, func() error {
		all, err := c.calls(ctx, c.nodes[0])
		if err != nil {
			return err
		}
		n := 0
		for _, a := range all {
			if a.Phase == "talking" {
				n++
			}
		}
		if n != want || len(all) != want {
			return fmt.Errorf("of %d calls %d talk, want %d", len(all), n, want)
		}
		return nil
	})
}

// sipp lets it call, send back what it hears, and hang up.
func (c *centre) sipp(ctx context.Context, at *bed.Node) (*exec.Cmd, *bytes.Buffer, error) {
	file := filepath.Join(c.dir, "caller.xml")
	if err := os.WriteFile(file, []byte(callerXML), 0o600); err != nil {
		return nil, nil, fmt.Errorf("write scenario: %w", err)
	}
	cmd := exec.CommandContext(ctx, "sipp", "-sf", file, "-s", "1000", "-i", c.phones, "-mi", c.phones, "-p", "5097",
		"-mp", "7000", "-rtp_echo", "-m", strconv.Itoa(sippCalls), "-r", "10",
		"-d", strconv.Itoa(int(sippTalk.Milliseconds())), "-nostdin", at.Address())
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr, cmd.Dir = out, out, c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start sipp: %w", err)
	}
	return cmd, out, nil
}

// baresip starts the phone of agent b1, which answers at once and says a tone.
func (c *centre) baresip(ctx context.Context) (*exec.Cmd, error) {
	dir := filepath.Join(c.dir, "baresip")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make baresip directory: %w", err)
	}
	files := map[string][]byte{
		"config":   fmt.Appendf(nil, baresipSettings, baresipIP, baresipAt, dir),
		"accounts": fmt.Appendf(nil, "<sip:b1@%s:%d>;regint=0;answermode=auto;audio_codecs=PCMA\n", baresipIP, baresipAt),
		"contacts": nil,
	}
	var sound bytes.Buffer
	if err := wav.Write(&sound, wav.FromSamples(tone.Make(time.Minute, -12, baresipSay))); err != nil {
		return nil, fmt.Errorf("make sound: %w", err)
	}
	files["tone.wav"] = sound.Bytes()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return nil, fmt.Errorf("write baresip's %s: %w", name, err)
		}
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = log.Close() }() // the child has its own descriptor
	cmd := exec.CommandContext(ctx, "baresip", "-f", dir)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start baresip: %w", err)
	}
	return cmd, nil
}
