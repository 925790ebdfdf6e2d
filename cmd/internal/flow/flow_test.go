package flow_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"tierline/cmd/internal/cli"
	"tierline/cmd/internal/flow"
)

// outcome is what a command said.
type outcome struct {
	out, errs string
	err       error
}

// run runs `tierline flow` with an input.
func run(ctx context.Context, in io.Reader, args ...string) outcome {
	var out, errs bytes.Buffer
	root := cli.Root("test", flow.Command()) //nolint:contextcheck // cobra hands it on
	root.SetArgs(append([]string{"flow"}, args...))
	root.SetIn(in)
	root.SetOut(&out)
	root.SetErr(&errs)
	err := root.ExecuteContext(ctx)
	return outcome{out.String(), errs.String(), err}
}

// TestCommands runs the commands in testdata/cli/flow: what stands behind
// "flow" are its arguments, what stands below is typed. After a wanted change:
// go test ./cmd/internal/flow -rewrite, then read the diff line by line.
func TestCommands(t *testing.T) {
	t.Chdir("../../../testdata")
	datadriven.Walk(t, "cli/flow", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			lines := strings.SplitAfterN(d.Input, "\n", 2)
			lines = append(lines, "")
			o := run(t.Context(), strings.NewReader(lines[1]), strings.Fields(lines[0])...)
			text := o.out + o.errs
			if o.err != nil && !errors.Is(o.err, cli.ErrReported) {
				text += "tierline: " + o.err.Error() + "\n"
			}
			if o.err != nil {
				text += "exit code 1\n"
			}
			return text
		})
	})
}

// TestServiceAbove finds the service directory that a script stands in, and
// takes queues, customers and lengths of prompts from it.
func TestServiceAbove(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../../testdata/bench")); err != nil {
		t.Fatal(err)
	}
	tests := filepath.Join(dir, "tests")
	if err := os.Mkdir(tests, 0o700); err != nil {
		t.Fatal(err)
	}
	flows, err := filepath.Glob(filepath.Join(dir, "flows", "*.yaml"))
	if err != nil || len(flows) == 0 {
		t.Fatalf("no flows: %v", err)
	}
	name := strings.TrimSuffix(filepath.Base(flows[0]), ".yaml")
	text := "flow: " + name + "\ntests: [{name: anything, steps: [{silence: 1s}, hang up]}]\n"
	file := filepath.Join(tests, "a.yaml")
	if err = os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o := run(t.Context(), strings.NewReader(""), "test", "--json", tests)
	var got struct {
		OK     bool
		Passed int
	}
	if err = json.Unmarshal([]byte(o.out), &got); err != nil || !got.OK || got.Passed != 1 {
		t.Errorf("%s%s%v", o.out, o.errs, o.err)
	}
	// A mistake in the service is told as `check` tells it.
	if err = os.WriteFile(filepath.Join(dir, "skills.yaml"), []byte("skils: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o = run(t.Context(), strings.NewReader(""), "test", file)
	if !errors.Is(o.err, cli.ErrReported) || !strings.Contains(o.errs, filepath.Join(dir, "skills.yaml")+":1:1: error: ") {
		t.Errorf("a broken service gave %v\n%s", o.err, o.errs)
	}
}

// TestInterrupt ends a walk in the middle: the caller hangs up, nothing hangs.
func TestInterrupt(t *testing.T) {
	for _, args := range [][]string{nil, {"--real-time"}} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		in, typing := io.Pipe()
		o := run(ctx, in, append([]string{"try", "../../../testdata/flows/shop.yaml"}, args...)...)
		cancel()
		if err := typing.Close(); err != nil {
			t.Error(err)
		}
		if !errors.Is(o.err, context.DeadlineExceeded) || !strings.Contains(o.out, "the call is over: the caller hung up") {
			t.Errorf("%v: %v\n%s", args, o.err, o.out)
		}
	}
}

// TestDemo tries the demo's flows by their scripts: every case passes, and
// together they walk nearly everything.
func TestDemo(t *testing.T) {
	scripts, err := filepath.Glob("../../../testdata/demo/tests/*.yaml")
	if err != nil || len(scripts) < 2 {
		t.Fatalf("%d scripts: %v", len(scripts), err)
	}
	for _, file := range scripts {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			if o := run(t.Context(), strings.NewReader(""), "test", file); o.err != nil {
				t.Errorf("%v\n%s%s", o.err, o.out, o.errs)
			}
		})
	}
}
