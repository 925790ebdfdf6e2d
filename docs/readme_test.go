package docs_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The pages' commands are tried with the real binary, built once. They run in
// a folder that looks like the repository, against a node on ports of its own.
func TestPagesAgainstTheBinary(t *testing.T) {
	h := newHouse(t)
	t.Run("flags", h.testFlags)
	t.Run("tutorial", h.testTutorial)
	t.Run("blocks", h.testBlocks)
	t.Run("metrics", h.testMetrics)
}

// house is a folder with the binary, the demo's documents, and a node.
type house struct {
	dir, bin string
	api      string          // of the node
	ran      map[string]bool // lines of blocks
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{dir: t.TempDir(), ran: map[string]bool{}}
	h.bin = filepath.Join(h.dir, "bin", "tierline")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", h.bin, "./cmd/tierline")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.CopyFS(filepath.Join(h.dir, "testdata", "demo"), os.DirFS("../testdata/demo")); err != nil {
		t.Fatal(err)
	}
	h.serve(t)
	return h
}

// serve starts a node with the demo's documents on free ports.
func (h *house) serve(t *testing.T) {
	t.Helper()
	node := exec.Command(h.bin, "serve", "--service", "testdata/demo", "--data-dir", "node", "--log-format", "json",
		"--sip-listen", "udp:127.0.0.1:0,tcp:127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--drain-timeout", "1s")
	node.Dir = h.dir
	log, err := node.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := node.Wait(); err != nil {
			t.Errorf("the node did not stop in order: %v", err)
		}
	})
	lines := bufio.NewScanner(log)
	var said []string
	for h.api == "" && lines.Scan() {
		said = append(said, lines.Text())
		var line struct{ Msg, HTTP string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			h.api = "http://" + line.HTTP
		}
	}
	if h.api == "" {
		t.Fatalf("the node did not start:\n%s", strings.Join(said, "\n"))
	}
	go func() { _, _ = io.Copy(io.Discard, log) }() // ends with the process
}

// run executes a line of a page and returns what it said.
func (h *house) run(t *testing.T, line string, env ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir = h.dir
	cmd.Env = append(os.Environ(), append([]string{"TIERLINE_SERVER=" + h.api, "USER=cli"}, env...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// testTutorial walks through the tutorial. What it shows of the documents must
// be what the commands say, word for word.
func (h *house) testTutorial(t *testing.T) {
	text, err := os.ReadFile("tutorial.md")
	if err != nil {
		t.Fatal(err)
	}
	fence := regexp.MustCompile("(?ms)^```(sh|text)\n(.*?)^```\n")
	said := ""
	compared := 0
	for _, m := range fence.FindAllSubmatch(text, -1) {
		body := string(m[2])
		if string(m[1]) == "text" {
			// Views of people and times differ; documents' words must not.
			if strings.Contains(body, "centre: ") || strings.Contains(body, "changes\n") {
				compared++
				if strings.TrimSpace(said) != strings.TrimSpace(body) {
					t.Errorf("the tutorial shows\n%s\nbut the command says\n%s", body, said)
				}
			}
			continue
		}
		said = ""
		for line := range strings.Lines(body) {
			said += h.step(t, strings.TrimSpace(line))
		}
	}
	if compared != 4 {
		t.Errorf("%d outputs compared, want 4", compared)
	}
}

// step runs a line of the tutorial, if it needs nothing but the node.
func (h *house) step(t *testing.T, line string) string {
	t.Helper()
	tool, _, _ := strings.Cut(line, " ")
	fails := false
	switch tool {
	case "make", "baresip":
		return ""
	case "bin/tierline":
		switch strings.Fields(line)[1] {
		case "dial", "serve", "events":
			return ""
		case "check":
			fails = strings.HasPrefix(h.broken(t), "1")
		}
	case "mkdir", "sed":
	default:
		t.Errorf("%q is no command that this test knows", line)
		return ""
	}
	out, err := h.run(t, line)
	if (err != nil) != fails {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
	return out
}

// broken tells whether the directory of the tutorial has its mistakes now.
func (h *house) broken(t *testing.T) string {
	t.Helper()
	out, err := h.run(t, `grep -q 'ring_time: 2s' centre/queues.yaml && echo 1 || echo 0`)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// testBlocks tries every command line of every page: targets of make exist,
// and commands accept their flags and arguments.
func (h *house) testBlocks(t *testing.T) {
	tried := 0
	for _, b := range blocks(t, "sh") {
		for line := range strings.Lines(b.text) {
			for part := range strings.SplitSeq(strings.TrimSpace(line), " && ") {
				tried++
				if !h.ran[part] {
					h.ran[part] = true
					h.try(t, b.page, part)
				}
			}
		}
	}
	if tried < 30 {
		t.Errorf("only %d commands found", tried)
	}
}

func (h *house) try(t *testing.T, page, line string) {
	t.Helper()
	args := strings.Fields(line)
	switch args[0] {
	case "make":
		out, err := exec.CommandContext(t.Context(), "make", "-C", "..", "-n", args[1]).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %s: %v\n%s", page, line, err, out)
		}
	case "bin/tierline":
		h.tryCommand(t, page, line, args[1])
	case "curl":
		h.tryRequest(t, page, line)
	case "mkdir", "cp", "rm", "sed", "echo", "baresip": // done by the tutorial, or not ours
	default:
		t.Errorf("%s: %q is no command that this test knows", page, line)
	}
}

// tryCommand runs what asks a node against one that isn't there: a wrong flag
// or argument is told before. The others are asked for their help.
func (h *house) tryCommand(t *testing.T, page, line, name string) {
	t.Helper()
	want := "no node answers"
	switch name {
	case "serve", "demo", "dial", "sim", "staff":
		line += " --help"
		want = "Usage:\n  tierline " + name + " "
	case "check":
		want = "no mistakes"
	case "say":
		want = "\n"
	case "flow", "prompts", "certs", "node":
		line += " --help"
		want = "Usage:\n  tierline " + name + " "
	}
	out, err := h.run(t, line, "TIERLINE_SERVER=http://127.0.0.1:1")
	if !strings.Contains(out, want) || name == "say" && err != nil {
		t.Errorf("%s: %s: %v\n%s", page, line, err, out)
	}
}

// tryRequest checks that the API has what a page asks it for.
func (h *house) tryRequest(t *testing.T, page, line string) {
	t.Helper()
	line = strings.ReplaceAll(line, "http://127.0.0.1:8080", h.api)
	line = strings.Replace(line, "curl -s", "curl -s -m 1 -o /dev/null -w '%{http_code}'", 1)
	if _, err := exec.LookPath("curl"); err != nil {
		return // the pages' readers need it, these tests don't
	}
	// A stream ends with a time-out; 409 is a command that doesn't fit the agent's state now.
	if out, _ := h.run(t, line); !strings.HasPrefix(out, "200") && out != "409" {
		t.Errorf("%s: %s: status %s", page, line, out)
	}
}

// testFlags compares commands.md with the commands' own help.
func (h *house) testFlags(t *testing.T) {
	page, err := os.ReadFile("reference/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.run(t, "bin/tierline --help")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(out, "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	chapters := strings.Split(string(page), "\n## tierline")
	known := map[string]bool{}
	for _, c := range chapters[1:] {
		name, body, _ := strings.Cut(c, "\n")
		name = strings.TrimSpace(name)
		known[name] = true
		out, err = h.run(t, "bin/tierline "+name+" --help")
		if err != nil || !strings.Contains(out, "Usage:\n  tierline "+name) {
			t.Errorf("tierline %s: %v\n%s", name, err, out)
			continue
		}
		if name != "" {
			out, _, _ = strings.Cut(out, "Global Flags:")
		}
		want := matches(`(?m)^ +(?:-\w, )?(--[a-z0-9-]+)`, out)
		if name != "" {
			want = slices.DeleteFunc(want, func(f string) bool { return f == "--help" })
		}
		var rows string
		for row := range strings.Lines(body) {
			if strings.HasPrefix(row, "| `-") {
				cell, _, _ := strings.Cut(row[1:], "|")
				rows += cell
			}
		}
		if got := matches("`(--[a-z0-9-]+)`", rows); !slices.Equal(got, want) {
			t.Errorf("flags of tierline %s: the page has %v, --help has %v", name, got, want)
		}
	}
	for _, name := range matches(`(?m)^  ([a-z]+) `, list) {
		if !known[name] && !slices.Contains([]string{"completion", "help", "version"}, name) {
			t.Errorf("tierline %s is not documented", name)
		}
	}
}

// matches returns the first group of all matches, sorted and without
// repetitions.
func matches(pattern, text string) []string {
	var out []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// testMetrics compares http.md with a running node. Metrics that have no
// value yet must be named in the code.
func (h *house) testMetrics(t *testing.T) {
	page, err := os.ReadFile("reference/http.md")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(h.api + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for row := range strings.Lines(string(page)) {
		cells := strings.Split(row, "|")
		if len(cells) > 3 && strings.Contains(cells[1], "`tierline_") {
			for _, name := range matches("`(tierline_[a-z_]+)`", cells[1]) {
				documented[name] = strings.TrimSpace(cells[2])
			}
		}
	}
	if len(documented) < 40 {
		t.Errorf("only %d metrics documented", len(documented))
	}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (tierline_\w+) (\w+)$`).FindAllStringSubmatch(string(text), -1) {
		if documented[m[1]] != m[2] {
			t.Errorf("%s is a %s, documented as %q", m[1], m[2], documented[m[1]])
		}
		delete(documented, m[1])
	}
	code := source(t, "../cmd/internal/console", "../cmd/internal/app")
	for name := range documented {
		if !bytes.Contains(code, []byte(`"`+strings.TrimPrefix(name, "tierline_")+`"`)) {
			t.Errorf("there is no metric %s", name)
		}
	}
}

// source returns the code of packages, tests left out.
func source(t *testing.T, dirs ...string) []byte {
	t.Helper()
	var code []byte
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			code = append(code, text...)
		}
	}
	return code
}
