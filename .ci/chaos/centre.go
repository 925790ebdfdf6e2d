package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// How calls are taken over.
const (
	byAddress  = "address"
	byReinvite = "reinvite"
)

const agentPort = 5090

// centre is three nodes and everybody who calls there or serves there.
type centre struct {
	*chaos
	crowd  crowd // calls that there have to be before something happens
	name   string
	mode   string // how calls are taken over
	dir    string
	phones string    // address of all callers and agents
	wires  [3]string // addresses at which the nodes talk to each other
	nodes  []*bed.Node
	peers  *peers
	seen   map[string]bool // ids of calls that there were, for their records
	now    string          // the trial
	faults []string
	undo   []func() // at the end, the last one first
}

func (c *chaos) centre(name, mode string) *centre {
	return &centre{
		chaos: c, crowd: c.crowd, name: name, mode: mode, dir: filepath.Join(c.dir, name), seen: map[string]bool{},
	}
}

// onLoopback opens a centre whose nodes share this machine's loopback.
func onLoopback(mode string, block int) func(context.Context, *chaos, string) (*centre, error) {
	return func(ctx context.Context, c *chaos, name string) (*centre, error) {
		at := c.centre(name, mode)
		at.phones = fmt.Sprintf("127.0.%d.20", block)
		for i := range at.wires {
			at.wires[i] = fmt.Sprintf("127.0.%d.%d", block, 11+i)
			at.nodes = append(at.nodes, &bed.Node{IP: at.wires[i]})
		}
		return at, at.open(ctx)
	}
}

// open starts the nodes, whose addresses are known.
func (c *centre) open(ctx context.Context) error {
	var members, list []string
	for i, n := range c.nodes {
		n.Name = fmt.Sprintf("n%d", i+1)
		members = append(members, fmt.Sprintf("%s=%s:7400", n.Name, c.wires[i]))
		list = append(list, fmt.Sprintf("%s: %q", n.Name, c.wires[i]+":7400"))
	}
	tls := filepath.Join(c.dir, "tls")
	err := tool(ctx, c.binary, "node", "init", tls, "--cluster", "chaos", "--nodes", strings.Join(members, ","))
	if err = errors.Join(err, c.documents()); err != nil {
		return err
	}
	//nolint:contextcheck // the user agent lives as long as the centre
	if c.peers, err = openPeers(c.phones, agentPort); err != nil {
		return err
	}
	started := make(chan error, len(c.nodes))
	for _, n := range c.nodes {
		n.Binary, n.Dir, n.Service = c.binary, filepath.Join(c.dir, n.Name), filepath.Join(c.dir, "service")
		n.SIP, n.HTTP, n.RTPMin, n.RTPMax = 5060, 8080, 20000, 23999
		n.More = fmt.Sprintf("takeover: {mode: %s}\ncluster:\n  name: chaos\n  nodes: {%s}\n  ca_file: %s\n"+
			"  cert_file: %s\n  key_file: %s\n", c.mode, strings.Join(list, ", "), filepath.Join(tls, "ca.pem"),
			filepath.Join(tls, n.Name+".pem"), filepath.Join(tls, n.Name+".key"))
		go func() { started <- n.Start(ctx) }()
	}
	for range c.nodes {
		err = errors.Join(err, <-started)
	}
	return err
}

// menu is a flow that says something for ever, and slow one whose agents'
// phones only ring.
const (
	menuFlow = `version: 1
flow: menu
languages: [en]
start: ask
nodes:
  ask: {type: menu, prompt: [%[1]s], keys: {"1": ask}, first: 500ms, attempts: 10, exhausted: more}
  more: {type: menu, prompt: [%[1]s], keys: {"1": ask}, first: 500ms, attempts: 10, exhausted: "@hangup"}
prompts:
  music: {file: music/hold-1.wav}
`
	slowSkill = "  slow: {en: Phones that only ring}\n"
	slowQueue = "  slow:\n    requirement: 'slow>=1'\n    ring_time: 3m\n    wrap_up: 0s\n    reoffer_after: 1s\n"
	numbers   = "  - {number: \"2000\", flow: menu}\n  - {number: \"3000\", flow: slow}\n"
)

// documents are those of the bench, with our agents and flows.
func (c *centre) documents() error {
	to := filepath.Join(c.dir, "service")
	if err := os.CopyFS(to, os.DirFS("testdata/bench")); err != nil {
		return fmt.Errorf("copy documents: %w", err)
	}
	var agents strings.Builder
	agents.WriteString("agents:\n")
	agent := func(kind, skill, ip string, n, port int) {
		for i := range n {
			fmt.Fprintf(&agents, "  %[1]q: {name: Agent %[1]s, skills: {%[2]s: 5}, contact: \"sip:%[1]s@%[3]s:%[4]d\", "+
				"signed_in: true, back_off: 1s, max_misses: 100}\n", fmt.Sprintf("%s%d", kind, i+1), skill, ip, port)
		}
	}
	agent("a", "bench", c.phones, c.chaos.crowd.talking, agentPort)
	agent("s", "slow", c.phones, c.chaos.crowd.ringing+1, agentPort)
	agent("b", "foreign", baresipIP, 1, baresipAt)
	flow, err := os.ReadFile(filepath.Join(to, "flows", "bench.yaml"))
	if err != nil {
		return fmt.Errorf("read documents: %w", err)
	}
	like := func(name string) string {
		return strings.NewReplacer("flow: bench", "flow: "+name, "queue: bench", "queue: "+name).Replace(string(flow))
	}
	files := map[string]string{
		"agents.yaml": agents.String(), "flows/slow.yaml": like("slow"), "flows/foreign.yaml": like("foreign"),
		"flows/menu.yaml": fmt.Sprintf(menuFlow, strings.Repeat("music, ", 30)+"music"),
		"trunks.yaml":     "trunks:\n  peers:\n    sources: [127.0.0.0/8, 10.46.0.0/24]\n",
	}
	added := map[string]string{
		"skills.yaml": slowSkill + foreignSkill, "queues.yaml": slowQueue + foreignQueue,
		"numbers.yaml": numbers + foreignRule,
	}
	for name, more := range added {
		b, err := os.ReadFile(filepath.Join(to, name))
		if err != nil {
			return fmt.Errorf("read documents: %w", err)
		}
		files[name] = string(b) + more
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(to, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write documents: %w", err)
		}
	}
	return nil
}

func (c *centre) fault(format string, args ...any) {
	c.faults = append(c.faults, c.now+": "+fmt.Sprintf(format, args...))
}

func (c *centre) close() {
	for _, n := range c.nodes {
		if n.Running() {
			_ = n.Kill() // nothing of it is needed any more
		}
	}
	if c.peers != nil {
		c.peers.close()
	}
	for _, undo := range slices.Backward(c.undo) {
		undo()
	}
}

// trial brings the centre into order, does what the trial does and looks at
// what every trial must leave alone.
func (c *centre) trial(ctx context.Context, t trial, f *figures) error {
	c.now = t.name
	if err := c.fill(ctx); err != nil {
		return fmt.Errorf("before it: %w", err)
	}
	c.peers.forget()
	time.Sleep(time.Second) // everybody hears something
	if err := t.do(ctx, c, f); err != nil {
		return err
	}
	c.peers.mu.Lock()
	defer c.peers.mu.Unlock()
	if c.peers.most > 1 {
		c.fault("an agent had %d calls at once", c.peers.most)
	}
	return nil
}
