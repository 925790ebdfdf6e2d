package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tierline/media/tone"
	"tierline/media/wav"
)

// These lead, in Chinese and English, to a queue whose agents say their
// number.
const (
	greetedZh = "1909"
	greetedEn = "1910"
)

// whisperHz is what an agent hears before a conversation, for whisperFor.
const (
	whisperHz  = 1750.0
	whisperFor = 1500 * time.Millisecond
)

// greetingDocuments adds that queue.
func greetingDocuments(to string) error {
	for number, lang := range map[string]string{greetedZh: "zh", greetedEn: "en"} {
		flow := strings.NewReplacer("flow: e2e_wide", "flow: e2e_greeted_"+lang,
			"e2e_wide", "e2e_greeted", "[en]", "["+lang+"]").Replace(wideFlow)
		if err := os.WriteFile(filepath.Join(to, "flows", "e2e_greeted_"+lang+".yaml"), []byte(flow), 0o600); err != nil {
			return fmt.Errorf("write flow: %w", err)
		}
		rule := fmt.Sprintf("\n  - {number: %q, flow: e2e_greeted_%s}\n", number, lang)
		if err := extend(to, "numbers.yaml", rule); err != nil {
			return err
		}
	}
	return errors.Join(whisperDocuments(to), extend(to, "queues.yaml", `
  e2e_greeted:
    title: {zh: 工号播报, en: With a greeting}
    requirement: 'vip>=5'
    wrap_up: 0s
    before_talk: {caller: [agent_is, "@agent", at_service], agent: [e2e_whisper, w_fault, "@tier"]}
`))
}

// whisperDocuments adds a prompt that is a tone.
func whisperDocuments(to string) error {
	errs := []error{extend(to, "features.yaml", "\n  e2e_whisper: {zh: 哨声。, pinyin: \"shao4 sheng1.\", en: A tone.}\n")}
	for _, lang := range []string{"zh", "en"} {
		w, err := os.Create(filepath.Join(to, "prompts", "e2e_whisper."+lang+".wav"))
		if err != nil {
			return fmt.Errorf("write a tone: %w", err)
		}
		errs = append(errs, wav.Write(w, wav.FromSamples(tone.Make(whisperFor, -12, whisperHz))), w.Close())
	}
	return errors.Join(errs...)
}

// greeted has callers of both languages hear who serves them, and then him.
func greeted(ctx context.Context, l *lab) error {
	port := l.port()
	if err := errors.Join(l.register(ctx, port, "1001"), l.onDuty(ctx, "1001")); err != nil {
		return err
	}
	own, err := openTap(l.switchIP, whisperHz)
	if err != nil {
		return err
	}
	defer own.close()
	agent, err := l.phone(ctx, port, 2, 300*time.Millisecond, 8*time.Second)
	if err != nil {
		return err
	}
	for _, c := range []struct{ from, lang, number string }{{zhou, "zh", greetedZh}, {wilson, "en", greetedEn}} {
		var out string
		out, err = l.dial(ctx, c.from, c.number, "", 20*time.Second, "--expect-tone", "700")
		if err == nil {
			err = inOrder(out, told(c.lang, "agent_is", read(c.lang, "digits:yao", "1001"), "at_service"))
		}
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", c.lang, err), agent.kill())
		}
	}
	if err = agent.wait(10 * time.Second); err != nil {
		return err
	}
	for _, heard := range own.toPort(1, agentPort-1, whisperHz) {
		if heard > 100*time.Millisecond {
			return fmt.Errorf("a caller heard the agent's whisper for %s", heard)
		}
	}
	return hears("the agent", own.toPort(agentPort, lastPort, whisperHz), 2, whisperFor*9/10)
}
