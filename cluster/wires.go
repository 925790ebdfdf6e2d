package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// purpose is what a connection between two members is for.
type purpose string

const (
	forRaft   purpose = "raft"   // Raft's own protocol
	forEvents purpose = "events" // events of a member, for the leader's log
	forStatus purpose = "status" // one question: how are you?
	forVisits purpose = "visits" // requests of the API that another node can answer
	forPhones purpose = "phones" // SIP of a phone that is connected to another node
)

// errRefused says that a member wants nothing to do with us, and why.
var errRefused = errors.New("refused")

// helloFormat is the version of how members greet one another.
const helloFormat = 1

// messageLimit bounds a greeting, a question and an answer.
const messageLimit = 64 << 10

// hello is the first thing on a connection, in both directions. What isn't
// understood is refused with a reason that the other side can read.
type hello struct {
	Format  int     `json:"format"`
	Cluster string  `json:"cluster"`
	Node    string  `json:"node"`
	To      string  `json:"to,omitempty"`
	For     purpose `json:"for,omitempty"`
	Entries int     `json:"entries"` // format of stored entries
	Kinds   int     `json:"kinds"`   // the newest kind of event that the node knows
	Refused string  `json:"refused,omitempty"`
}

// Network is what connections between members run over: TCP, or a simulation's.
type Network interface {
	Listen(ctx context.Context, addr string) (net.Listener, error)
	Dial(ctx context.Context, addr string) (net.Conn, error)
}

// tcp is the real one.
type tcp struct{}

// Listen implements Network.
func (tcp) Listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	return lc.Listen(ctx, "tcp", addr)
}

// Dial implements Network.
func (tcp) Dial(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

// wires are a node's connections to the other members: TLS both ways proved,
// then a greeting, then what the connection is for. It implements
// raft.StreamLayer.
type wires struct {
	me      string
	members *Members
	roster  *roster
	net     Network
	log     *slog.Logger
	limit   time.Duration // for a connection to be made and greeted

	listener net.Listener
	raft     chan net.Conn
	kinds    *kinds
	written  func() uint32                                                  // the newest kind of event in the log
	serve    map[purpose]func(ctx context.Context, peer string, c net.Conn) // beside Raft's; set before run

	ctx  context.Context //nolint:containedctx // ends with the wires, whoever uses them
	stop context.CancelFunc
	busy sync.WaitGroup

	mu     sync.Mutex // guards what follows
	open   map[net.Conn]struct{}
	closed bool
}

func newWires(me string, m *Members, over Network, limit time.Duration, log *slog.Logger) (*wires, error) {
	w := mute(me, m, over, limit, log)
	l, err := over.Listen(w.ctx, m.listen(me))
	if err != nil {
		w.stop()
		return nil, fmt.Errorf("listen for other nodes: %w", err)
	}
	w.listener = l
	return w, nil
}

// mute makes wires that nobody can reach.
func mute(me string, m *Members, over Network, limit time.Duration, log *slog.Logger) *wires {
	ctx, stop := context.WithCancel(context.Background())
	r := newRoster(me, m)
	return &wires{
		me: me, members: m, roster: r, net: over, log: log, limit: limit, raft: make(chan net.Conn),
		ctx: ctx, stop: stop, open: map[net.Conn]struct{}{}, written: func() uint32 { return 0 },
		kinds: &kinds{me: me, mine: lastKind, settled: settledKinds, members: r.names, of: map[string]kind{}},
	}
}

// run takes connections until Close.
func (w *wires) run() { w.busy.Go(w.accept) }

func (w *wires) accept() {
	for {
		c, err := w.listener.Accept()
		if err != nil {
			if w.ctx.Err() == nil {
				w.log.Error("no more connections of other nodes", "err", err)
			}
			return
		}
		w.busy.Go(func() { w.receive(c) })
	}
}

// receive greets who came in and hands the connection on. Whatever a stranger
// sends, it costs one goroutine for a moment.
func (w *wires) receive(raw net.Conn) {
	c := tls.Server(raw, w.members.tls(""))
	h, err := w.welcome(c)
	if err != nil {
		w.log.Warn("connection of another node refused", "from", raw.RemoteAddr().String(), "err", err)
		w.dismiss(raw)
		return
	}
	if !w.keep(c) {
		return
	}
	if h.For == forRaft {
		select {
		case w.raft <- w.tracked(c):
		case <-w.ctx.Done():
			w.drop(c)
		}
		return
	}
	defer w.drop(c)
	w.serve[h.For](w.ctx, h.Node, c)
}

// dismiss closes a refused connection without taking back the reason: TCP
// resets, and the peer loses what it hasn't read, if we close before we have
// read all that it sent.
func (w *wires) dismiss(raw net.Conn) {
	if c, ok := raw.(interface{ CloseWrite() error }); ok && c.CloseWrite() == nil &&
		raw.SetDeadline(time.Now().Add(w.limit)) == nil {
		_, _ = io.CopyN(io.Discard, raw, messageLimit) // how it ends doesn't matter
	}
	_ = raw.Close() // nobody is left to be told
}

// welcome proves who is there and answers the greeting.
func (w *wires) welcome(c *tls.Conn) (hello, error) {
	ctx, cancel := context.WithTimeout(w.ctx, w.limit)
	defer cancel()
	if err := c.SetDeadline(time.Now().Add(w.limit)); err != nil {
		return hello{}, err
	}
	if err := c.HandshakeContext(ctx); err != nil {
		return hello{}, err
	}
	var h hello
	if err := readJSON(c, &h); err != nil {
		return hello{}, fmt.Errorf("read greeting: %w", err)
	}
	why := w.objection(c, h)
	answer := w.greeting()
	if why != nil {
		answer.Refused = why.Error()
	}
	if err := errors.Join(writeJSON(c, answer), why); err != nil {
		return hello{}, err
	}
	w.kinds.met(h.Node, h.Kinds)
	return h, c.SetDeadline(time.Time{})
}

// objection says why a member can't be let in, or returns nil.
func (w *wires) objection(c *tls.Conn, h hello) error {
	node, err := w.members.memberOf(c.ConnectionState().PeerCertificates[0])
	switch {
	case err != nil:
		return err
	case h.Format != helloFormat:
		return fmt.Errorf("node %s speaks format %d, this node %s speaks %d: run releases that are next to each other",
			h.Node, h.Format, w.me, helloFormat)
	case h.Cluster != w.members.Cluster:
		return fmt.Errorf("node %s is of cluster %q, this node %s of %q", h.Node, h.Cluster, w.me, w.members.Cluster)
	case node != h.Node:
		return fmt.Errorf("node %s has the certificate of %s", h.Node, node)
	case node == w.me:
		return fmt.Errorf("there is another node %s: two processes have one name, or an address leads to itself", w.me)
	case h.To != w.me && (h.To != "" || h.For != forMembers): // who asks to be let in knows no names
		return fmt.Errorf("node %s looks for %s at the address of %s: the addresses of members differ", h.Node, h.To, w.me)
	case h.Entries > entryFormat:
		return fmt.Errorf("node %s writes entries of format %d, this node %s reads up to %d: upgrade it first",
			h.Node, h.Entries, w.me, entryFormat)
	}
	if err := w.permits(node, h.For); err != nil {
		return err
	}
	return outdated(h.Node, h.Kinds, w.written())
}

// permits says why a node can't have what it wants, or returns nil. Raft decides
// itself whom it listens to: its leader may have come to the cluster while this
// node was away.
func (w *wires) permits(node string, what purpose) error {
	switch {
	case what == forRaft:
		return nil
	case w.serve[what] == nil:
		return fmt.Errorf("node %s wants %q, which this release does not know", node, what)
	case what != forMembers && !w.roster.has(node):
		return fmt.Errorf("%w: node %s is no member; `tierline node join` makes it one", errStranger, node)
	}
	return nil
}

func (w *wires) greeting() hello {
	return hello{
		Format: helloFormat, Cluster: w.members.Cluster, Node: w.me, Entries: entryFormat, Kinds: int(w.kinds.mine),
	}
}

// dial makes a connection to a member.
func (w *wires) dial(ctx context.Context, node string, why purpose) (net.Conn, error) {
	addr := w.roster.address(node)
	if addr == "" {
		return nil, fmt.Errorf("node %s is no member", node)
	}
	return w.dialAt(ctx, addr, node, why)
}

// dialAt makes a connection to whoever is at an address; node is who should be
// there, "" for any member.
func (w *wires) dialAt(ctx context.Context, addr, node string, why purpose) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, w.limit)
	defer cancel()
	raw, err := w.net.Dial(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("reach node %s: %w", cmp.Or(node, "at "+addr), err)
	}
	c := tls.Client(raw, w.members.tls(node))
	if err := w.greet(ctx, c, node, why); err != nil {
		_ = raw.Close() // the error is the one that matters
		return nil, fmt.Errorf("reach node %s at %s: %w", node, addr, err)
	}
	if !w.keep(c) {
		return nil, ErrClosed
	}
	return w.tracked(c), nil
}

func (w *wires) greet(ctx context.Context, c *tls.Conn, node string, why purpose) error {
	if err := c.SetDeadline(time.Now().Add(w.limit)); err != nil {
		return err
	}
	if err := c.HandshakeContext(ctx); err != nil {
		return err
	}
	h := w.greeting()
	h.To, h.For = node, why
	// Who refuses our certificate may have closed before we wrote: the reason
	// is still there to be read.
	sent := writeJSON(c, h)
	var answer hello
	if err := readJSON(c, &answer); err != nil {
		return fmt.Errorf("read greeting: %w", err)
	}
	if sent != nil {
		return sent
	}
	if answer.Refused != "" {
		return fmt.Errorf("%w: %s", errRefused, answer.Refused)
	}
	w.kinds.met(answer.Node, answer.Kinds)
	return c.SetDeadline(time.Time{})
}

// keep remembers a connection so that Close ends it.
func (w *wires) keep(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		_ = c.Close() // too late for it
		return false
	}
	w.open[c] = struct{}{}
	return true
}

func (w *wires) drop(c net.Conn) {
	w.mu.Lock()
	delete(w.open, c)
	w.mu.Unlock()
	_ = c.Close() // whoever reads from it learns that
}

// tracked forgets a connection when it is closed.
func (w *wires) tracked(c net.Conn) net.Conn { return &wire{Conn: c, of: w} }

type wire struct {
	net.Conn

	of *wires
}

// Close ends the connection.
func (c *wire) Close() error {
	c.of.drop(c.Conn)
	return nil
}

// Accept implements net.Listener for Raft.
func (w *wires) Accept() (net.Conn, error) {
	select {
	case c := <-w.raft:
		return c, nil
	case <-w.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener. Addresses in Raft's membership are names, so
// that it does not change when a node moves.
func (w *wires) Addr() net.Addr { return nodeAddr(w.me) }

type nodeAddr string

// Network implements net.Addr.
func (nodeAddr) Network() string { return "tierline" }

// String implements net.Addr.
func (a nodeAddr) String() string { return string(a) }

// Dial implements raft.StreamLayer.
func (w *wires) Dial(node raft.ServerAddress, _ time.Duration) (net.Conn, error) {
	return w.dial(w.ctx, w.roster.learn(node), forRaft)
}

// Close ends all connections and waits for whoever serves them.
func (w *wires) Close() error {
	w.stop()
	var err error
	if w.listener != nil {
		err = w.listener.Close()
	}
	w.mu.Lock()
	w.closed = true
	for c := range w.open {
		_ = c.Close() // as in drop
	}
	w.mu.Unlock()
	w.busy.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
