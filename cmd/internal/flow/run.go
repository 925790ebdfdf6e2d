package flow

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tierline/cmd/internal/cli"
	"tierline/ivr"
	"tierline/ivr/script"
)

type testFlags struct {
	service  string
	coverage bool
	json     bool
	verbose  bool
}

func testCommand() *cobra.Command {
	f := testFlags{}
	cmd := &cobra.Command{
		Use:   "test FILE…",
		Short: "Run test scripts of flows, in virtual time",
		Long: `Run test scripts of flows, without media and in virtual time. FILE is a script or a directory of
scripts (*.yaml). The exit code is 1 if a test fails or less was walked than a script's coverage demands.

A script in a service directory (for example DIR/tests) has its queues, calendars, customers and lengths
of prompts.`,
		Example: `  tierline flow test testdata/demo/tests
  tierline flow test svc.test.yaml --coverage`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.json = f.json || wantsJSON(cmd)
			return report(cmd, f.run(cmd, args))
		},
	}
	s := cmd.Flags()
	s.StringVar(&f.service, "service", "", "service directory; by default the one that the script stands in")
	s.BoolVar(&f.coverage, "coverage", false, "list the nodes and ways that no test walked")
	s.BoolVar(&f.verbose, "verbose", false, "the timeline of every test, not only of those that fail")
	s.BoolVar(&f.json, "json", false, "the same as -o json")
	return cmd
}

// suite is what became of a script.
type suite struct {
	File     string          `json:"file"`
	Flow     string          `json:"flow"`
	Tests    []script.Result `json:"tests"`
	Coverage string          `json:"-"`
}

// walk is what the scripts of one flow walked together.
type walk struct {
	Flow string `json:"flow"`
	File string `json:"file"`
	script.Coverage
	Short []string `json:"short"` // of what a script demands

	count   *script.Walked
	scripts []*script.Script
}

// outcome is what `flow test --json` prints.
type outcome struct {
	OK       bool     `json:"ok"`
	Passed   int      `json:"passed"`
	Failed   int      `json:"failed"`
	Suites   []*suite `json:"scripts"`
	Coverage []*walk  `json:"coverage"`
}

func (f *testFlags) run(cmd *cobra.Command, args []string) error {
	files, err := scripts(args)
	if err != nil {
		return err
	}
	out := outcome{OK: true}
	find := newFinder(f.service)
	walks := map[*ivr.Flow]*walk{}
	loaded := map[string]*ivr.Flow{}
	for _, file := range files {
		if err = f.script(file, find, loaded, walks, &out); err != nil {
			return err
		}
	}
	for _, w := range out.Coverage {
		w.Coverage = w.count.Coverage()
		w.Short = []string{}
		for _, s := range w.scripts {
			for _, text := range s.Short(w.Coverage) {
				w.Short = append(w.Short, fmt.Sprintf("%s:%d: %s", s.File, s.CoverageLine(), text))
				out.OK = false
			}
		}
	}
	if f.json {
		err = writeJSON(cmd.OutOrStdout(), out)
	} else {
		err = say(cmd.OutOrStdout(), f.text(out))
	}
	if err == nil && !out.OK {
		return cli.ErrReported
	}
	return err
}

// script runs one script.
func (f *testFlags) script(
	file string, find *finder, loaded map[string]*ivr.Flow, walks map[*ivr.Flow]*walk, out *outcome,
) error {
	s, err := readScript(file)
	if err != nil {
		return err
	}
	c, err := find.above(file)
	if err != nil {
		return err
	}
	path, err := c.locate(s)
	if err != nil {
		return err
	}
	fl := loaded[path]
	if fl == nil {
		if fl, err = c.flow(path); err != nil {
			return err
		}
		loaded[path] = fl
	}
	w := walks[fl]
	if w == nil {
		w = &walk{Flow: fl.Name(), File: path, count: script.NewWalked(fl)}
		walks[fl] = w
		out.Coverage = append(out.Coverage, w)
	}
	w.scripts = append(w.scripts, s)
	done := &suite{File: file, Flow: fl.Name()}
	out.Suites = append(out.Suites, done)
	for i := range s.Tests {
		r := s.Run(&s.Tests[i], c.surroundings(fl), w.count)
		done.Tests = append(done.Tests, r)
		if r.OK {
			out.Passed++
		} else {
			out.Failed++
			out.OK = false
		}
	}
	return nil
}

// scripts lists the scripts that the arguments name.
func scripts(args []string) ([]string, error) {
	var out []string
	for _, arg := range args {
		before := len(out)
		err := filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (path == arg || filepath.Ext(path) == ".yaml") {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read the scripts: %w", err)
		}
		if len(out) == before {
			return nil, fmt.Errorf("%s holds no scripts (*.yaml)", arg)
		}
	}
	return out, nil
}

// text is what people read.
func (f *testFlags) text(out outcome) string {
	var b strings.Builder
	for _, s := range out.Suites {
		fmt.Fprintf(&b, "%s (flow %s)\n", s.File, s.Flow)
		for _, r := range s.Tests {
			if r.OK {
				fmt.Fprintf(&b, "  ok    %s\n", r.Name)
			} else {
				fmt.Fprintf(&b, "  FAIL  %s\n", r.Name)
				writeFailure(&b, s.File, r.Failure)
			}
			if f.verbose {
				writeTimeline(&b, "        ", r.Timeline, len(r.Timeline))
			}
		}
	}
	for _, w := range out.Coverage {
		f.writeCoverage(&b, w)
	}
	fmt.Fprintf(&b, "%s, %d failed\n", count(out.Passed, "test passed", "tests passed"), out.Failed)
	return b.String()
}

// shownLines are how much of a timeline a failure shows: its end.
const shownLines = 25

func writeFailure(b *strings.Builder, file string, f *script.Failure) {
	fmt.Fprintf(b, "        %s:%d:%d: %s\n", file, f.Line, f.Col, f.Step)
	fmt.Fprintf(b, "        %s\n", f.Text)
	if f.Want != "" {
		fmt.Fprintf(b, "          want: %s\n", f.Want)
	}
	if f.Got != "" {
		fmt.Fprintf(b, "          got:  %s\n", f.Got)
	}
	b.WriteString("        what happened:\n")
	writeTimeline(b, "          ", f.Timeline, shownLines)
}

func writeTimeline(b *strings.Builder, indent string, lines []string, most int) {
	if n := len(lines) - most; n > 0 {
		fmt.Fprintf(b, "%s… %d lines before\n", indent, n)
		lines = lines[n:]
	}
	for _, l := range lines {
		b.WriteString(indent + l + "\n")
	}
}

func (f *testFlags) writeCoverage(b *strings.Builder, w *walk) {
	if f.coverage {
		fmt.Fprintf(b, "%s: %.1f %% of the nodes walked (%d of %d), %.1f %% of the edges (%d of %d)\n", w.File,
			w.Nodes.Percent, w.Nodes.Walked, w.Nodes.All, w.Edges.Percent, w.Edges.Walked, w.Edges.All)
		for _, u := range w.Left {
			if u.Outcome == "" {
				fmt.Fprintf(b, "  %s:%d: node %s was never entered\n", w.File, u.Line, u.Node)
			} else {
				fmt.Fprintf(b, "  %s:%d: node %s: %s -> %s was never taken\n", w.File, u.Line, u.Node, u.Outcome, u.To)
			}
		}
	}
	for _, s := range w.Short {
		b.WriteString(s + "\n")
	}
}
