package ivr

import (
	"strings"
	"testing"
	"time"
)

// complaintFlow has a menu with keys of one and two digits, one without
// barge-in, and an entry of fixed length before a menu.
const complaintFlow = `version: 1
flow: complaints
languages: [en]
start: main
defaults:
  input: {first: 5s, inter: 3s, total: 20s, attempts: 3, no_input: [silent, silent2], invalid: [wrong, wrong2], exhausted: people}
  keys: {"0": people, "9": "@back"}
vars: {x: {type: string}}
nodes:
  main:
    type: menu
    prompt: [hello]
    keys: {"1": one, "12": twelve, "2": two, "3": stubborn, "4": entry, "*": sharp}
  one: {type: menu, prompt: [p], keys: {"5": two}}
  twelve: {type: menu, prompt: [p], keys: {"5": two}}
  two: {type: menu, prompt: [p], keys: {"1": one, "2": twelve}}
  stubborn: {type: menu, prompt: [p], barge_in: false, keys: {"1": one}}
  entry: {type: collect, prompt: [p], min: 4, max: 4, into: x, next: sharp}
  sharp: {type: menu, prompt: [p], keys: {"#": two, "1": one}}
  people: {type: queue, queue: q, hold: [p], keys: {"7": one}, then: {timeout: bye, full: bye, abandoned: "@hangup"}}
  bye: {type: hangup, prompt: [p]}
prompts:
  hello: {en: Hello}
  p: {en: P}
  silent: {en: Nothing}
  silent2: {en: Nothing again}
  wrong: {en: Wrong}
  wrong2: {en: Wrong again}
`

// TestComplaints: what callers of other systems suffer (reference, 1.1).
func TestComplaints(t *testing.T) {
	tests := map[string]struct {
		do   func(r *run)
		node string
		said string // since the last step of do
	}{
		"an entry that begins no other fires at once": {func(r *run) { r.press("2") }, "two", ""},
		"one that does waits for the next key":        {func(r *run) { r.press("1"); r.pass(2999 * time.Millisecond) }, "main", ""},
		"and not for longer":                          {func(r *run) { r.press("1"); r.pass(3 * time.Second) }, "one", ""},
		"the terminator ends the wait":                {func(r *run) { r.press("1#") }, "one", ""},
		"two keys are one entry":                      {func(r *run) { r.press("12") }, "twelve", ""},
		"the key that stops a prompt counts":          {func(r *run) { r.press("2"); r.press("1") }, "one", ""},
		"all keys survive a barge-in":                 {func(r *run) { r.press("2211") }, "twelve", ""},
		"without barge-in no key stops the prompt":    {func(r *run) { r.press("3"); r.press("1") }, "stubborn", ""},
		"but it counts afterwards":                    {func(r *run) { r.press("3"); r.press("1"); r.hear() }, "one", ""},
		"star stops no prompt either":                 {func(r *run) { r.press("3"); r.press("*"); r.s.st.Typed = "" }, "stubborn", ""},
		"old digits don't answer the next menu":       {func(r *run) { r.hear(); r.press("711"); r.hear() }, "main", ""},
		"nor keys pressed while scolded":              {func(r *run) { r.hear(); r.press("7"); r.press("2"); r.hear() }, "main", ""},
		"a habitual # after a fixed entry":            {func(r *run) { r.press("4"); r.hear(); r.press("1234#") }, "sharp", ""},
		"typed ahead with it":                         {func(r *run) { r.press("41234#1") }, "one", ""},
		"but not after a second":                      {func(r *run) { r.press("4"); r.hear(); r.press("1234"); r.pass(1100 * time.Millisecond); r.press("#") }, "two", ""},
		"silence and mistakes share their attempts": {func(r *run) {
			r.hear()
			r.press("7")
			r.hear()
			r.pass(5 * time.Second)
			r.hear()
			r.press("7")
		}, "people", ""},
		"silence alone ends too":                          {func(r *run) { nothing(r, 3) }, "people", ""},
		"not before the last":                             {func(r *run) { nothing(r, 2) }, "main", ""},
		"the second failure has its own prompt":           {func(r *run) { r.hear(); r.press("7"); r.hear(); r.take(); r.press("7") }, "main", "wrong2"},
		"whatever the first was":                          {func(r *run) { r.hear(); r.pass(5 * time.Second); r.hear(); r.take(); r.press("7") }, "main", "wrong2"},
		"keys while waiting for an agent work":            {func(r *run) { r.press("0"); r.press("7") }, "one", ""},
		"others do nothing there":                         {func(r *run) { r.press("0"); r.press("1234*#") }, "people", ""},
		"back from the first menu stays":                  {func(r *run) { r.press("9") }, "main", "hello"},
		"the total time ends an entry":                    {func(r *run) { r.press("4"); r.hear(); r.press("1"); r.pass(30 * time.Second) }, "entry", ""},
		"an unknown key is nobody's":                      {func(r *run) { r.press("x\x00\u4e00"); r.press("2") }, "two", ""},
		"a long entry that nothing begins with is wrong":  {func(r *run) { r.hear(); r.take(); r.press("13") }, "main", "wrong"},
		"the end of a prompt that was stopped is nothing": {func(r *run) { id := r.speaking; r.press("2"); r.give(PromptDone{id}) }, "two", ""},
	}
	f := loadText(t, "f", complaintFlow, Environment{})
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := begin(t, f, Caller{}, time.Unix(0, 0))
			tc.do(r)
			r.at(tc.node)
			if got := strings.Join(said(r.take()), " "); tc.said != "" && !strings.HasSuffix(got, tc.said) {
				t.Errorf("said %s", got)
			}
		})
	}
}

// nothing is a caller who does nothing, n times.
func nothing(r *run, n int) {
	for range n {
		r.hear()
		r.pass(5 * time.Second)
	}
}

// TestHangUpEverywhere: in whatever node a caller hangs up, timers stop,
// questions that only he wanted are cancelled, what he said is kept, and
// nothing happens any more.
func TestHangUpEverywhere(t *testing.T) {
	for node := range loadAll(t, allFlow, subFlow).nodes {
		for _, prepare := range []func(r *run){
			func(*run) {}, func(r *run) { r.hear() }, func(r *run) { r.hear(); r.press("123456#") },
			func(r *run) { r.hear(); r.pass(time.Second) },
			func(r *run) { r.press("1"); r.hear(); r.press("1"); r.hear(); r.press("1") },
			func(r *run) {
				if r.queued {
					r.give(AgentConnected{})
				}
			},
			func(r *run) {
				if r.recording != 0 {
					r.give(Recorded{ID: r.recording, Ref: "r1", Voice: true, Length: time.Minute})
				}
			},
			func(r *run) {
				for id, a := range r.pending {
					if _, ok := a.(TryAuth); ok {
						r.give(Attempt{id, AttemptAllowed})
					}
				}
			},
		} {
			r := beginAll(t, known())
			r.s.st.Vars["number"] = "1"
			r.jump(node)
			prepare(r)
			if r.ended {
				continue
			}
			at := r.s.st.At
			r.give(HungUp{})
			if len(r.timers) > 0 || r.speaking != 0 || r.music {
				t.Errorf("%s: %d timers, sound %v", at, len(r.timers), r.music)
			}
			for _, a := range r.pending {
				if l, ok := a.(Lookup); ok && !l.Finish {
					t.Errorf("%s: the lookup goes on", at)
				}
			}
			if r.tries > 0 || r.has(DropRecording{"r1"}) || r.has(Disconnect{CauseNormal}) {
				t.Errorf("%s: %v", at, r.log)
			}
			for _, in := range []Input{Key{'1'}, HungUp{}, AgentConnected{}, TimerFired{r.s.st.Last}, PromptDone{r.s.st.Last}} {
				if got := r.s.Handle(in, r.now); got != nil {
					t.Errorf("%s: %v after the end", at, got)
				}
			}
		}
	}
}

func TestBackReferences(t *testing.T) {
	tests := map[string]map[string]bool{
		`^(.)\1*$`:              {"1": true, "111111": true, "111211": false, "": false},
		`^(\d)(\d)\2\1$`:        {"1221": true, "1111": true, "1212": false, "12210": false},
		`(\d)\1{2,}`:            {"1222": true, "12233": false, "555": true},
		`^(ab|c)+\1$`:           {"abab": true, "abc": false, "ccc": true},
		`^([0-9]{2})(?:x\1)*$`:  {"12": true, "12x12x12": true, "12x13": false},
		`^(a?)b\1$`:             {"b": true, "aba": true, "ab": false},
		`^([^0-9])\1[\]1]$`:     {"aa]": true, "aa1": true, "aab": false, "11]": false},
		`^(.)(.)\1\2|^(\d)\3$`:  {"1212": true, "77": true, "78": false},
		`^(中)\1$`:               {"中中": true, "中": false},
		`^((a*)*\2)*\1?c$`:      {strings.Repeat("a", 200): false}, // gives up
		`^(\w+)\s\1$`:           {"ab ab": true, "ab ba": false},
		`^(.)\1{0,2}(x|y){1}\1`: {"11x1": true, "1111y1": false},
	}
	for pattern, texts := range tests {
		m, err := newMatcher(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		for text, want := range texts {
			if got := m.MatchString(text); got != want {
				t.Errorf("%s: %.20s: %v", pattern, text, got)
			}
		}
	}
	for _, bad := range []string{`(\1`, `\1`, `(.)\2`, `(.)\1{`, `(.)\1{x}`, `(.)\1{5,2}`, `(.)\1{1000}`, `(.)\1)`, `(.)*+\1`, `[\1`, `(.)\1[`, `(.)\1(?<x>y)`} {
		if m, err := newMatcher(bad); err == nil {
			t.Errorf("%s was taken: %v", bad, m)
		}
	}
}
