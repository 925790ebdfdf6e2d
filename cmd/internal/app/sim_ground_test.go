package app

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"tierline/acd/report"
	"tierline/acd/report/cursor"
	"tierline/cmd/internal/config"
)

var errDead = errors.New("the process is dead")

// simProc is one process of one node. Once it is dead nothing of it gets out,
// and nothing gets in, whatever its goroutines still do.
type simProc struct {
	world  *simWorld
	name   string
	number int // which of the node's it is
	node   *Node
	media  *simMedia
	ended  chan struct{} // closed once nothing of it runs
	looked uint64        // the entry at which its state was looked at last
	cancel context.CancelFunc

	dead    atomic.Bool
	ready   atomic.Bool // it has started
	cutOff  atomic.Bool // from trunks and phones
	mu      sync.Mutex  // guards what follows
	sockets []*simSocket
	done    map[string]int
}

func simIP(node int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(node + 1)}) }

// settings are those of a node of the simulation.
func (w *simWorld) settings(name string) config.Settings {
	s := config.Defaults()
	ip := simIP(int(name[1] - '1'))
	s.Node, s.DataDir = name, filepath.Join(w.dir, name)
	s.SIP.Listen = []config.Listen{{Transport: "udp", Address: netip.AddrPortFrom(ip, 5060)}}
	s.SIP.Admission = "off"
	s.RTP.IP = ip
	s.Trace.Enabled = false
	s.Takeover.Mode = w.plan.mode
	s.Cluster = config.Cluster{
		Name: "sim", Listen: name, Nodes: map[string]string{}, CAFile: filepath.Join(w.certs, "ca.crt"),
		CertFile: filepath.Join(w.certs, name+".crt"), KeyFile: filepath.Join(w.certs, name+".key"),
	}
	for _, n := range simNames() {
		s.Cluster.Nodes[n] = n
	}
	return s
}

// start begins a process of a node, which runs until it is killed.
func (w *simWorld) start(name string) *simProc {
	p := &simProc{world: w, name: name, ended: make(chan struct{}), done: map[string]int{}}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	w.mu.Lock()
	if old := w.procs[name]; old != nil {
		p.number = old.number + 1
	}
	w.procs[name] = p
	w.mu.Unlock()
	s := w.settings(name)
	p.media = &simMedia{of: w.sound, proc: p, ip: s.RTP.IP}
	n := newNode(s, "sim", w.logger(p))
	n.ground = ground{
		network: simGateway{p}, socket: p.socket, fenced: func() { go w.fenced(p) },
		applying: func(done bool) { w.reached(p, atApply, done) },
		records:  func(s cursor.Store) cursor.Store { return simRecords{s, p} },
	}
	n.sound, n.most = p.media, 1000
	p.node = n
	go p.run(ctx, n)
	return p
}

// run starts the parts that need no kernel, all in their order.
func (p *simProc) run(ctx context.Context, n *Node) {
	defer close(p.ended)
	err := n.start(ctx, []part{
		{"TLS", n.startTLS},
		{"sounds", func(_, _ context.Context) error { return n.openLibrary() }},
		{"sources", n.startBackend},
		{"log", n.startLog},
		{"records", n.startRecords},
		{"service documents", n.startService},
		{"SIP", n.startSIP},
	})
	if err != nil {
		if !p.dead.Load() {
			p.world.wrong("%s doesn't start: %v", p.name, err)
		}
		return
	}
	p.ready.Store(true)
	<-ctx.Done()
	n.close()
}

// kill ends a process from one moment to the next; false: it was dead.
func (p *simProc) kill() bool {
	if p.dead.Swap(true) {
		return false
	}
	p.ready.Store(false)
	p.world.note("%s is dead", p.name)
	p.world.wires.Kill(p.name)
	p.media.die()
	p.mu.Lock()
	sockets := p.sockets
	p.mu.Unlock()
	for _, s := range sockets {
		_ = s.Close() // never fails
	}
	p.cancel()
	return true
}

// counts tells how often a process has come to a kind of point, this time
// included.
func (p *simProc) counts(kind string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done[kind]++
	return p.done[kind]
}

func (p *simProc) count(kind string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done[kind]
}

// simRecords is where a process writes call records.
type simRecords struct {
	cursor.Store

	proc *simProc
}

// Commit implements cursor.Store.
func (s simRecords) Commit(ctx context.Context, b report.Batch, durable bool) error {
	if s.proc.dead.Load() {
		return errDead
	}
	return s.Store.Commit(ctx, b, durable)
}

// simGateway is the way to other nodes.
type simGateway struct{ proc *simProc }

func (g simGateway) Listen(ctx context.Context, name string) (net.Listener, error) {
	if g.proc.dead.Load() {
		return nil, errDead
	}
	return g.proc.world.wires.At(g.proc.name).Listen(ctx, name)
}

func (g simGateway) Dial(ctx context.Context, name string) (net.Conn, error) {
	if g.proc.dead.Load() {
		return nil, errDead
	}
	c, err := g.proc.world.wires.At(g.proc.name).Dial(ctx, name)
	if err == nil && g.proc.dead.Load() {
		return nil, errors.Join(errDead, c.Close())
	}
	return c, err
}

// simSocket is one for SIP.
type simSocket struct {
	net.PacketConn

	proc *simProc
}

func (p *simProc) socket(addr string) (net.PacketConn, error) {
	c, err := p.world.net.Share(addr)
	if err != nil {
		return nil, err
	}
	s := &simSocket{c, p}
	p.mu.Lock()
	p.sockets = append(p.sockets, s)
	p.mu.Unlock()
	if p.dead.Load() {
		return nil, errors.Join(errDead, c.Close())
	}
	return s, nil
}

// ReadFrom implements net.PacketConn.
func (s *simSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := s.PacketConn.ReadFrom(b)
		if err == nil && (s.proc.cutOff.Load() || s.proc.dead.Load()) {
			continue
		}
		return n, from, err
	}
}

// WriteTo implements net.PacketConn.
func (s *simSocket) WriteTo(b []byte, to net.Addr) (int, error) {
	p := s.proc
	p.world.reached(p, overSIP, false)
	if p.dead.Load() || p.cutOff.Load() {
		return len(b), nil
	}
	p.world.spoke(p, b)
	n, err := s.PacketConn.WriteTo(b, to)
	p.world.reached(p, overSIP, true)
	return n, err
}

// isRequest tells whether a datagram is one, and of which method and call.
func isRequest(b []byte) (method, callID string, ok bool) {
	if bytes.HasPrefix(b, []byte("SIP/2.0")) {
		return "", "", false
	}
	m, _, found := bytes.Cut(b, []byte(" "))
	_, rest, has := bytes.Cut(b, []byte("\r\nCall-ID: "))
	id, _, _ := bytes.Cut(rest, []byte("\r\n"))
	return string(m), string(id), found && has
}

// writeAll writes files.
func writeAll(dir string, files map[string][]byte) error {
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
