package ivr

import (
	"testing"
	"time"
)

const smallFlow = `version: 1
flow: small
languages: [zh, en]
start: hello
defaults:
  input: {no_input: [no_input], invalid: [invalid], exhausted: people}
  keys: {"0": people, "*": "@repeat", "9": "@back"}
vars:
  intent: {type: string, default: none}
nodes:
  hello:
    type: branch
    when: [{if: 'cust.tier == "diamond"', goto: people}]
    else: main
  main:
    type: menu
    milestone: main
    prompt: [main]
    short: [main_short]
    keys: {"1": tariff, "2": english}
  english: {type: set, language: en, vars: {intent: '"en"'}, next: main}
  tariff: {type: play, prompt: [tariff], next: main}
  people:
    type: queue
    queue: human
    attach: {tier: cust.tier, path: call.path, intent: intent}
    hold: [hold, music]
    keys: {"2": main}
    then: {timeout: bye, full: bye, abandoned: "@hangup"}
    after: bye
  bye: {type: hangup, prompt: [bye]}
prompts:
  main: {zh: 主菜单, en: Main menu}
  main_short: {zh: 请选择, en: Please choose}
  tariff: {zh: 资费, en: Tariffs}
  hold: {zh: 请稍候, en: One moment}
  bye: {zh: 再见, en: Goodbye}
  no_input: {zh: 没有输入, en: Nothing heard}
  invalid: {zh: 错误, en: Wrong}
  music: {file: music/hold-1.wav}
`

func TestSmall(t *testing.T) {
	f, problems := Load("small.yaml", []byte(smallFlow), Environment{Queues: []string{"human"}})
	if len(problems) > 0 || f == nil {
		t.Fatal(problems)
	}
	now := time.Unix(1000, 0)
	s, acts := Start(f, Caller{Call: "c1", Customer: Customer{Tier: "gold"}}, now)
	t.Logf("%T%+v", acts, acts)
	for _, in := range []Input{Key{'2'}, PromptDone{2}, PromptDone{3}, Key{'0'}, AgentConnected{}, AgentDone{}} {
		t.Logf("%T%+v -> %+v", in, in, s.Handle(in, now))
	}
	t.Logf("%s", s.Encode())
}
