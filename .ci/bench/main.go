// Command bench measures a built switch: calls per second with queue and
// agent, processor time and memory of bridged calls, how long a free agent
// waits for his next call (on one node and on three), callers who hear music,
// calls in a menu, and what is left of all that when
// too much comes. It prints Markdown tables.
//
//	go run ./.ci/bench -tierline bin/tierline [-only ramp,media,…] [-out FILE]
//
// Load and switch share the machine, as they did for the figures of the peers
// in docs/explain/performance.md; only figures of one sitting compare.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// Everything is on a loopback address of its own, so that a demo beside it is
// not disturbed.
const (
	host      = "127.0.0.31"
	agentPort = 5090
	service   = "1000"

	everything = "ramp,media,recorded,held,dispatch,cluster,ivr,overload,rubbish"
)

func main() {
	binary := flag.String("tierline", "bin/tierline", "the switch")
	only := flag.String("only", everything, "what to measure")
	out := flag.String("out", "", "write the tables to this file too")
	step := flag.Int("step", 50, "step of the ramp in calls/s")
	calls := flag.Int("calls", 1000, "calls in the menu at once")
	nodes := flag.Int("nodes", 3, "nodes of cluster")
	held := flag.Int("held", 2000, "callers who hear music at once")
	talks := flag.String("talks", "100,200,400", "conversations at once")
	capacity := flag.Int("capacity", 0, "calls/s that the overload is reckoned from; 0: measure it")
	top := flag.Int("top", 1000, "end of the ramp in calls/s")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	b := &bench{
		binary: *binary, step: *step, top: *top, calls: *calls, known: *capacity, held: *held, cluster: *nodes, nodes: 1,
	}
	if err := b.numbers(*talks); err != nil {
		fmt.Fprintln(os.Stderr, "bench: -talks:", err)
		os.Exit(2) //nolint:gocritic // nothing is left to be undone
	}
	if err := b.run(ctx, strings.Split(*only, ","), *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be undone
	}
}

type bench struct {
	binary    string
	step, top int
	calls     int
	held      int
	cluster   int    // nodes of the measurement of that name
	nodes     int    // that are started next
	talks     []int  // conversations at once
	known     int    // capacity
	admission string // of the node that is started next
	dir       string
	tables    strings.Builder
}

func (b *bench) run(ctx context.Context, what []string, out string) (err error) {
	if missing := bed.Missing(map[string]string{"sipp": "sip-tester"}); missing != "" {
		return fmt.Errorf("missing: %s", missing)
	}
	if b.binary, err = filepath.Abs(b.binary); err != nil {
		return fmt.Errorf("find the switch: %w", err)
	}
	if b.dir, err = os.MkdirTemp("", "tierline-bench-"); err != nil {
		return fmt.Errorf("make work directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(b.dir) }() // what is left is in the temporary directory
	b.printf("%s, %d cores, %s, Go %s\n\n", time.Now().Format("2006-01-02"), runtime.NumCPU(), model(), runtime.Version())
	for _, w := range what {
		measure, known := b.measurements()[strings.TrimSpace(w)]
		if !known {
			return fmt.Errorf("there is no measurement %q", w)
		}
		if err = measure(ctx); err != nil {
			fmt.Print("\n", b.tables.String()) // what there is of them
			return fmt.Errorf("measure %s: %w", w, err)
		}
	}
	fmt.Print("\n", b.tables.String())
	if out == "" {
		return nil
	}
	if err := os.WriteFile(out, []byte(b.tables.String()), 0o600); err != nil {
		return fmt.Errorf("write tables: %w", err)
	}
	return nil
}

// numbers reads how many conversations are measured.
func (b *bench) numbers(list string) error {
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no number of calls", s)
		}
		b.talks = append(b.talks, n)
	}
	return nil
}

func (b *bench) measurements() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"ramp": b.ramp, "media": b.media, "recorded": b.recorded, "dispatch": b.dispatch, "overload": b.overload,
		"rubbish": b.rubbish, "ivr": b.ivr, "cluster": b.clustered, "held": b.music,
	}
}

func (b *bench) printf(format string, args ...any) { fmt.Fprintf(&b.tables, format, args...) }

// progress tells the impatient how far it is.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, "  "+format+"\n", args...) }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// model names the processor.
func model() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// node starts a fresh switch for a number of agents; more adds to its
// documents.
func (b *bench) node(ctx context.Context, agents int, more ...func(documents string) error) (*bed.Node, error) {
	dir, err := os.MkdirTemp(b.dir, "node-")
	if err != nil {
		return nil, fmt.Errorf("make node directory: %w", err)
	}
	documents := filepath.Join(dir, "service")
	if err := copyService(documents, agents); err != nil {
		return nil, err
	}
	for _, add := range more {
		if err := add(documents); err != nil {
			return nil, err
		}
	}
	n := &bed.Node{
		Admission: b.admission, Binary: b.binary, Dir: dir, Service: documents, IP: host, SIP: 5070, HTTP: 8070,
		RTPMin: 10000, RTPMax: 64998, Log: "warn",
	}
	if err := n.Start(ctx); err != nil {
		return nil, err
	}
	return n, nil
}

// copyService copies testdata/bench with as many agents as are wanted.
func copyService(to string, agents int) error {
	if err := os.CopyFS(to, os.DirFS("testdata/bench")); err != nil {
		return fmt.Errorf("copy service documents: %w", err)
	}
	var doc strings.Builder
	doc.WriteString("agents:\n")
	for i := range agents {
		fmt.Fprintf(&doc, "  \"agent%04d\": {name: Agent %d, skills: {bench: 5}, contact: \"sip:agent%04d@%s:%d\", "+
			"signed_in: true, back_off: 1s, max_misses: 100}\n", i+1, i+1, i+1, host, agentPort)
	}
	file := filepath.Join(to, "agents.yaml")
	if err := os.Remove(file); err != nil { // the original may be write-protected
		return fmt.Errorf("replace agents: %w", err)
	}
	if err := os.WriteFile(file, []byte(doc.String()), 0o600); err != nil {
		return fmt.Errorf("write agents: %w", err)
	}
	return nil
}

func (b *bench) ramp(ctx context.Context) error {
	node, err := b.node(ctx, 1000)
	if err != nil {
		return err
	}
	defer func() { _ = node.Kill() }() // measured what there was to measure
	rungs, err := ramp(ctx, node, b.dir, b.step, b.step, b.top, 10*time.Second)
	if err != nil {
		return err
	}
	b.printf("Queue and agent, no media (agents hang up after 0.3 s):\n\n" +
		"| calls/s | calls | failed | retransmitted | late | CPU ms per call | of a core | INVITE→200 mean | |\n" +
		"|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range rungs {
		verdict := "clean"
		if !r.clean {
			verdict = "not clean"
		}
		b.printf("| %d | %d | %d | %d | %.1f s | %.2f | %.0f %% | %.0f ms | %s |\n", r.rate, r.calls, r.failed, r.again,
			r.late.Seconds(), ms(r.cpu), 100*r.share, ms(r.answered), verdict)
	}
	b.printf("\n")
	return nil
}

// settle waits until f holds.
func settle(limit time.Duration, f func() bool) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if f() {
			return true
		}
	}
	return false
}
