package cluster

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

// visits hands connections of other members, who want something of this node's
// API or phones, to whoever serves that. It implements net.Listener.
type visits struct {
	me    string
	limit time.Duration // until somebody takes a connection: a node that starts doesn't at once
	come  chan net.Conn
	ended chan struct{}
	once  sync.Once
}

func newVisits(me string, limit time.Duration) *visits {
	return &visits{me: me, limit: limit, come: make(chan net.Conn), ended: make(chan struct{})}
}

// receive hands a connection on and waits until it is done with.
func (v *visits) receive(ctx context.Context, _ string, c net.Conn) {
	guest := &visit{Conn: c, left: make(chan struct{})}
	t := time.NewTimer(v.limit)
	defer t.Stop()
	select {
	case v.come <- guest:
	case <-t.C:
		return
	case <-v.ended:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-guest.left:
	case <-ctx.Done(): // the wires close the connection
	}
}

// Accept implements net.Listener.
func (v *visits) Accept() (net.Conn, error) {
	select {
	case c := <-v.come:
		return c, nil
	case <-v.ended:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener: no more are taken.
func (v *visits) Close() error {
	v.once.Do(func() { close(v.ended) })
	return nil
}

// Addr implements net.Listener.
func (v *visits) Addr() net.Addr { return nodeAddr(v.me) }

// visit is a connection whose end is told.
type visit struct {
	net.Conn

	left chan struct{}
	once sync.Once
}

// Close implements net.Conn.
func (c *visit) Close() error {
	c.once.Do(func() { close(c.left) })
	return c.Conn.Close()
}

var errAlone = errors.New("this node is in no cluster")

// Visitors is where other members' requests to this node's API come in; nil if
// there are no other members. Who is on a connection has proved to be a member.
func (n *Node) Visitors() net.Listener {
	if n.visits == nil {
		return nil
	}
	return n.visits
}

// Visit makes a connection to the API of another member.
func (n *Node) Visit(ctx context.Context, node string) (net.Conn, error) {
	if n.wires == nil {
		return nil, errAlone
	}
	return n.wires.dial(ctx, node, forVisits)
}

// Lines is where other members come in who call phones that are connected to
// this node; nil if there are no other members.
func (n *Node) Lines() net.Listener {
	if n.lines == nil {
		return nil
	}
	return n.lines
}

// Line makes a connection to a member that phones are connected to.
func (n *Node) Line(ctx context.Context, node string) (net.Conn, error) {
	if n.wires == nil {
		return nil, errAlone
	}
	return n.wires.dial(ctx, node, forPhones)
}

// Others are the names of the other members, sorted; none of a node alone.
func (n *Node) Others() []string {
	if n.wires == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(n.wires.roster.others()))
}
