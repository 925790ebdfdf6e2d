package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tierline/.ci/bed"
	"tierline/media/g711"
	"tierline/media/tone"
)

// wideNumber leads to a queue whose conversations are recorded, with music
// until somebody answers.
const (
	wideNumber = "1905"
	freeNumber = "1906" // the same, and nothing is recorded
	wideAgent  = "1022"
	wideFlow   = `version: 1
flow: e2e_wide
languages: [en]
start: wait
nodes:
  wait: {type: queue, queue: e2e_wide, hold: [music], then: {abandoned: "@hangup", full: bye, timeout: bye}}
  bye: {type: hangup}
prompts:
  music: {file: music/hold-1.wav}
`
)

// wideDocuments adds that queue, an agent for it, and G.722 to the trunk.
func wideDocuments(to string) error {
	if err := os.WriteFile(filepath.Join(to, "flows", "e2e_wide.yaml"), []byte(wideFlow), 0o600); err != nil {
		return fmt.Errorf("write flow: %w", err)
	}
	free := strings.ReplaceAll(wideFlow, "e2e_wide", "e2e_free")
	if err := os.WriteFile(filepath.Join(to, "flows", "e2e_free.yaml"), []byte(free), 0o600); err != nil {
		return fmt.Errorf("write flow: %w", err)
	}
	return errors.Join(
		extend(to, "agents.yaml", fmt.Sprintf(`
  %q:
    name: 宽 Wide
    skills: {vip: 8, lang.zh: 10}
    secret: demo-%s
`, wideAgent, wideAgent)),
		extend(to, "queues.yaml", `
  e2e_wide:
    title: {zh: 宽带, en: Wideband}
    requirement: 'vip>=5'
    ring_time: 10s
    wrap_up: 0s
    record: {from: bridge}
  e2e_free:
    title: {zh: 不录音, en: Not recorded}
    requirement: 'vip>=5'
    ring_time: 10s
    wrap_up: 0s
`),
		extend(to, "numbers.yaml", fmt.Sprintf("\n  - {number: %q, flow: e2e_wide}\n", wideNumber)),
		extend(to, "numbers.yaml", fmt.Sprintf("\n  - {number: %q, flow: e2e_free}\n", freeNumber)),
		change(to, "agents.yaml", "secret: demo-1002\n", "secret: demo-1002\n    auto_answer: header\n"),
		change(to, "trunks.yaml", "codecs: [pcma, pcmu]", "codecs: [pcma, pcmu, g722, opus]\n    srtp: optional"),
	)
}

// extend puts text behind a document.
func extend(to, name, text string) error {
	file := filepath.Join(to, name)
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return replace(file, strings.TrimRight(string(b), "\n")+text)
}

// change replaces a passage of a document.
func change(to, name, before, after string) error {
	file := filepath.Join(to, name)
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if !strings.Contains(string(b), before) {
		return fmt.Errorf("%s has no %q any more", name, before)
	}
	return replace(file, strings.Replace(string(b), before, after, 1))
}

// pair is two baresips that talk to each other.
type pair struct {
	caller, agent handset
	codecs        [2]string // that their legs speak in the end
	sealed        bool      // what goes to the agent must not be readable
	free          bool      // nothing is recorded
}

func pairSteps() []step {
	wide := func(codecs string) handset { return handset{id: wideAgent, modules: "g722", codecs: codecs} }
	sealed := func(way, module string) handset {
		return handset{id: sealedAgent, account: ";mediaenc=" + way, modules: module}
	}
	const g722, opus = "G722/16000/1", "opus/48000/2,PCMA"
	alaw := [2]string{"PCMA", "PCMA"}
	return []step{
		{
			"g722: baresip calls baresip; tones both ways and on the recording",
			pair{
				caller: handset{modules: "g722", codecs: g722}, agent: wide(g722 + ",PCMA"),
				codecs: [2]string{"G722", "G722"},
			}.talk,
		},
		{
			"g722: a wideband caller and a phone with A-law only; tones both ways and on the recording",
			pair{caller: handset{modules: "g722", codecs: g722}, agent: wide("PCMA"), codecs: [2]string{"G722", "PCMA"}}.talk,
		},
		{
			"opus: two who speak it go over to it when nothing is recorded, and are heard before",
			pair{
				caller: handset{modules: "opus", codecs: opus}, agent: handset{id: wideAgent, modules: "opus", codecs: opus},
				codecs: [2]string{"opus", "opus"}, free: true,
			}.talk,
		},
		{
			"opus: a conversation that is recorded stays as it was",
			pair{
				caller: handset{modules: "opus", codecs: opus}, agent: handset{id: wideAgent, modules: "opus", codecs: opus},
				codecs: [2]string{"PCMA", "PCMA"},
			}.talk,
		},
		{
			"srtp: keys in the SDP, mandatory; tones both ways and on the recording, none readable on the way",
			pair{agent: sealed("srtp-mand", "srtp"), codecs: alaw, sealed: true}.talk,
		},
		{
			"srtp: keys in the SDP, best effort, on both legs",
			pair{
				caller: handset{account: ";mediaenc=srtp", modules: "srtp"},
				agent:  sealed("srtp", "srtp"), codecs: alaw, sealed: true,
			}.talk,
		},
		{
			"srtp: optional, by TLS: keys beside RTP/AVP are taken",
			pair{
				agent:  handset{id: wideAgent, by: "tls", account: ";mediaenc=srtp", modules: "srtp"},
				codecs: alaw, sealed: true,
			}.talk,
		},
		{
			"srtp: DTLS on both legs",
			pair{
				caller: handset{account: ";mediaenc=dtls_srtp", modules: "dtls_srtp"},
				agent:  sealed("dtls_srtp", "dtls_srtp"), codecs: alaw, sealed: true,
			}.talk,
		},
		{"srtp: a phone that speaks plain RTP only is not connected where keys are required", plainIsRefused},
	}
}

// agreed checks which codecs and ciphers a record names.
func (p pair) agreed(record cdr) error {
	if got := record.Quality; got.Codec != p.codecs[0] {
		return fmt.Errorf("the caller's leg spoke %q, not %s", got.Codec, p.codecs[0])
	}
	for _, s := range record.Segments {
		got := s.Quality
		if got.Codec != "" && (got.Cipher != "") != p.sealed {
			return fmt.Errorf("the agent's leg was encrypted with %q", got.Cipher)
		}
		if got.Codec != "" && got.Codec != p.codecs[1] {
			return fmt.Errorf("the agent's leg spoke %q, not %s", got.Codec, p.codecs[1])
		}
	}
	return nil
}

// talk lets the two talk, and checks what they heard.
func (p pair) talk(ctx context.Context, l *lab) error {
	before, err := l.count(ctx)
	if err != nil {
		return err
	}
	agent, err := l.baresip(ctx, p.agent)
	if err != nil {
		return err
	}
	p.caller.id, p.caller.caller, p.caller.hz = "13800138009", true, callerHz
	caller, err := l.baresip(ctx, p.caller)
	if err != nil {
		return errors.Join(err, agent.stop())
	}
	l.tap.reset()
	number := wideNumber
	if p.free {
		number = freeNumber
	}
	err = l.talkWide(ctx, caller, p.agent.id, number)
	if err = errors.Join(err, caller.stop(), agent.stop()); err != nil {
		return err
	}
	if err = p.heard(l, caller, agent); err != nil {
		return err
	}
	if p.sealed {
		if err = l.unreadable(); err != nil {
			return err
		}
	}
	record, err := l.record(ctx, before+1)
	if err != nil {
		return err
	}
	if err = p.agreed(record); err != nil {
		return err
	}
	if p.free {
		return nil
	}
	return l.taped(record.Call)
}

// unreadable checks that nobody can hear the caller on the way to the agent.
func (l *lab) unreadable() error {
	flows := l.tap.toPort(31000, 31100, callerHz) // baresip's ports
	if len(flows) == 0 {
		return errors.New("nothing was seen on the way to the phone")
	}
	for _, heard := range flows {
		if heard > 100*time.Millisecond {
			return fmt.Errorf("the caller can be heard on the way to the phone, for %s", heard)
		}
	}
	return nil
}

// talkWide makes a call that lasts some seconds.
func (l *lab) talkWide(ctx context.Context, caller *baresip, id, number string) error {
	err := bed.Eventually(5*time.Second, func() error {
		a, asked := l.agent(ctx, id)
		if asked == nil && len(a.Phones) == 0 {
			return errors.New("baresip did not register")
		}
		return asked
	})
	if err != nil {
		return err
	}
	if err = l.command(ctx, id, "sign_out"); err != nil {
		return err
	}
	err = bed.Eventually(5*time.Second, func() error { // it may still be starting
		return caller.press(ctx, "dial", fmt.Sprintf("sip:%s@%s", number, l.node.Address()))
	})
	if err != nil {
		return err
	}
	time.Sleep(2 * time.Second) // of music
	if err = l.onDuty(ctx, id); err != nil && !strings.Contains(err.Error(), "not ready") {
		return err
	}
	if err = l.expect(ctx, id, "talking"); err != nil {
		return err
	}
	time.Sleep(3 * time.Second)
	return errors.Join(caller.hangup(ctx), l.expect(ctx, id, "ready"))
}

// heard checks that both heard the other. baresip writes nothing down any more
// after a change of codecs, so that of Opus only its packets are seen.
func (p pair) heard(l *lab, caller, agent *baresip) error {
	least := 1500 * time.Millisecond
	if p.codecs[1] == "opus" {
		least = 500 * time.Millisecond // until the change
		flows := l.tap.opusTo(31000, 31100)
		if len(flows) != 2 || min(flows[0], flows[1]) < 75 {
			return fmt.Errorf("packets of Opus to each side: %v, not two seconds of them", flows)
		}
	}
	a, err := agent.heard(callerHz)
	if err != nil {
		return err
	}
	c, err := caller.heard(agentHz)
	if err != nil {
		return err
	}
	if a < least || c < least {
		return fmt.Errorf("the agent heard the caller for %s, the caller the agent for %s", a, c)
	}
	return nil
}

// taped checks that both sides are on the recording of a call.
func (l *lab) taped(call string) error {
	var file string
	err := bed.Eventually(5*time.Second, func() error {
		files, err := filepath.Glob(filepath.Join(l.node.Dir, "data", "recordings", "*", "*", "*", call+"-*.wav"))
		if err == nil && len(files) != 1 {
			err = fmt.Errorf("%d recordings of the call", len(files))
		}
		if err == nil {
			file = files[0]
		}
		return err
	})
	if err != nil {
		return err
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read recording: %w", err)
	}
	at := bytes.Index(b, []byte("data"))
	if at < 0 {
		return errors.New("the recording is no WAV file")
	}
	sound := b[at+8 : min(at+8+int(binary.LittleEndian.Uint32(b[at+4:])), len(b))]
	ears := []*tone.Detector{tone.NewDetector(callerHz), tone.NewDetector(agentHz)}
	for frame := range slices.Chunk(sound, len(ears)) {
		for i, code := range frame {
			ears[i].Feed([]int16{g711.DecodeA(code)})
		}
	}
	for i, who := range []string{"caller", "agent"} {
		if heard := ears[i].Heard()[0].Longest; heard < 1500*time.Millisecond {
			return fmt.Errorf("the %s is on the recording for %s", who, heard)
		}
	}
	return nil
}
