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

// These lead, in Chinese and English, to a queue whose agents say their
// number.
const (
	greetedZh = "1909"
	greetedEn = "1910"
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
	return extend(to, "queues.yaml", `
  e2e_greeted:
    title: {zh: 工号播报, en: With a greeting}
    requirement: 'vip>=5'
    wrap_up: 0s
    before_talk: {caller: [agent_is, "@agent", at_service], agent: [w_fault, "@tier"]}
`)
}

// greeted has callers of both languages hear who serves them, and then him.
func greeted(ctx context.Context, l *lab) error {
	port := l.port()
	if err := errors.Join(l.register(ctx, port, "1001"), l.onDuty(ctx, "1001")); err != nil {
		return err
	}
	agent, err := l.phone(ctx, port, 2, 300*time.Millisecond, 8*time.Second)
	if err != nil {
		return err
	}
	for _, c := range []struct{ from, lang, number string }{{zhou, "zh", greetedZh}, {wilson, "en", greetedEn}} {
		out, err := l.dial(ctx, c.from, c.number, "", 20*time.Second, "--expect-tone", "700")
		if err == nil {
			err = inOrder(out, told(c.lang, "agent_is", read(c.lang, "digits:yao", "1001"), "at_service"))
		}
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", c.lang, err), agent.kill())
		}
	}
	return agent.wait(10 * time.Second)
}
