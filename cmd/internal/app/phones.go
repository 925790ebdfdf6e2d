package app

import (
	"net/netip"
	"sync"
	"time"

	"tierline/acd"
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
