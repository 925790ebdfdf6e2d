package ivr

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/routing/document"
)

// soundFlow has every node type and no mistake.
const soundFlow = `version: 1
flow: sound
languages: [zh, en]
start: known
limits: {max_steps: 300, max_visits: 15, max_duration: 20m, on_exceeded: people}
defaults:
  input: {first: 6s, inter: 3s, attempts: 3, no_input: [no_input], invalid: [invalid], exhausted: people}
  keys: {"0": people, "*": "@repeat", "9": "@back"}
vars:
  intent: {type: string, default: none}
  tries: {type: int}
  pin: {type: string, secret: true}
nodes:
  known:
    type: branch
    when:
      - {if: 'cust.tier == "diamond"', goto: people}
      - {if: 'pin != "" && tries > 3', goto: bye}
    else: main
  main:
    type: menu
    milestone: main
    prompt: [main, {if: 'tries > 0', play: [again]}]
    short: [again]
    keys:
      "1": tariff
      "2": english
      "3": fault
    set: {tries: tries + 1}
  english: {type: set, language: en, next: main}
  fault: {type: set, vars: {intent: '"fault"'}, next: people}
  tariff: {type: play, prompt: [tariff], next: main}
  people:
    type: schedule
    calendar: office
    open: line
    closed: bye
  line:
    type: queue
    queue: human
    attach: {tier: cust.tier, intent: intent}
    hold: [hold, music]
    announce_every: 30s
    keys: {"1": main}
    max_wait: 15m
    then: {timeout: bye, full: bye, abandoned: "@hangup"}
    after: bye
  bye: {type: hangup, prompt: [bye], cause: normal}
prompts:
  main: {zh: 主菜单, en: Main menu}
  again: [{zh: 请选择}, {en: Please choose}]
  tariff: {zh: 资费, en: Tariffs}
  hold: {zh: 请稍候, pinyin: "qing3 shao1 hou4", en: One moment}
  bye: {zh: 再见, en: Goodbye}
  no_input: {zh: 没有输入, en: Nothing heard}
  invalid: {zh: 错误, en: Wrong}
  music: {file: music/hold-1.wav}
`

type always struct{}

func (always) Open(time.Time) (bool, string) { return true, "" }

func soundEnvironment() Environment {
	return Environment{
		Queues:    []string{"human", "human_vip"},
		Calendars: map[string]Calendar{"office": always{}},
		Length: func(p Prompt) (time.Duration, bool) {
			if p.ID == "tariff" && p.Language == "zh" {
				return 20 * time.Second, true
			}
			return time.Second, true
		},
	}
}

func problemsOf(src string) []string {
	_, problems := Load("f.yaml", []byte(src), soundEnvironment())
	var out []string
	for _, p := range problems {
		out = append(out, strings.TrimPrefix(p.String(), "f.yaml:"))
	}
	return out
}

func TestSoundFlowHasNoProblems(t *testing.T) {
	if got := problemsOf(soundFlow); got != nil {
		t.Error(strings.Join(got, "\n"))
	}
}

// TestSeededMistakes changes the sound flow in one place and wants exactly the
// problems of that place: no followers.
func TestSeededMistakes(t *testing.T) {
	tests := map[string]struct {
		old, new string
		want     string // separated by newlines
	}{
		"unknown target": {
			"else: main", "else: mian",
			`19:11: error: node "mian" does not exist (did you mean "main"?)`,
		},
		"unknown start": {
			"start: known", "start: knwon",
			`4:8: error: node "knwon" does not exist (did you mean "known"?)`,
		},
		"unknown special target": {
			`"9": "@back"`, `"9": "@bak"`,
			`8:44: error: "@bak" is no target (did you mean "@back"?)`,
		},
		"repeat outside of keys": {
			"prompt: [tariff], next: main", `prompt: [tariff], next: "@repeat"`,
			`32:48: error: @repeat is only for keys`,
		},
		"unknown type": {
			"bye: {type: hangup,", "bye: {type: hangupp,",
			`48:15: error: unknown node type "hangupp" (did you mean "hangup"?)`,
		},
		"unknown field": {
			"milestone: main", "milestoen: main",
			`22:5: error: a menu node has no field "milestoen" (did you mean "milestone"?)`,
		},
		"missing field": {
			"prompt: [tariff], next: main", "prompt: [tariff]",
			`32:3: error: a play node needs the field "next"`,
		},
		"unquoted key": {
			`      "2": english`, `      2: english`,
			`27:7: error: write the key in quotes: "2"`,
		},
		"doubled key": {
			`      "2": english`, "      \"1\": english\n      \"2\": english",
			`27:7: error: "1" is given twice, first on line 26`,
		},
		"impossible key": {
			`      "2": english`, "      \"2\": english\n      \"E\": bye",
			`28:7: error: "E" is not something callers can press (0-9, *, #, A-D)`,
		},
		"shared prefix": {
			`      "2": english`, "      \"2\": english\n      \"21\": bye",
			`27:7: warning: keys "2" and "21" share a prefix: callers wait for the inter-digit timeout`,
		},
		"too many choices": {
			`      "3": fault`, "      \"3\": fault\n      \"4\": bye\n      \"5\": bye\n      \"6\": bye\n      \"7\": bye\n      \"8\": bye\n      \"#\": bye",
			`20:3: warning: 9 choices in one menu: callers keep 8 in mind`,
		},
		"unwired outcome": {
			"then: {timeout: bye, full: bye, abandoned", "then: {timeout: bye, abandoned",
			`46:5: error: outcome "full" is not handled`,
		},
		"unknown outcome": {
			"then: {timeout: bye, full: bye", "then: {timeout: bye, fulll: bye, full: bye",
			`46:26: error: a queue has no outcome "fulll" (did you mean "full"?)`,
		},
		"abandoned leads somewhere": {
			`abandoned: "@hangup"`, `abandoned: bye`,
			`46:48: error: the caller is gone: "abandoned" can only be "@hangup"`,
		},
		"unknown queue": {
			"queue: human\n", "queue: humann\n",
			`40:12: error: queue "humann" does not exist (did you mean "human"?)`,
		},
		"unknown calendar": {
			"calendar: office", "calendar: ofice",
			`35:15: error: calendar "ofice" does not exist (did you mean "office"?)`,
		},
		"unknown prompt": {
			"prompt: [tariff]", "prompt: [tarif]",
			`32:33: error: prompt "tarif" does not exist (did you mean "tariff"?)`,
		},
		"unused prompt": {
			"  music: {file", "  spare: {zh: 备用, en: Spare}\n  music: {file",
			`57:3: warning: prompt "spare" is never spoken`,
		},
		"missing language": {
			"{zh: 资费, en: Tariffs}", "{zh: 资费}",
			`52:3: error: prompt "tariff" has no text for language "en"`,
		},
		"unknown language of a prompt": {
			"{zh: 资费, en: Tariffs}", "{zh: 资费, en: Tariffs, fr: Tarifs}",
			`52:33: error: "fr" is not a language of this flow (zh, en)`,
		},
		"unknown language of a set node": {
			"language: en, next", "language: de, next",
			`30:34: error: "de" is not a language of this flow (zh, en)`,
		},
		"music in the middle": {
			"hold: [hold, music]", "hold: [music, hold]",
			`42:12: error: music has no end: it comes last`,
		},
		"bad music file": {
			"file: music/hold-1.wav", "file: ../hold-1.wav",
			`57:17: error: a music file is music/<name>.wav`,
		},
		"bad duration": {
			"first: 6s", "first: 6",
			`7:18: error: first: "6" is not a duration (3s, 1500ms, 10m)`,
		},
		"number out of range": {
			"attempts: 3", "attempts: 30",
			`7:43: error: attempts: 30 is out of range (1 to 10)`,
		},
		"unknown field in an expression": {
			`'cust.tier == "diamond"'`, `'cust.teir == "diamond"'`,
			`17:20: error: expression: unknown field teir`,
		},
		"wrong type in an expression": {
			"tries > 3", `tries > "3"`,
			`18:34: error: expression: invalid operation: > (mismatched types int and string)`,
		},
		"condition that is none": {
			"if: 'tries > 0'", "if: 'tries + 1'",
			`23:26: error: expression: expected bool, but got int`,
		},
		"wrong type for a variable": {
			`intent: '"fault"'`, `intent: 'tries > 1'`,
			`31:38: error: expression: expected string, but got bool`,
		},
		"undeclared variable": {
			`vars: {intent: '"fault"'}`, `vars: {intnt: '"fault"'}`,
			`31:29: error: variable "intnt" is not declared under vars (did you mean "intent"?)`,
		},
		"variable of the switch": {
			`vars: {intent: '"fault"'}`, `vars: {cust: '"fault"'}`,
			`31:29: error: "cust" belongs to the switch and can't be set`,
		},
		"unread variable": {
			"  tries: {type: int}", "  tries: {type: int}\n  spare: {type: bool}",
			`12:3: warning: variable "spare" is never read`,
		},
		"unknown variable type": {
			"  tries: {type: int}", "  tries: {type: integr}",
			`11:17: error: unknown type "integr"`,
		},
		"secret attached": {
			"attach: {tier: cust.tier", "attach: {tier: pin",
			`41:20: error: "pin" is secret and must not be attached to a call`,
		},
		"attached list": {
			"attach: {tier: cust.tier", "attach: {tier: '[1]'",
			`41:21: error: expression: must be a text, a number or a condition`,
		},
		"secret copied": {
			`intent: '"fault"'`, `intent: 'pin'`,
			`31:37: error: "pin" is secret and must not be copied into "intent"`,
		},
		"function that loops": {
			"tries > 3", "all([1], true)",
			`18:28: error: expression: there is no function "all"`,
		},
		"unreachable": {
			"  bye: {type", "  orphan: {type: play, prompt: [bye], next: orphan2}\n  orphan2: {type: play, prompt: [bye], next: bye}\n  bye: {type",
			`48:3: warning: node "orphan" can never be reached`,
		},
		"endless loop": {
			"next: people}\n", "next: fault2}\n  fault2: {type: play, prompt: [tariff], next: fault}\n",
			`31:3: error: endless loop with no caller input: fault -> fault2 -> fault; from here the call can never end: no path to hangup or queue`,
		},
		"silent menu loop": {
			"    short: [again]\n", "    short: [again]\n    exhausted: tariff\n",
			`20:3: error: endless loop with no caller input: main -> tariff -> main`,
		},
		"second version": {
			"version: 1", "version: 2",
			`1:10: error: flow format 2 is not known: this version of tierline reads format 1`,
		},
		"terminator": {
			"first: 6s,", "first: 6s, terminator: '##',",
			`7:34: error: the terminator is one key (0-9, *, #, A-D)`,
		},
		"cause": {
			"cause: normal", "cause: norml",
			`48:45: error: unknown cause "norml" (did you mean "normal"?)`,
		},
		"exhausted nowhere": {
			", exhausted: people}", "}",
			`20:3: error: outcome "exhausted" is not handled: give the menu or defaults.input an "exhausted"`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(soundFlow, tc.old) {
				t.Fatalf("the flow has no %q", tc.old)
			}
			got := strings.Join(problemsOf(strings.Replace(soundFlow, tc.old, tc.new, 1)), "\n")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNobodyReached: a flow without people is warned of once.
func TestNobodyReached(t *testing.T) {
	src := `version: 1
flow: machine
languages: [en]
start: a
nodes:
  a: {type: menu, prompt: [p], keys: {"1": b}, exhausted: "@hangup"}
  b: {type: menu, prompt: [p], keys: {"1": a}, exhausted: "@hangup"}
prompts: {p: {en: Press one}}
`
	want := []string{`6:3: warning: from menu "a" nobody reaches a person`}
	if diff := cmp.Diff(want, problemsOf(src)); diff != "" {
		t.Error(diff)
	}
}

// TestNoWayToAnEnd: a maze without an exit is named by its circle.
func TestNoWayToAnEnd(t *testing.T) {
	src := `version: 1
flow: maze
languages: [en]
start: door
nodes:
  door: {type: menu, prompt: [p], keys: {"1": a, "2": out}, exhausted: out}
  a: {type: menu, prompt: [p], keys: {"1": b}, exhausted: b}
  b: {type: menu, prompt: [p], keys: {"1": a}, exhausted: c}
  c: {type: play, prompt: [p], next: a}
  out: {type: hangup}
prompts: {p: {en: Press one}}
`
	want := []string{
		`6:3: warning: from menu "door" nobody reaches a person`,
		`7:3: error: endless loop with no caller input: a -> b -> c -> a; from here the call can never end: ` +
			`no path to hangup or queue`,
	}
	if diff := cmp.Diff(want, problemsOf(src)); diff != "" {
		t.Error(diff)
	}
}

// TestEverythingAtOnce: many mistakes in one file are all named, in order.
func TestEverythingAtOnce(t *testing.T) {
	src := soundFlow
	for right, wrong := range map[string]string{
		"else: main": "else: mian", "{zh: 资费, en: Tariffs}": "{en: Tariffs}", "calendar: office": "calendar: x",
		"first: 6s": "first: soon", "type: set, language": "type: sett, language", "tries > 0": "tris > 0",
	} {
		src = strings.Replace(src, right, wrong, 1)
	}
	want := []string{
		`7:18: error: first: "soon" is not a duration (3s, 1500ms, 10m)`,
		`19:11: error: node "mian" does not exist (did you mean "main"?)`,
		`23:26: error: expression: unknown name tris`,
		`30:19: error: unknown node type "sett" (did you mean "set"?)`,
		`35:15: error: calendar "x" does not exist`,
		`52:3: error: prompt "tariff" has no text for language "zh"`,
	}
	if diff := cmp.Diff(want, problemsOf(src)); diff != "" {
		t.Error(diff)
	}
}

func TestLongPrompt(t *testing.T) {
	env := soundEnvironment()
	env.Length = func(p Prompt) (time.Duration, bool) {
		if p.ID == "tariff" && p.Language == "en" {
			return 21 * time.Second, true
		}
		return 0, false
	}
	_, problems := Load("f.yaml", []byte(soundFlow), env)
	want := []document.Problem{{
		File: "f.yaml", Line: 52, Col: 3, Severity: document.Warning,
		Text: `prompt "tariff" lasts 21.0 s in en: callers listen for at most 20s`,
	}}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Error(diff)
	}
}
