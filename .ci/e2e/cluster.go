package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// trio is three nodes of a cluster, beside the switch of the lab.
type trio struct {
	*lab

	dir    string
	nodes  []*bed.Node
	tokens map[string]string // by role
}

const clusterLane = "cluster"

// clusterSteps is the life of a cluster: one start of three nodes for all.
func clusterSteps() []step {
	t := &trio{}
	with := func(run func(ctx context.Context) error) func(context.Context, *lab) error {
		return func(ctx context.Context, l *lab) error {
			t.lab = l
			return run(ctx)
		}
	}
	return []step{
		{"three nodes begin together, with one generation", with(t.begin)},
		{"a sound that apply brings to one node is on all, also on one that was away", with(t.sounds)},
		{"a fourth node is let in, has a vote and takes calls; it leaves and isn't let in any more", with(t.grown)},
		{"drain: each node is restarted in its turn and no caller notices; limits hold for all nodes", with(t.rolling)},
		{"backup: a node and a whole cluster begin anew from it", with(t.restored)},
		{"sign-in: 401 and 403 at each node, also for what another one does", with(t.signedIn)},
		{"refused with the reason: strangers, foreign and damaged directories", with(t.refusals)},
	}
}

func (t *trio) ip(i int) string { return fmt.Sprintf("127.0.%d.%d", t.block, 31+i) }

// make prepares nodes with data directories of their own.
func (t *trio) make(under, service string, names ...string) (nodes []*bed.Node) {
	var list []string
	for i, name := range names {
		list = append(list, fmt.Sprintf("%s: %q", name, t.ip(i)+":7400"))
	}
	for i, name := range names {
		nodes = append(nodes, &bed.Node{
			Binary: t.node.Binary, Name: name, Dir: filepath.Join(t.work, under, name), Service: service,
			IP: t.ip(i), SIP: 5060, HTTP: 8080, RTPMin: 20000, RTPMax: 20999, Admission: "off",
			More: fmt.Sprintf("cluster:\n  name: centre\n  nodes: {%s}\n  ca_file: %s\n  cert_file: %s\n  key_file: %s\n",
				strings.Join(list, ", "), t.tls("ca.pem"), t.tls(name+".pem"), t.tls(name+".key")),
		})
	}
	return nodes
}

func (t *trio) tls(file string) string { return filepath.Join(t.work, "trio", "tls", file) }

// start starts nodes together: none is ready before a majority runs.
func start(ctx context.Context, nodes []*bed.Node) error {
	started := make(chan error, len(nodes))
	for _, n := range nodes {
		go func() { started <- n.Start(ctx) }()
	}
	var errs []error
	for range nodes {
		errs = append(errs, <-started)
	}
	return errors.Join(errs...)
}

func stop(nodes []*bed.Node) error {
	var errs []error
	for _, n := range nodes {
		if n.Running() {
			errs = append(errs, n.Kill())
		}
	}
	return errors.Join(errs...)
}

// cli runs a command against a node, or against none.
func (t *trio) cli(ctx context.Context, n *bed.Node, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if n != nil {
		args = append([]string{"--server", n.URL("")}, args...)
	}
	cmd := exec.CommandContext(ctx, t.node.Binary, args...)
	if n != nil {
		cmd.Env = append(os.Environ(), "TIERLINE_TOKEN="+n.Token)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

func (t *trio) begin(ctx context.Context) error {
	t.dir = filepath.Join(t.work, "trio")
	service := filepath.Join(t.dir, "service")
	if err := os.CopyFS(service, os.DirFS("testdata/bench")); err != nil {
		return fmt.Errorf("copy documents: %w", err)
	}
	agents := "agents:\n  \"1001\": {name: Nobody, skills: {bench: 5}, contact: \"sip:1001@127.0.0.1:9\"}\n"
	trunks := "trunks:\n  loopback: {sources: [127.0.0.0/8], limits: {calls: 3}}\n"
	err := errors.Join(replace(filepath.Join(service, "agents.yaml"), agents),
		replace(filepath.Join(service, "trunks.yaml"), trunks))
	if err != nil {
		return err
	}
	var members []string
	for i, name := range []string{"n1", "n2", "n3"} {
		members = append(members, name+"="+t.ip(i)+":7400")
	}
	if _, err := t.cli(ctx, nil, "node", "init", t.tls(""), "--cluster", "centre",
		"--nodes", strings.Join(members, ",")); err != nil {
		return err
	}
	t.nodes = t.make("trio", service, "n1", "n2", "n3")
	if err := start(ctx, t.nodes); err != nil {
		return err
	}
	t.others = append(t.others, t.nodes...)
	for _, n := range t.nodes {
		if err := generation(ctx, n, 1); err != nil {
			return err
		}
	}
	return nil
}

// generation checks which documents are current at a node.
func generation(ctx context.Context, n *bed.Node, want uint64) error {
	return bed.Eventually(5*time.Second, func() error {
		var list struct {
			Generations []struct {
				Generation uint64 `json:"generation"`
				Current    bool   `json:"current"`
			} `json:"generations"`
		}
		if err := n.Get(ctx, "/api/v1/generations", &list); err != nil {
			return err
		}
		for _, g := range list.Generations {
			if g.Current && g.Generation == want {
				return nil
			}
		}
		return fmt.Errorf("%s has generations %+v, want %d current", n.Name, list.Generations, want)
	})
}

// hasSound checks the library of a node.
func hasSound(n *bed.Node, sha string) error {
	return bed.Eventually(5*time.Second, func() error {
		_, err := os.Stat(filepath.Join(n.Dir, "data", "prompts", sha+".wav"))
		return err
	})
}

func (t *trio) sounds(ctx context.Context) error {
	changed := filepath.Join(t.dir, "changed")
	if err := os.CopyFS(changed, os.DirFS(filepath.Join(t.dir, "service"))); err != nil {
		return fmt.Errorf("copy documents: %w", err)
	}
	file := filepath.Join(changed, "prompts", "music", "hold-1.wav")
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read music: %w", err)
	}
	b[len(b)-1] ^= 1
	if err = replace(file, string(b)); err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	sha := hex.EncodeToString(sum[:])
	if err = t.nodes[2].Stop(); err != nil {
		return err
	}
	if _, err = t.cli(ctx, t.nodes[0], "apply", changed); err != nil {
		return err
	}
	if err = hasSound(t.nodes[1], sha); err != nil {
		return fmt.Errorf("the node that ran: %w", err)
	}
	if err = t.nodes[2].Start(ctx); err != nil {
		return err
	}
	if err = hasSound(t.nodes[2], sha); err != nil {
		return fmt.Errorf("the node that was away: %w", err)
	}
	return generation(ctx, t.nodes[2], 2) // its service_dir has the old ones
}

// inLine are the calls as a node sees them, by caller.
func inLine(ctx context.Context, n *bed.Node) (map[string]string, error) {
	var found struct {
		Calls []struct {
			ID       string `json:"id"`
			Phase    string `json:"phase"`
			QueuedAt int64  `json:"queued_at_ms"`
			From     string `json:"from"`
		} `json:"calls"`
	}
	err := n.Get(ctx, "/api/v1/calls", &found)
	out := map[string]string{}
	for _, c := range found.Calls {
		out[c.From] = fmt.Sprintf("%s %s since %d", c.ID, c.Phase, c.QueuedAt)
	}
	return out, err
}

// rolling takes each node out of service and starts it anew, while callers
// wait at each.
func (t *trio) rolling(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	gone := make(chan string, len(t.nodes))
	for i, n := range t.nodes {
		from := fmt.Sprintf("1380013800%d", i)
		cmd := exec.CommandContext(ctx, t.node.Binary, "dial", "1000@"+n.Address(), "--from", from,
			"--listen", fmt.Sprintf("127.0.%d.%d:0", t.block, 41+i), "--for", "3m")
		go func() {
			out, err := cmd.CombinedOutput()
			gone <- fmt.Sprintf("%s: %v\n%s", from, err, out)
		}()
	}
	var before map[string]string
	err := bed.Eventually(20*time.Second, func() (err error) {
		before, err = inLine(ctx, t.nodes[0])
		if err == nil && strings.Count(fmt.Sprint(before), "waiting") < len(t.nodes) {
			err = fmt.Errorf("callers: %v", before)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err = t.full(ctx); err != nil {
		return err
	}
	for i, n := range t.nodes {
		if err = t.turn(ctx, n, t.nodes[(i+1)%len(t.nodes)], before); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	select {
	case who := <-gone:
		return fmt.Errorf("a caller was cut off: %s", who)
	default:
		return nil
	}
}

// full tries one call too many, which no node has too many of by itself.
func (t *trio) full(ctx context.Context) error {
	out, err := t.cli(ctx, nil, "dial", "1000@"+t.nodes[1].Address(), "--from", "13800138009",
		"--listen", fmt.Sprintf("127.0.%d.46:0", t.block), "--for", "1s")
	if !strings.Contains(out, "not answered: 503") {
		return fmt.Errorf("a call more than its trunk may have on all nodes: %w %s", err, out)
	}
	return nil
}

// turn drains one node, asked at another, and starts it anew.
func (t *trio) turn(ctx context.Context, n, other *bed.Node, before map[string]string) error {
	out, err := t.cli(ctx, other, "drain", n.Name)
	if err != nil {
		return err
	}
	if !strings.Contains(out, "has its address and 1 call") {
		return fmt.Errorf("drain said: %s", out)
	}
	if err = n.Stop(); err != nil {
		return err
	}
	if err = n.Start(ctx); err != nil {
		return err
	}
	return bed.Eventually(10*time.Second, func() error {
		now, err := inLine(ctx, n)
		if err == nil && fmt.Sprint(now) != fmt.Sprint(before) {
			err = fmt.Errorf("callers were %v, are %v", before, now)
		}
		return err
	})
}
