package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"tierline/acd"
	"tierline/call/registrar"
	"tierline/call/sipua"
	"tierline/cluster"
)

// phonesEvery is how often the addresses of registered phones are read anew: a
// flood of strangers costs one look at the agents a second, no more.
const phonesEvery = time.Second

// phones knows from which addresses agents' phones have registered.
type phones struct {
	log *cluster.Node

	mu    sync.Mutex // guards what follows
	known map[netip.Addr]bool
	read  time.Time
}

// has says whether a phone registered from the source's address.
func (p *phones) has(source netip.AddrPort) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.read) >= phonesEvery {
		p.known = map[netip.Addr]bool{}
		p.log.Read(func(s *acd.State) {
			for _, a := range s.Agents() {
				for _, b := range a.Bindings {
					p.keep(b)
				}
			}
		})
		p.read = time.Now()
	}
	return p.known[source.Addr().Unmap()]
}

// add knows a phone at once: its next message may follow its REGISTER.
func (p *phones) add(b acd.Binding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		p.keep(b)
	}
}

func (p *phones) keep(b acd.Binding) {
	if at, err := netip.ParseAddrPort(b.Received); err == nil {
		p.known[at.Addr().Unmap()] = true
	}
}

// borrower finds phones that live on a connection to another node; nil: there
// are no others.
func (n *Node) borrower() sipua.Borrow {
	if len(n.cluster.Others()) == 0 {
		return nil
	}
	return func(transport string, remote netip.AddrPort) func(context.Context) (net.Conn, error) {
		node := ""
		n.cluster.Read(func(s *acd.State) {
			for _, a := range s.Agents() {
				for _, b := range a.Bindings {
					if b.Node != n.settings.Node && registrar.Lives(b, transport, remote) {
						node = b.Node
					}
				}
			}
		})
		if node == "" {
			return nil
		}
		return func(ctx context.Context) (net.Conn, error) { return n.cluster.Line(ctx, node) }
	}
}

// lend lets other nodes call phones that are connected to this one.
func (n *Node) lend(ctx context.Context) error {
	lines := n.cluster.Lines()
	stop := context.AfterFunc(ctx, func() { _ = lines.Close() })
	defer stop()
	var guests sync.WaitGroup
	defer guests.Wait()
	for {
		c, err := lines.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("other nodes' calls to phones: %w", err)
		}
		guests.Go(func() {
			end := context.AfterFunc(ctx, func() { _ = c.Close() })
			defer end()
			n.ua.Lend(c)
		})
	}
}
