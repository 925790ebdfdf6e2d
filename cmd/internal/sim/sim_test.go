package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"tierline/acd/sim"
)

// outcome is what a command said.
type outcome struct {
	out, errs string
	err       error
}

func run(t *testing.T, cmd *cobra.Command, args ...string) outcome {
	t.Helper()
	var out, errs strings.Builder
	root := &cobra.Command{Use: "tierline", SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().StringP("output", "o", "table", "")
	root.AddCommand(cmd)
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs(append([]string{cmd.Name()}, args...))
	err := root.ExecuteContext(t.Context())
	return outcome{out.String(), errs.String(), err}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestJSON: the fields of the contract, no more and no less.
func TestJSON(t *testing.T) {
	for _, flag := range [][]string{{"--json"}, {"-o", "json"}} {
		o := run(t, Command(), append(flag, "--calls", "3000", "--patience", "120s", "--seed", "4")...)
		if o.err != nil || o.errs != "" {
			t.Fatal(o)
		}
		var got struct {
			Overall map[string]float64
			Tiers   []map[string]any
		}
		strict := json.NewDecoder(strings.NewReader(o.out))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&got); err != nil {
			t.Fatal(err)
		}
		keys := func(m map[string]any) (out []string) {
			for k := range m {
				out = append(out, k)
			}
			return out
		}
		sorted := cmp.Transformer("set", func(s []string) map[string]bool {
			m := map[string]bool{}
			for _, k := range s {
				m[k] = true
			}
			return m
		})
		overall := []string{}
		for k := range got.Overall {
			overall = append(overall, k)
		}
		want := []string{"mean_wait_s", "p_wait", "p_abandon", "occupancy", "max_overtake_s", "sl"}
		if d := cmp.Diff(want, overall, sorted); d != "" {
			t.Error(d)
		}
		want = []string{"tier", "offered", "answered", "abandoned", "mean_wait_s", "p50_s", "p95_s", "max_s", "sl"}
		offered := 0.0
		for _, tier := range got.Tiers {
			if d := cmp.Diff(want, keys(tier), sorted); d != "" {
				t.Error(d)
			}
			offered += tier["offered"].(float64)
			if tier["offered"].(float64) != tier["answered"].(float64)+tier["abandoned"].(float64) {
				t.Errorf("%v does not add up", tier)
			}
		}
		if offered != 3000 || len(got.Tiers) != 4 || got.Tiers[0]["tier"] != "diamond" {
			t.Errorf("%v calls in %v", offered, got.Tiers)
		}
	}
}

// TestOneSeed: what the commands' users are told: the mean of all callers is
// the same under each policy.
func TestOneSeed(t *testing.T) {
	var first sim.Result
	for i, policy := range []string{"deadline", "strict", "ratio", "fifo"} {
		o := run(t, Command(), "--policy", policy, "--calls", "4000", "--seed", "9", "--json")
		var r sim.Result
		if err := json.Unmarshal([]byte(o.out), &r); err != nil || o.err != nil {
			t.Fatal(err, o)
		}
		if i == 0 {
			first = r
		}
		if r.Overall.MeanWait != first.Overall.MeanWait || r.Overall.PWait != first.Overall.PWait {
			t.Errorf("%s: %+v, but %+v before", policy, r.Overall, first.Overall)
		}
	}
}

func TestTable(t *testing.T) {
	o := run(t, Command(), "--policy", "strict", "--calls", "3000", "--theory", "--ci", "--sl-seconds", "15")
	for _, part := range []string{
		"20 agents, 0.1022 calls/s of 3m0s: 18.4 erlangs, load 0.920; endless patience; policy strict; seed 1",
		"theory", "±", "in 15s", "standard", "130.", "5.92 s", "longest overtake",
	} {
		if !strings.Contains(o.out, part) {
			t.Errorf("%q is missing:\n%s", part, o.out)
		}
	}
	if strings.Contains(o.out, "class ") || o.errs != "" || o.err != nil {
		t.Errorf("%+v", o)
	}
	o = run(t, Command(), "--theory", "--calls", "1000")
	if !strings.Contains(o.out, "no closed form is known for the tiers under deadline") {
		t.Error(o.out)
	}
}

func TestOverload(t *testing.T) {
	o := run(t, Command(), "--rate", "0.2", "--calls", "1000")
	if o.err != nil || !strings.Contains(o.errs, "36 erlangs are more than 20 agents can take") {
		t.Errorf("%+v", o)
	}
	o = run(t, Command(), "--rate", "0.2", "--calls", "1000", "--theory")
	if o.err == nil {
		t.Error("theory has a mean where there is none")
	}
}

// nModel is the N of Adan and Weiss: times in minutes instead of seconds.
func nModel() string {
	return `agents:
  - name: one
    count: 1
    skills: {a: 5}
  - name: both
    count: 1
    skills: {a: 1, b: 1}
classes:
  - name: first
    rate: 54/h
    requirement: a>=1
  - name: second
    rate: 0.5/min
    requirement: b>=1
    mix: {gold: 1}
`
}

func TestSkills(t *testing.T) {
	file := write(t, "n.yaml", nModel())
	args := []string{"--skills", file, "--policy", "fifo", "--aht", "1m", "--calls", "40000", "--theory"}
	o := run(t, Command(), append(args, "--json")...)
	var got struct {
		sim.Result
		Theory sim.Expectation
	}
	if err := json.Unmarshal([]byte(o.out), &got); err != nil || o.err != nil {
		t.Fatal(err, o)
	}
	for i, want := range []float64{.6184, .7816} {
		if e := got.Theory.Groups[i].Occupancy; math.Abs(e-want) > 1e-4 {
			t.Errorf("theory: %v, want %v", e, want)
		}
		if g := got.Groups[i].Occupancy; math.Abs(g-want) > .015 {
			t.Errorf("simulated: %v, want %v", g, want)
		}
	}
	o = run(t, Command(), args...)
	for _, part := range []string{"class first", "class second", "busy: one", "61.84 %"} {
		if !strings.Contains(o.out, part) {
			t.Errorf("%q is missing:\n%s", part, o.out)
		}
	}
}

func TestSkillsMistakes(t *testing.T) {
	agents := "agents:\n  - {name: x, count: 2, skills: {billing: 3}}\n"
	for name, tt := range map[string]struct{ text, want string }{
		"empty":       {"", "f.yaml:1:1: error: the document is empty"},
		"no classes":  {agents, `a skills file needs the field "classes"`},
		"field":       {agents + "classes:\n  - {name: c, rate: 1/s, need: a>=1}\n", `f.yaml:4:26: error: classes has no field "need"`},
		"rate":        {agents + "classes:\n  - {name: c, rate: 3}\n", `f.yaml:4:21: error: rate: "3" is no rate (0.9/s, 54/min, 3240/h)`},
		"unit":        {agents + "classes:\n  - {name: c, rate: 3/d}\n", `"3/d" is no rate`},
		"skill":       {agents + "classes:\n  - {name: c, rate: 3/s, requirement: biling>=1}\n", `f.yaml:4:39: error: no agent meets biling>=1 (did you mean "billing"?)`},
		"level":       {agents + "classes:\n  - {name: c, rate: 3/s, requirement: billing>=4}\n", `f.yaml:4:39: error: no agent meets billing>=4`},
		"grammar":     {agents + "classes:\n  - {name: c, rate: 3/s, requirement: 'billing>='}\n", `f.yaml:4:`},
		"tier":        {agents + "classes:\n  - {name: c, rate: 3/s, mix: {bronze: 1}}\n", `"bronze" is no tier`},
		"mix":         {agents + "classes:\n  - {name: c, rate: 3/s, mix: {gold: 0}}\n", "mix: no tier has a part"},
		"two classes": {agents + "classes:\n  - {name: c, rate: 3/s}\n  - {name: c, rate: 1/s}\n", `f.yaml:5:12: error: class "c" is described twice`},
		"two groups":  {strings.Replace(agents, "\n", "\n  - {name: x, count: 1}\n", 1) + "classes:\n  - {name: c, rate: 3/s}\n", `agents "x" are described twice`},
		"count":       {"agents:\n  - {name: x, count: 0}\nclasses:\n  - {name: c, rate: 1/s}\n", "0 is out of range (1 to 100000)"},
		"best level":  {"agents:\n  - {name: x, count: 1, skills: {a: 11}}\nclasses:\n  - {name: c, rate: 1/s}\n", "11 is out of range (1 to 10)"},
	} {
		_, _, err := readSkills("f.yaml", []byte(tt.text), sim.Mix{1})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, args := range []string{
		"--policy lifo", "--mix gold", "--mix gold=-1", "--mix gold=1,gold=2", "--mix lead=1", "--mix gold=0", "--agents 0",
		"--rate 0", "--aht 0s", "--patience -1s", "--calls 0", "--head-start gold=x", "--objective gold=-1s",
		"--policy ratio --objective gold=10s", "--skills nothing.yaml", "--skills x --agents 3", "--plot x --policy fifo",
		"--sl-seconds -1", "--warm-up -1", "extra",
	} {
		if o := run(t, Command(), strings.Fields(args)...); o.err == nil || o.out != "" {
			t.Errorf("%s: accepted: %+v", args, o)
		}
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cmd := Command()
	cmd.SetArgs([]string{"--calls", "100000"})
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	if err := cmd.ExecuteContext(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "of 100000 calls") {
		t.Error(err)
	}
}

// TestPlot: the picture is XML, has a line for each tier under each policy,
// and the table the same points.
func TestPlot(t *testing.T) {
	for name, tt := range map[string]struct {
		args          []string
		loads, panels int
	}{
		"endless":  {nil, 6, 4},
		"patience": {[]string{"--patience", "120s"}, 11, 8},
	} {
		file := filepath.Join(t.TempDir(), "waits.svg")
		o := run(t, Command(), append(tt.args, "--plot", file, "--calls", "400", "--json")...)
		var got struct{ Points []point }
		if err := json.Unmarshal([]byte(o.out), &got); err != nil || o.err != nil {
			t.Fatal(name, err, o)
		}
		if len(got.Points) != 4*tt.loads {
			t.Errorf("%s: %d points", name, len(got.Points))
		}
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for d := xml.NewDecoder(bytes.NewReader(src)); ; {
			tok, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			e, ok := tok.(xml.StartElement)
			if !ok {
				continue
			}
			for _, a := range e.Attr {
				if a.Name.Local == "stroke-linejoin" {
					lines++
				}
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Errorf("%s: %v", name, e)
				}
			}
		}
		if lines != 4*tt.panels {
			t.Errorf("%s: %d lines, want %d", name, lines, 4*tt.panels)
		}
	}
	if o := run(t, Command(), "--plot", filepath.Join(t.TempDir(), "no", "x.svg"), "--calls", "10"); o.err == nil {
		t.Error("wrote into a folder that isn't there")
	}
}

func TestBar(t *testing.T) {
	var out strings.Builder
	now := time.Unix(0, 0)
	b := &bar{w: &out, start: now, now: func() time.Time { return now }}
	b.show(1, 100)
	if out.Len() != 0 {
		t.Errorf("a short run shows %q", out.String())
	}
	now = now.Add(10 * time.Second)
	b.show(25, 100)
	b.show(26, 100) // too soon
	b.clear()
	want := "\r[##########..............................]  25 %  25 of 100 calls, 30s left \x1b[K\r\x1b[K"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func FuzzSkills(f *testing.F) {
	f.Add([]byte(nModel()))
	f.Add([]byte("agents: [{name: 甲, count: 1, skills: {宽带: 3}}]\nclasses: [{name: c, rate: 1e3/h, requirement: 宽带>=2 or x>=1}]\n"))
	f.Add([]byte("agents: &a [*a]"))
	f.Add([]byte("classes: {}\nagents: ~\n"))
	f.Add([]byte("agents: [{name: x, count: 1}]\nclasses: [{name: c, rate: 5e-324/h, mix: {gold: 1}}]\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		groups, classes, err := readSkills("f.yaml", src, sim.Mix{1})
		if err != nil {
			if !strings.Contains(err.Error(), "f.yaml:") {
				t.Fatalf("a mistake without a place: %v", err)
			}
			return
		}
		c := sim.Centre{Groups: groups, Classes: classes, AHT: time.Second}
		if c.Agents() > 100 || len(classes) > 10 || c.Check() != nil {
			return
		}
		r, err := sim.Run(t.Context(), &c, sim.Options{Calls: 20})
		if err != nil || len(r.Classes) != len(classes) {
			t.Fatalf("%+v: %v", r, err)
		}
	})
}

// TestPageExample loads the skills file that the reference shows.
func TestPageExample(t *testing.T) {
	page, err := os.ReadFile("../../../docs/reference/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```text\nagents:")
	text, _, ok := strings.Cut(text, "```")
	groups, classes, err := readSkills("commands.md", []byte("agents:"+text), sim.Mix{1})
	if err != nil || !ok || len(groups) != 2 || len(classes) != 2 {
		t.Errorf("%v, %v: %v", groups, classes, err)
	}
}
