package document

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type menuDoc struct {
	commonDoc
	Prompt   []Value[string]        `doc:"prompt,required,nonempty"`
	Keys     Entries[Value[string]] `doc:"keys,required"`
	First    Value[time.Duration]   `doc:"first,min=500ms,max=60s"`
	Attempts Value[int]             `doc:"attempts,min=1,max=10"`
	BargeIn  Value[bool]            `doc:"barge_in"`
	Raw      *Node                  `doc:"raw"`
	Limits   *limitsDoc             `doc:"limits"`
}

type commonDoc struct {
	Milestone Value[string] `doc:"milestone,nonempty"`
}

type limitsDoc struct {
	Steps Value[int] `doc:"max_steps,required,min=10"`
}

func read(t *testing.T, src string) (menuDoc, []string) {
	t.Helper()
	p := NewProblems("f.yaml")
	var d menuDoc
	Decode(Parse([]byte(src), p), &d, "a menu node", p)
	var out []string
	for _, pr := range p.List() {
		out = append(out, pr.String())
	}
	return d, out
}

func TestDecodeKeepsPlaces(t *testing.T) {
	d, problems := read(t, `# comment
milestone: main
prompt: [welcome, "选择"]   # 注释
keys: {"1": 账单, "*": "@repeat", "22": x}
first: 1500ms
attempts: 3
barge_in: false
limits:
  max_steps: 300
`)
	if problems != nil {
		t.Fatalf("problems: %v", problems)
	}
	if d.First.V != 1500*time.Millisecond || d.Attempts.V != 3 || !d.BargeIn.Given || d.BargeIn.V {
		t.Errorf("values: %+v", d)
	}
	if d.Limits == nil || d.Limits.Steps.V != 300 || d.Limits.Steps.Pos != (Pos{9, 14}) {
		t.Errorf("limits: %+v", d.Limits)
	}
	got := map[string]Pos{"milestone": d.Milestone.Pos, "second prompt": d.Prompt[1].Pos}
	got["second prompt's 择"] = d.Prompt[1].At(1)
	for _, e := range d.Keys {
		got["key "+e.Key.V], got["value "+e.Key.V] = e.Key.Pos, e.Value.Pos
	}
	want := map[string]Pos{
		"milestone": {2, 12}, "second prompt": {3, 19},
		"second prompt's 择": {3, 21},
		"key 1":             {4, 8}, "value 1": {4, 13}, "key *": {4, 17}, "value *": {4, 22}, "key 22": {4, 33}, "value 22": {4, 39},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMistakes(t *testing.T) {
	tests := map[string]struct{ src, want string }{
		"unknown field": {
			"prompt: [a]\nkeys: {}\npromt: [b]\n",
			`f.yaml:3:1: error: a menu node has no field "promt" (did you mean "prompt"?)`,
		},
		"far off field":   {"prompt: [a]\nkeys: {}\nxyzzy: 1\n", `f.yaml:3:1: error: a menu node has no field "xyzzy"`},
		"doubled key":     {"prompt: [a]\nkeys: {\"1\": a, '1': b}\n", `f.yaml:2:16: error: "1" is given twice, first on line 2`},
		"doubled field":   {"prompt: [a]\nkeys: {}\nprompt: [b]\n", `f.yaml:3:1: error: "prompt" is given twice, first on line 1`},
		"unquoted key":    {"prompt: [a]\nkeys: {1: a}\n", `f.yaml:2:8: error: write the key in quotes: "1"`},
		"octal key":       {"prompt: [a]\nkeys:\n  01: a\n", `f.yaml:3:3: error: write the key in quotes: "01"`},
		"hex key":         {"prompt: [a]\nkeys:\n  0x1: a\n", `f.yaml:3:3: error: write the key in quotes: "0x1"`},
		"null key":        {"prompt: [a]\nkeys:\n  ~: a\n", `f.yaml:3:3: error: write the key in quotes: "~"`},
		"bool key":        {"prompt: [a]\nkeys:\n  true: a\n", `f.yaml:3:3: error: write the key in quotes: "true"`},
		"missing":         {"prompt: [a]\n", `f.yaml:1:1: error: a menu node needs the field "keys"`},
		"missing inside":  {"prompt: [a]\nkeys: {}\nlimits: {}\n", `f.yaml:3:1: error: limits needs the field "max_steps"`},
		"empty list":      {"prompt: []\nkeys: {}\n", `f.yaml:1:9: error: prompt: must not be empty`},
		"no value":        {"prompt: [a]\nkeys: {}\nmilestone:\n", `f.yaml:3:1: error: milestone: the value is missing`},
		"number for text": {"prompt: [10]\nkeys: {}\n", `f.yaml:1:10: error: prompt: write the text in quotes: "10"`},
		"text for list":   {"prompt: a\nkeys: {}\n", `f.yaml:1:9: error: prompt: must be a list, not "a"`},
		"text for map":    {"prompt: [a]\nkeys: b\n", `f.yaml:2:7: error: keys: must be a group of fields, not "b"`},
		"list for text":   {"prompt: [[a]]\nkeys: {}\n", `f.yaml:1:10: error: prompt: must be a text, not a list`},
		"bare duration": {
			"prompt: [a]\nkeys: {}\nfirst: 60\n",
			`f.yaml:3:8: error: first: "60" is not a duration (3s, 1500ms, 10m)`,
		},
		"bad duration":      {"prompt: [a]\nkeys: {}\nfirst: 6sec\n", `f.yaml:3:8: error: first: "6sec" is not a duration (3s, 1500ms, 10m)`},
		"negative duration": {"prompt: [a]\nkeys: {}\nfirst: -6s\n", `f.yaml:3:8: error: first: "-6s" is not a duration (3s, 1500ms, 10m)`},
		"short duration":    {"prompt: [a]\nkeys: {}\nfirst: 10ms\n", `f.yaml:3:8: error: first: 10ms is out of range (500ms to 60s)`},
		"number range":      {"prompt: [a]\nkeys: {}\nattempts: 11\n", `f.yaml:3:11: error: attempts: 11 is out of range (1 to 10)`},
		"lower limit":       {"prompt: [a]\nkeys: {}\nlimits: {max_steps: 1}\n", `f.yaml:3:21: error: max_steps: 1 is out of range (at least 10)`},
		"word for number":   {"prompt: [a]\nkeys: {}\nattempts: many\n", `f.yaml:3:11: error: attempts: must be a whole number, not "many"`},
		"float for number":  {"prompt: [a]\nkeys: {}\nattempts: 2.5\n", `f.yaml:3:11: error: attempts: must be a whole number, not "2.5"`},
		"yes for bool":      {"prompt: [a]\nkeys: {}\nbarge_in: yes\n", `f.yaml:3:11: error: barge_in: must be true or false, not "yes"`},
		"anchor":            {"prompt: &a [b]\nkeys: {}\n", `f.yaml:1:9: error: anchors and aliases are not allowed`},
		"tag":               {"prompt: !!binary x\n", `f.yaml:1:9: error: tags are not allowed`},
		"merge":             {"prompt: [a]\n<<: {}\n", `f.yaml:2:1: error: merge keys are not allowed`},
		"empty":             {"", `f.yaml:1:1: error: the document is empty`},
		"comment only":      {"# nothing\n", `f.yaml:1:1: error: the document is empty`},
		"two documents":     {"prompt: [a]\nkeys: {}\n---\nb: c\n", `f.yaml:4:1: error: only one document a file`},
		"a list":            {"- a\n", `f.yaml:1:1: error: a menu node: must be a group of fields, not a list`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, got := read(t, tc.src)
			if diff := cmp.Diff([]string{tc.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSyntaxErrorHasItsPlace(t *testing.T) {
	tests := map[string]struct{ src, prefix string }{
		"open bracket": {"prompt: [a\nkeys: {}\n", "f.yaml:2:1: error: "},
		"open quote":   {"prompt: [a]\nkeys: \"x\n", "f.yaml:2:7: error: "},
		"tab":          {"prompt: [a]\nkeys:\n\t\"1\": a\n", "f.yaml:3:"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, got := read(t, tc.src)
			if len(got) != 1 || !strings.HasPrefix(got[0], tc.prefix) {
				t.Errorf("got %q, want %s…", got, tc.prefix)
			}
		})
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	_, got := read(t, "promt: [a]\nkeys: {1: a, \"2\": 3}\nattempts: 99\n")
	want := []string{
		`f.yaml:1:1: error: a menu node has no field "promt" (did you mean "prompt"?)`,
		`f.yaml:1:1: error: a menu node needs the field "prompt"`,
		`f.yaml:2:8: error: write the key in quotes: "1"`,
		`f.yaml:2:19: error: 2: write the text in quotes: "3"`,
		`f.yaml:3:11: error: attempts: 99 is out of range (1 to 10)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestBounds: a hostile file is refused before anything recursive sees it.
func TestBounds(t *testing.T) {
	tests := map[string]string{
		"too big":         strings.Repeat("#", MaxBytes+1),
		"flow lists":      "a: " + strings.Repeat("[", 200000),
		"flow maps":       "a: " + strings.Repeat("{a: ", 100000),
		"block lists":     strings.Repeat("- ", 9000) + "a",
		"indented maps":   indented(300),
		"question marks":  strings.Repeat("? ", 9000),
		"billion laughs":  "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n",
		"colons":          strings.Repeat("a: ", 9000),
		"colons in a map": "{" + strings.Repeat("a: ", 9000),
	}
	for name, src := range tests {
		t.Run(name, func(t *testing.T) {
			p := NewProblems("f.yaml")
			n := Parse([]byte(src), p)
			if n != nil && !p.HasErrors() {
				t.Error("accepted")
			}
		})
	}
}

func indented(levels int) string {
	var b strings.Builder
	for i := range levels {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestProblemJSON(t *testing.T) {
	p := Problem{"a.yaml", 3, 4, Warning, "hm"}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"file":"a.yaml","line":3,"col":4,"severity":"warning","text":"hm"}`; string(b) != want {
		t.Errorf("got %s", b)
	}
	var back Problem
	if err := json.Unmarshal(b, &back); err != nil || back != p {
		t.Errorf("back: %+v, %v", back, err)
	}
}

func TestDidYouMean(t *testing.T) {
	known := []string{"diamond_greet", "hangup", "queue", "no_input"}
	for word, want := range map[string]string{
		"diamond_gret": "diamond_greet", "hangupp": "hangup", "hagnup": "hangup", "queu": "queue", "noinput": "no_input", "zebra": "", "": "",
	} {
		if got, _ := Nearest(word, known); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a: b\n")
	f.Add("keys: {1: a, '*': \"@repeat\"}\nprompt: [a, {if: x, play: [b]}]\n")
	f.Add("a: |\n  text\n  more\nb: >-\n  folded\n")
	f.Add("a: &x [*x]\n<<: *x\n? y\n: z\n")
	f.Add("{a: [}, b: \"\\x\", c: 'd''e'}\r\n---\n%TAG\n")
	f.Fuzz(func(t *testing.T, src string) {
		p := NewProblems("f")
		var d menuDoc
		n := Parse([]byte(src), p)
		Decode(n, &d, "a node", p)
		if n == nil && !p.HasErrors() {
			t.Fatal("nothing read and nothing said")
		}
		lines := strings.Count(src, "\n") + strings.Count(src, "\r") + 2
		for _, pr := range p.List() {
			if pr.Line < 1 || pr.Col < 1 || pr.Line > lines {
				t.Fatalf("place outside the file: %v", pr)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	files, _ := filepath.Glob("../../testdata/demo/flows/*.yaml")
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(filepath.Base(name), func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				Parse(src, NewProblems(name))
			}
		})
	}
}
