package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tierline/.ci/bed"
)

const (
	baresipIP  = "127.0.0.1" // baresip takes it for its media, whatever it listens on
	callerHz   = 1400.0
	agentHz    = 700.0
	callerPort = 20000 // media of sipp callers, up to agentPort
	agentPort  = 30000 // media of sipp agents, up to lastPort
	lastPort   = 39999
)

// lab is the switch under test and what listens beside it. It lives on
// loopback addresses of its own, so that it disturbs neither a demo nor another
// lab.
type lab struct {
	block    int
	lock     net.PacketConn
	switchIP string
	callerIP string
	agentIP  string

	work      string
	node      *bed.Node
	desk      *bed.Node   // where phones register: node as a rule
	others    []*bed.Node // of its cluster
	shop      *exec.Cmd   // the business system
	tap       *tap
	collector *collector
	// next is the next SIP port for a peer: sipp's sockets stay busy a moment.
	next    int
	phones  []*baresip // that were started
	witness *witness   // nil: there is none

	postgres *bed.Postgres // nil: there is none
}

// addresses takes the first block of addresses, 127.0.N.21 to 23, that no other
// lab has. A socket that nobody uses is the lock; the kernel opens it if we die.
func (l *lab) addresses(ctx context.Context) (err error) {
	for l.block = 1; l.block < 250; l.block++ {
		l.switchIP = fmt.Sprintf("127.0.%d.21", l.block)
		l.callerIP = fmt.Sprintf("127.0.%d.22", l.block)
		l.agentIP = fmt.Sprintf("127.0.%d.23", l.block)
		var lc net.ListenConfig
		if l.lock, err = lc.ListenPacket(ctx, "udp", l.agentIP+":4444"); err == nil {
			return nil
		}
	}
	return fmt.Errorf("find addresses: %w", err)
}

func newLab(ctx context.Context, work, binary string) (*lab, error) {
	service := filepath.Join(work, "service")
	var err error
	l := &lab{work: work, next: 5061}
	if err = l.addresses(ctx); err != nil {
		return nil, err
	}
	if err = documents(service, l.callerIP); err != nil {
		return nil, errors.Join(err, l.lock.Close())
	}
	l.node = &bed.Node{
		Binary: binary, Dir: filepath.Join(work, "node"), Service: service,
		IP: l.switchIP, SIP: 5060, HTTP: 8080, RTPMin: 40000, RTPMax: 49999,
	}
	l.desk = l.node
	l.node.Certs, err = certificates(ctx, binary, work, l.switchIP, l.agentIP, l.callerIP,
		l.another(31).IP, l.another(33).IP)
	if err != nil {
		return nil, errors.Join(err, l.lock.Close())
	}
	l.node.More = fmt.Sprintf("sources: {bss: {url: %q}, line: {url: %q}}\n", l.shopURL(""), l.shopURL(""))
	l.node.More += fmt.Sprintf("hep: {address: \"%s:%d\"}\n", l.agentIP, collectorPort)
	if l.collector, err = openCollector(ctx, l.agentIP); err != nil {
		return nil, errors.Join(err, l.lock.Close())
	}
	if l.tap, err = openTap(l.switchIP, callerHz, agentHz); err != nil {
		return nil, errors.Join(err, l.lock.Close())
	}
	if err = l.openShop(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// documents copies the demo's documents, with times that let a check be short.
func documents(to, outward string) error {
	if err := os.CopyFS(to, os.DirFS("testdata/demo")); err != nil {
		return fmt.Errorf("copy service documents: %w", err)
	}
	file := filepath.Join(to, "queues.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read queues: %w", err)
	}
	var out strings.Builder
	for line := range strings.Lines(string(b)) {
		switch name, _, _ := strings.Cut(strings.TrimSpace(line), ":"); name {
		case "before_talk": // a step of its own has it
			line = ""
		case "wrap_up":
			line = "    wrap_up: 0s\n"
		case "ring_time":
			line = "    ring_time: 4s\n"
		}
		out.WriteString(line)
	}
	if err := replace(file, out.String()); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(to, "demo.go")); err != nil {
		return fmt.Errorf("leave demo.go out: %w", err)
	}
	return errors.Join(keyDocuments(to, outward), strangerDocuments(to), srtpDocuments(to), wideDocuments(to),
		dialogDocuments(to, outward), corporaTrunk(to, outward))
}

// replace writes a document anew.
func replace(file, text string) error {
	if err := os.Remove(file); err != nil { // the original may be write-protected
		return fmt.Errorf("replace %s: %w", filepath.Base(file), err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(file), err)
	}
	return nil
}

func (l *lab) close() {
	if w := l.witness; w != nil {
		_, _ = w.caller.kill(), w.agent.kill() // a step has failed, or not all were asked for
	}
	l.tap.close()
	for _, b := range l.phones {
		_ = b.cmd.Process.Kill() // as a rule it is gone
	}
	l.collector.close()
	_ = l.lock.Close() // it never carried anything
	l.closeShop()
	for _, n := range l.others {
		if n.Running() {
			_ = n.Kill() // as below
		}
	}
	if l.node.Running() {
		_ = l.node.Kill() // the steps have said what there is to say
	}
	if l.postgres != nil {
		_ = l.postgres.Close() // likewise
	}
}

func (l *lab) port() int {
	l.next += 2
	return l.next
}

// media makes a media port for a peer: each sipp needs one of its own.
func (l *lab) media(base int) int {
	l.port()
	return base + 4*(l.next-5061)
}

// callersHeard and agentsHeard check what came from the switch to n callers
// and to n agents since the tap was reset.
func (l *lab) callersHeard(n int, d time.Duration) error {
	return hears("callers", l.tap.toPort(callerPort, agentPort-1, agentHz), n, d)
}

func (l *lab) agentsHeard(n int, d time.Duration) error {
	return hears("agents", l.tap.toPort(agentPort, lastPort, callerHz), n, d)
}

// agent is what the API says of an agent.
type agent struct {
	ID     string `json:"id"`
	State  string `json:"state"`
	Reason string `json:"reason"`
	ForMS  int64  `json:"for_ms"`
	Phones []struct {
		Contact string `json:"contact"`
	} `json:"phones"`
}

func (l *lab) agent(ctx context.Context, id string) (agent, error) {
	var a agent
	return a, l.node.Get(ctx, "/api/v1/agents/"+id, &a)
}

// command makes an agent ready and so on.
func (l *lab) command(ctx context.Context, id, command string) error {
	return l.node.Post(ctx, "/api/v1/agents/"+id+"/state", map[string]string{"command": command, "by": "e2e"}, nil)
}

// expect waits until an agent is in a state.
func (l *lab) expect(ctx context.Context, id, state string) error {
	return bed.Eventually(5*time.Second, func() error {
		a, err := l.agent(ctx, id)
		if err != nil {
			return err
		}
		if a.State != state {
			return fmt.Errorf("agent %s is %s (%s), not %s", id, a.State, a.Reason, state)
		}
		return nil
	})
}

// register binds agents to a phone by digest, and to no other.
func (l *lab) register(ctx context.Context, port int, ids ...string) error {
	for _, id := range ids {
		a, err := l.agent(ctx, id)
		if err != nil {
			return err
		}
		before := ""
		if len(a.Phones) > 0 {
			before = "*"
		}
		if err := bind(l.node.Address(), l.agentIP, port, id, "demo-"+id, before); err != nil {
			return err
		}
	}
	return nil
}

// onDuty signs agents in and makes them ready, everybody else out.
func (l *lab) onDuty(ctx context.Context, ids ...string) error {
	var all struct {
		Agents []agent `json:"agents"`
	}
	if err := l.node.Get(ctx, "/api/v1/agents", &all); err != nil {
		return err
	}
	for _, a := range all.Agents {
		if a.State != "signed_out" {
			if err := l.command(ctx, a.ID, "sign_out"); err != nil {
				return err
			}
		}
	}
	for _, id := range ids { // the first is the longest idle
		if err := errors.Join(l.command(ctx, id, "ready"), l.expect(ctx, id, "ready")); err != nil {
			return err
		}
	}
	return nil
}

// cdr is what the API says of an ended call.
type cdr struct {
	Call      string `json:"call"`
	Direction string `json:"direction"`
	From      string `json:"from"`
	Tier      string `json:"tier"`
	Agent     string `json:"agent"`
	Answered  bool   `json:"answered"`
	SIP       int    `json:"sip"`
	Abandoned bool   `json:"abandoned"`
	Cause     string `json:"cause"`
	EndedBy   string `json:"ended_by"`
	WaitMS    int    `json:"wait_ms"`
	TalkMS    int    `json:"talk_ms"`
	Path      []struct {
		Step      string `json:"step"`
		Milestone string `json:"milestone"`
		Key       string `json:"key"`
	} `json:"path"`
	Quality  quality `json:"quality"`
	Segments []struct {
		Kind    string  `json:"kind"`
		Agent   string  `json:"agent"`
		Cause   string  `json:"cause"`
		Quality quality `json:"quality"`
	} `json:"segments"`
	Notes []struct {
		Kind  string `json:"kind"`
		Name  string `json:"name"`
		Value string `json:"value"`
		Agent string `json:"agent"`
	} `json:"notes"`
}

// quality is what a record says of a leg's media.
type quality struct {
	Codec  string `json:"codec"`
	Cipher string `json:"cipher"`
	Lost   int    `json:"lost"`
	MOS    int    `json:"mos_x100"`
}

// records returns the newest call records.
func (l *lab) records(ctx context.Context) ([]cdr, error) {
	var found struct {
		CDRs []cdr `json:"cdrs"`
	}
	return found.CDRs, l.node.Get(ctx, "/api/v1/cdrs?limit=1000", &found)
}

// record waits for the n-th record since the beginning and returns the newest.
func (l *lab) record(ctx context.Context, n int) (cdr, error) {
	var last cdr
	err := bed.Eventually(15*time.Second, func() error {
		all, err := l.records(ctx)
		if err != nil {
			return err
		}
		if len(all) != n {
			return fmt.Errorf("%d call records, not %d", len(all), n)
		}
		last = all[0]
		return nil
	})
	return last, err
}

// count is the number of call records, once no call is left of an earlier step
// and the records are as long as the log.
func (l *lab) count(ctx context.Context) (int, error) {
	err := bed.Eventually(10*time.Second, func() error {
		var running struct {
			Calls []struct{} `json:"calls"`
		}
		if err := l.node.Get(ctx, "/api/v1/calls", &running); err != nil {
			return err
		}
		if len(running.Calls) > 0 {
			return fmt.Errorf("%d calls are still running", len(running.Calls))
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	last, err := l.node.Metric(ctx, "tierline_cluster_applied_index")
	if err != nil {
		return 0, err
	}
	err = bed.Eventually(15*time.Second, func() error {
		written, asked := l.node.Metric(ctx, "tierline_records_index")
		if asked == nil && written < last {
			asked = fmt.Errorf("the records end at entry %.0f of %.0f", written, last)
		}
		return asked
	})
	if err != nil {
		return 0, err
	}
	all, err := l.records(ctx)
	return len(all), err
}
