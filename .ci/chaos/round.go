package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tierline/.ci/bed"
)

// Whom a round kills.
const (
	leader   = "leader"
	follower = "follower"
)

const (
	settle    = 4 * time.Second // after the kill: what isn't back by then is lost
	newCalls  = 10              // a second, while the node is dead
	agentPort = 5090
)

// call is what the API says of one.
type call struct {
	ID       string `json:"id"`
	Phase    string `json:"phase"`
	Node     string `json:"node"`
	Agent    string `json:"agent"`
	QueuedAt int64  `json:"queued_at_ms"`
	From     string `json:"from"`
}

// round starts three nodes, lets them talk, kills one and looks.
func (c *chaos) round(ctx context.Context, binary, mode, role string, n int) (f figures, err error) {
	r := &round{chaos: c, mode: mode, dir: filepath.Join(c.dir, fmt.Sprintf("%s-%s-%d", mode, role, n))}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, r.tails())
		}
		r.end()
	}()
	if err = r.begin(ctx, binary); err != nil {
		return f, err
	}
	if err = r.fill(ctx); err != nil {
		return f, err
	}
	victim, err := r.victim(ctx, role)
	if err != nil {
		return f, err
	}
	return r.strike(ctx, victim)
}

type round struct {
	*chaos
	mode  string
	dir   string
	nodes []*bed.Node
	peers *peers
}

func (r *round) ip(i int) string { return fmt.Sprintf("127.0.%d.%d", r.block, 11+i) }

func (r *round) begin(ctx context.Context, binary string) error {
	var members, list []string
	for i := range 3 {
		members = append(members, fmt.Sprintf("n%d=%s:7400", i+1, r.ip(i)))
		list = append(list, fmt.Sprintf("n%d: %q", i+1, r.ip(i)+":7400"))
	}
	tls := filepath.Join(r.dir, "tls")
	init := exec.CommandContext(ctx, binary, "node", "init", tls,
		"--cluster", "chaos", "--nodes", strings.Join(members, ","))
	if out, err := init.CombinedOutput(); err != nil {
		return fmt.Errorf("make certificates: %w\n%s", err, out)
	}
	if err := r.documents(); err != nil {
		return err
	}
	var err error
	//nolint:contextcheck // the user agent lives as long as the round
	if r.peers, err = openPeers(fmt.Sprintf("127.0.%d.20", r.block), agentPort); err != nil {
		return err
	}
	started := make(chan error, 3)
	for i := range 3 {
		name := fmt.Sprintf("n%d", i+1)
		n := &bed.Node{
			Binary: binary, Name: name, Dir: filepath.Join(r.dir, name), Service: filepath.Join(r.dir, "service"),
			IP: r.ip(i), SIP: 5060, HTTP: 8080, RTPMin: 20000, RTPMax: 23999,
			More: fmt.Sprintf("takeover: {mode: %s}\ncluster:\n  name: chaos\n  nodes: {%s}\n  ca_file: %s\n"+
				"  cert_file: %s\n  key_file: %s\n", r.mode, strings.Join(list, ", "), filepath.Join(tls, "ca.pem"),
				filepath.Join(tls, name+".pem"), filepath.Join(tls, name+".key")),
		}
		r.nodes = append(r.nodes, n)
		go func() { started <- n.Start(ctx) }()
	}
	return errors.Join(<-started, <-started, <-started)
}

// documents are those of the bench, with our agents.
func (r *round) documents() error {
	to := filepath.Join(r.dir, "service")
	if err := os.CopyFS(to, os.DirFS("testdata/bench")); err != nil {
		return fmt.Errorf("copy documents: %w", err)
	}
	var b strings.Builder
	b.WriteString("agents:\n")
	for i := range r.talking {
		fmt.Fprintf(&b, "  \"a%[1]d\": {name: Agent %[1]d, skills: {bench: 5}, "+
			"contact: \"sip:a%[1]d@127.0.%[2]d.20:%[3]d\", signed_in: true}\n", i+1, r.block, agentPort)
	}
	return os.WriteFile(filepath.Join(to, "agents.yaml"), []byte(b.String()), 0o600)
}

// fill makes as many calls talk and wait as the round wants.
func (r *round) fill(ctx context.Context) error {
	for i := range r.talking + r.waiting {
		n := r.nodes[i%3]
		//nolint:contextcheck // as long as the round
		if _, err := r.peers.call(n.Name, n.Address(), "1000", fmt.Sprintf("138%08d", i)); err != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return bed.Eventually(20*time.Second, func() error {
		all, err := r.calls(ctx, r.nodes[0])
		if err != nil {
			return err
		}
		if t, w := count(all, "talking"), count(all, "waiting"); t != r.talking || w != r.waiting {
			return fmt.Errorf("%d calls talk and %d wait, want %d and %d", t, w, r.talking, r.waiting)
		}
		return nil
	})
}

func count(all []call, phase string) (n int) {
	for _, c := range all {
		if c.Phase == phase {
			n++
		}
	}
	return n
}

func (r *round) calls(ctx context.Context, n *bed.Node) ([]call, error) {
	var found struct {
		Calls []call `json:"calls"`
	}
	err := n.Get(ctx, "/api/v1/calls", &found)
	return found.Calls, err
}

// victim picks a node by what it is.
func (r *round) victim(ctx context.Context, role string) (*bed.Node, error) {
	var found struct {
		Nodes []struct {
			Node  string `json:"name"`
			State string `json:"state"`
		} `json:"nodes"`
	}
	if err := r.nodes[0].Get(ctx, "/api/v1/nodes", &found); err != nil {
		return nil, err
	}
	for _, n := range found.Nodes {
		if i := slices.IndexFunc(r.nodes, func(b *bed.Node) bool { return b.Name == n.Node }); n.State == role && i >= 0 {
			return r.nodes[i], nil
		}
	}
	return nil, fmt.Errorf("no %s among %+v", role, found.Nodes)
}

// strike kills a node and measures what its peers hear.
func (r *round) strike(ctx context.Context, victim *bed.Node) (f figures, err error) {
	survivor := r.nodes[(slices.Index(r.nodes, victim)+1)%3]
	before, err := r.calls(ctx, survivor)
	if err != nil {
		return f, err
	}
	time.Sleep(time.Second) // everybody hears something
	legs := r.peers.all()
	held := map[*leg]bool{}
	for _, l := range legs {
		to := l.to.Load()
		held[l] = to != nil && to.Addr().String() == victim.IP
	}
	at := time.Now()
	if err = victim.Kill(); err != nil {
		return f, err
	}
	f.answers = r.newcomers(survivor, settle) //nolint:contextcheck // as long as the round
	end := time.Now()
	for _, l := range legs {
		gap, alive := l.gap(at, end)
		if f.legs++; alive {
			f.alive++
		}
		if held[l] {
			f.gaps = append(f.gaps, gap)
		}
	}
	after, err := r.calls(ctx, survivor)
	if err != nil {
		return f, err
	}
	r.compare(before, after, victim.Name)
	return f, r.restart(ctx, victim, &f)
}

// newcomers calls during some time and returns how long the answers took.
func (r *round) newcomers(n *bed.Node, d time.Duration) (took []time.Duration) {
	var made []*leg
	for i := range int(d.Seconds() * newCalls) {
		if l, err := r.peers.call("", n.Address(), "1000", fmt.Sprintf("139%08d", i)); err == nil {
			made = append(made, l)
		}
		time.Sleep(time.Second / newCalls)
	}
	said := 0
	for _, l := range made {
		if l.took.Load() > 0 { // answered, or refused with 503: a busy node says no
			said++
		}
		if l.up.Load() {
			took = append(took, time.Duration(l.took.Load()))
		}
		l.sip.Hangup(16, "enough")
		l.over.Store(true)
	}
	if said < len(made)*8/10 { // the last ones haven't had the time
		r.fault("%d of %d new calls were answered or refused", said, len(made))
	}
	return took
}

// compare looks for calls that were lost, moved back in their queue, or changed
// hands.
func (r *round) compare(before, after []call, victim string) {
	now := map[string]call{}
	for _, c := range after {
		now[c.ID] = c
	}
	for _, was := range before {
		is, there := now[was.ID]
		switch {
		case !there:
			r.fault("call %s of %s, which was %s, is lost", was.ID, was.Node, was.Phase)
		case is.Phase != was.Phase || is.QueuedAt != was.QueuedAt || is.Agent != was.Agent:
			r.fault("call %s was %+v, is %+v", was.ID, was, is)
		case is.Node == victim:
			r.fault("call %s is still the dead node's", was.ID)
		}
	}
	r.peers.mu.Lock()
	defer r.peers.mu.Unlock()
	if r.peers.most > 1 {
		r.fault("an agent had %d calls at once", r.peers.most)
	}
}

func (r *round) fault(format string, args ...any) {
	r.faults = append(r.faults, r.mode+": "+fmt.Sprintf(format, args...))
}

// restart brings the node back and measures the gap while its address and the
// calls there return. Then everybody hangs up, and each call has one record.
func (r *round) restart(ctx context.Context, victim *bed.Node, f *figures) error {
	legs := r.peers.all()
	at := time.Now()
	if err := victim.Start(ctx); err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	end := time.Now()
	for _, l := range legs {
		gap, alive := l.gap(at, end)
		if f.back = max(f.back, gap); !alive {
			r.fault("a leg of %s was lost when its address went back", l.node)
		}
	}
	calls, err := r.calls(ctx, victim)
	if err != nil {
		return err
	}
	r.peers.mu.Lock()
	all := slices.Clone(r.peers.legs)
	r.peers.mu.Unlock()
	for _, l := range all {
		if l.agent == "" && l.sip != nil {
			l.sip.Hangup(16, "bye") //nolint:contextcheck // as long as the round
		}
	}
	return bed.Eventually(20*time.Second, func() error { return r.records(ctx, calls) })
}

// records checks that each call has exactly one.
func (r *round) records(ctx context.Context, calls []call) error {
	for _, n := range r.nodes {
		var found struct {
			CDRs []struct {
				Call string `json:"call"`
			} `json:"cdrs"`
		}
		if err := n.Get(ctx, "/api/v1/cdrs?limit=1000", &found); err != nil {
			return err
		}
		times := map[string]int{}
		for _, c := range found.CDRs {
			times[c.Call]++
		}
		for _, c := range calls {
			if times[c.ID] != 1 {
				return fmt.Errorf("%s has %d records of call %s", n.Name, times[c.ID], c.ID)
			}
		}
	}
	return nil
}

func (r *round) tails() string {
	var b strings.Builder
	for _, n := range r.nodes {
		fmt.Fprintf(&b, "--- %s\n%s\n", n.Name, n.Tail(25))
	}
	return b.String()
}

func (r *round) end() {
	for _, n := range r.nodes {
		if n.Running() {
			_ = n.Kill() // nothing of it is needed any more
		}
	}
	if r.peers != nil {
		r.peers.close()
	}
}
