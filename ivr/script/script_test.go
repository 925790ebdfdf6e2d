package script_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/ivr"
	"tierline/ivr/script"
)

const shopFile = "../../testdata/flows/shop.yaml"

func flow(t testing.TB, file string) *ivr.Flow {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, problems := ivr.Load(file, src, ivr.Environment{})
	if f == nil {
		t.Fatal(problems)
	}
	return f
}

func load(t testing.TB, src string) *script.Script {
	t.Helper()
	s, problems := script.Load("s.yaml", []byte(src))
	if s == nil {
		t.Fatal(problems)
	}
	return s
}

func TestSampleScript(t *testing.T) {
	src, err := os.ReadFile("../../testdata/flows/shop.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, f := load(t, string(src)), flow(t, shopFile)
	walked := script.NewWalked(f)
	for i := range s.Tests {
		if r := s.Run(&s.Tests[i], script.Surroundings{Flow: f}, walked); !r.OK {
			t.Errorf("%s: %+v", r.Name, r.Failure)
		}
	}
	got := walked.Coverage()
	want := script.Coverage{
		Nodes: script.Share{Walked: 9, All: 10, Percent: 90},
		Edges: script.Share{Walked: 16, All: 17, Percent: 100 * 16.0 / 17},
		Left: []script.Unseen{
			{Node: "hours", Outcome: "closed", To: "closed", Line: 14},
			{Node: "closed", Line: 42},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("coverage (-want +got):\n%s", d)
	}
	if short := s.Short(got); short != nil {
		t.Errorf("short of its thresholds: %v", short)
	}
	strict := load(t, "flow: shop\ntests: [{name: a, steps: [hang up]}]\ncoverage: {nodes: 90%, edges: 95%}\n")
	if d := cmp.Diff([]string{"94.1 % of the edges walked (16 of 17), wanted 95 %"}, strict.Short(got)); d != "" {
		t.Errorf("thresholds (-want +got):\n%s", d)
	}
}

// TestDesignScript walks every type of node.
func TestDesignScript(t *testing.T) {
	src, err := os.ReadFile("../../testdata/flows/svc10001.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, f := load(t, string(src)), flow(t, "../../testdata/flows/svc10001.yaml")
	walked := script.NewWalked(f)
	for i := range s.Tests {
		if r := s.Run(&s.Tests[i], script.Surroundings{Flow: f}, walked); !r.OK {
			t.Errorf("%s: %+v", r.Name, r.Failure)
		}
	}
	if short := s.Short(walked.Coverage()); short != nil {
		t.Errorf("%v of %v", short, walked.Coverage().Left)
	}
}

// TestSecrets wants no PIN in what is told of a call.
func TestSecrets(t *testing.T) {
	f := flow(t, "../../testdata/flows/svc10001.yaml")
	s := load(t, `flow: svc10001
mocks:
  - {match: GET /v1/customers/*, reply: {id: "8812", lang: zh, phone: "1"}}
  - {match: POST *, status: 200}
tests:
  - name: t
    call: {ani: "1"}
    steps:
      - press: "71"
      - hear: ask_pin
      - silence: 1s
      - press: "314159"
      - hear: ask_new_pin
      - press: "271828"
      - hear: ask_again
      - press: "271828"
      - expect: {vars: {newpin: "271828"}}
`)
	r := s.Run(&s.Tests[0], script.Surroundings{Flow: f}, script.NewWalked(f))
	if r.Failure == nil || r.Failure.Got != "no such variable, or a secret" {
		t.Errorf("a secret has a value: %+v", r.Failure)
	}
	for _, line := range r.Timeline {
		if !strings.Contains(line, "> press") && (strings.Contains(line, "314159") || strings.Contains(line, "271828")) {
			t.Errorf("a secret is told: %s", line)
		}
	}
}

// TestFailures runs scripts that are wrong about the flow, and wants to be told
// what was instead, at the place of the step.
func TestFailures(t *testing.T) {
	tests := map[string]struct {
		steps string
		want  script.Failure
	}{
		"another prompt": {
			`- hear: goodbye`,
			script.Failure{
				Line: 5, Col: 5, Step: "hear: goodbye", Text: "not heard: the flow waits for the caller at main",
				Want: "goodbye", Got: "hello, choice", Heard: []string{"hello", "choice"},
			},
		},
		"another language": {
			`- hear: hello.en`,
			script.Failure{
				Line: 5, Col: 5, Step: "hear: hello.en", Text: "not heard: the flow waits for the caller at main",
				Want: "hello.en", Got: "hello, choice", Heard: []string{"hello", "choice"},
			},
		},
		"not in succession": {
			"- hear: hello\n  - press: \"1\"\n  - hear: [open_hours, choice]",
			script.Failure{
				Line: 7, Col: 5, Step: "hear: [open_hours, choice]", Text: "not heard: the flow waits for the caller at main",
				Want: "open_hours, choice", Got: "open_hours, hello, choice", Heard: []string{"open_hours", "hello", "choice"},
			},
		},
		"the call is over": {
			"- hang up\n  - press: \"1\"",
			script.Failure{Line: 6, Col: 5, Step: `press: "1"`, Text: "the call is over", Heard: []string{}},
		},
		"no queue": {
			"- queue leaves: full",
			script.Failure{
				Line: 5, Col: 5, Step: "queue leaves: full", Text: "the call waits in no queue",
				Got: "the call is at node main", Heard: []string{"hello"},
			},
		},
		"no agent": {
			"- press: \"0\"\n  - agent leaves",
			script.Failure{
				Line: 6, Col: 5, Step: "agent leaves", Text: "the caller talks to nobody",
				Got: "the call waits in a queue", Heard: []string{"hold"},
			},
		},
		"no recording": {
			"- record: 5s",
			script.Failure{
				Line: 5, Col: 5, Step: "record: 5s", Text: "nobody records the caller here",
				Got: "the call is at node main", Heard: []string{"hello", "choice"},
			},
		},
		"an attribute": {
			"- press: \"2#\"\n  - expect: {queue: shop, attach: {topic: none}}",
			script.Failure{
				Line: 6, Col: 5, Step: "expect: {queue: shop, attach: {topic: none}}", Text: "expected attach",
				Want: "topic=none", Got: "path=main > repair > people topic=repair", Heard: []string{"hold"},
			},
		},
		"the end": {
			"- hang up\n  - expect: {end: bye, cause: normal}",
			script.Failure{
				Line: 6, Col: 5, Step: "expect: {end: bye, cause: normal}", Text: "expected end",
				Want: "bye normal", Got: "main caller", Heard: []string{},
			},
		},
		"a lookup that never was": {
			"- expect: {lookup: GET /v1/bills/*}",
			script.Failure{
				Line: 5, Col: 5, Step: "expect: {lookup: GET /v1/bills/*}", Text: "expected lookup",
				Want: "GET /v1/bills/*", Got: "none", Heard: []string{"hello", "choice"},
			},
		},
	}
	f := flow(t, shopFile)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := load(t, "flow: shop.yaml\ntests:\n- name: t\n  steps:\n  "+test.steps+"\n")
			got := s.Run(&s.Tests[0], script.Surroundings{Flow: f}, script.NewWalked(f)).Failure
			if got == nil {
				t.Fatal("passed")
			}
			got.Timeline = nil
			if d := cmp.Diff(test.want, *got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestEndlessScript bounds what a script can ask for.
func TestEndlessScript(t *testing.T) {
	f := flow(t, shopFile)
	s := load(t, "flow: shop\ntests: [{name: t, steps: [{press: \"0\"}, agent answers, {silence: 24h}, {silence: 24h}]}]\n")
	r := s.Run(&s.Tests[0], script.Surroundings{Flow: f}, script.NewWalked(f))
	if !r.OK || r.Lasted != 48*60*60 {
		t.Errorf("two days with an agent: %+v", r)
	}
}

func TestMistakes(t *testing.T) {
	src := `flow: shop.yaml
flwo: x
tests:
  - name: a
    call: {ani: 138, at: today, customer: {tire: gold}}
    mocks:
      - {match: get /x}
      - {match: GET /x, result: ok}
      - {match: AUTH pin, result: loked}
      - {match: GET /y, status: 200, replies: [{status: 200}]}
      - {match: GET /z, status: 20, delay: 5}
    steps:
      - hear main
      - haer: main
      - hear
      - hang up: now
      - press: "5x"
      - press: 5
      - silence: 25h
      - queue leaves: ful
      - expect: {qeue: x}
      - expect: {}
      - {hear: a, say: b}
      - hear: []
  - name: a
    steps: [hang up]
coverage: {nodes: 90, edges: 101%}
`
	s, problems := script.Load("s.yaml", []byte(src))
	if s != nil {
		t.Error("a script with mistakes was loaded")
	}
	var got []string
	for _, p := range problems {
		got = append(got, strings.TrimPrefix(p.String(), "s.yaml:"))
	}
	want := strings.Split(strings.TrimSpace(`
2:1: error: a script has no field "flwo" (did you mean "flow"?)
5:17: error: ani: write the text in quotes: "138"
5:26: error: at: "today" is not a time (2026-11-21T10:00:00+08:00)
5:44: error: customer has no field "tire" (did you mean "tier"?)
7:17: error: match is like "GET /v1/bills/*", "NOTIFY sms" or "*", not "get /x"
8:33: error: a lookup has a reply, a status or an error, no result
9:35: error: "loked" is none of allowed, locked, unknown (did you mean "locked"?)
10:17: error: a mock has one reply or a list of replies
11:33: error: status: 20 is out of range (100 to 599)
11:44: error: delay: "5" is not a duration (3s, 1500ms, 10m)
13:9: error: unknown step "hear main"
14:9: error: unknown step "haer" (did you mean "hear"?)
15:9: error: the step "hear" needs a value
16:9: error: the step "hang up" has no value
17:16: error: "5x" is not something callers can press (0-9, *, #, A-D)
18:16: error: press: write the text in quotes: "5"
19:18: error: silence: 25h0m0s is out of range (at most 24h0m0s)
20:23: error: "ful" is none of timeout, full, long, no_staff, closed, offline (did you mean "full"?)
21:18: error: expect has no field "qeue" (did you mean "queue"?)
22:17: error: expect: must not be empty
23:9: error: a step is one thing: a word or one field
24:15: error: hear: must not be empty
25:11: error: two tests are called "a", the first on line 4
27:19: error: nodes: "90" is not a share (90%)
27:30: error: edges: "101%" is not a share (90%)
`), "\n")
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestMatches(t *testing.T) {
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true},
		{"*", "GET /x", true},
		{"GET /x", "GET /x", true},
		{"GET /x", "GET /xy", false},
		{"GET /x*", "GET /xy", true},
		{"* /x", "GET /x", true},
		{"GET /*/b/*", "GET /a/b/c", true},
		{"GET /*/b/*", "GET /a/c", false},
		{"a*a", "a", false},
		{"a**b", "ab", true},
	}
	for _, test := range tests {
		if got := script.Matches(test.pattern, test.text); got != test.want {
			t.Errorf("Matches(%q, %q) = %v", test.pattern, test.text, got)
		}
	}
}

// FuzzLoad wants that no script, however odd, breaks the reader or keeps a
// test running.
func FuzzLoad(f *testing.F) {
	for _, file := range []string{"../../testdata/flows/shop.test.yaml", "../../testdata/flows/shop.yaml"} {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	fl := flow(f, shopFile)
	f.Fuzz(func(t *testing.T, src []byte) {
		s, problems := script.Load("s.yaml", src)
		if (s == nil) != (len(problems) > 0) {
			t.Fatalf("script %v with problems %v", s != nil, problems)
		}
		if s == nil {
			return
		}
		for i := range s.Tests {
			s.Run(&s.Tests[i], script.Surroundings{Flow: fl}, script.NewWalked(fl))
		}
	})
}
