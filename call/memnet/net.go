package memnet

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Weather is what happens to packets under way. The zero value is a perfect
// network: everything arrives at once and in order.
type Weather struct {
	Seed      uint64
	Loss      float64       // share of packets that vanish, 0 to 1
	Duplicate float64       // share that arrives twice
	Delay     time.Duration // of every packet
	Jitter    time.Duration // added at random, so packets may overtake each other
}

// Net is the network.
type Net struct {
	mu      sync.Mutex
	conns   map[netip.AddrPort]*conn
	next    uint16
	weather Weather
	dice    *rand.Rand
	cut     func(from, to netip.AddrPort) bool
	watch   func(from, to netip.AddrPort, b []byte)
	flying  []flying // packets under way, the next to arrive first
}

type flying struct {
	at time.Time
	to netip.AddrPort
	p  packet
}

// New returns a network without weather.
func New() *Net {
	return &Net{conns: map[netip.AddrPort]*conn{}, next: 40000, dice: dice(0)}
}

func dice(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)) //nolint:gosec // repeatable on purpose, not secret
}

// SetWeather changes the weather for packets sent from now on.
func (n *Net) SetWeather(w Weather) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.weather, n.dice = w, dice(w.Seed)
}

// Cut makes packets vanish for which f says so; nil heals the network.
func (n *Net) Cut(f func(from, to netip.AddrPort) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = f
}

// Watch shows every packet to f when it is sent, lost ones included. f must
// not keep b.
func (n *Net) Watch(f func(from, to netip.AddrPort, b []byte)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watch = f
}

// Listen opens a socket. Port 0 chooses a free one. A bad or taken address
// is a mistake of the test and panics.
func (n *Net) Listen(addr string) net.PacketConn {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		panic(fmt.Sprintf("memnet: listen: %v", err))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if at.Port() == 0 {
		at = n.free(at.Addr())
	}
	if n.conns[at] != nil {
		panic("memnet: listen: " + addr + " is taken")
	}
	c := newConn(n, at)
	n.conns[at] = c
	return c
}

// Share opens a socket at an address that others may have, too: the newest gets
// what comes, as with SO_REUSEADDR.
func (n *Net) Share(addr string) (net.PacketConn, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("memnet: share: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	c := newConn(n, at)
	c.before = n.conns[at]
	n.conns[at] = c
	return c, nil
}

func (n *Net) free(ip netip.Addr) netip.AddrPort {
	for {
		at := netip.AddrPortFrom(ip, n.next)
		n.next++
		if n.conns[at] == nil {
			return at
		}
	}
}

// send carries b from one address to another, weather permitting.
func (n *Net) send(from, to netip.AddrPort, b []byte) {
	n.mu.Lock()
	watch := n.watch
	n.mu.Unlock()
	if watch != nil {
		watch(from, to, b)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cut != nil && n.cut(from, to) {
		return
	}
	copies := 1
	if n.weather.Loss > 0 && n.dice.Float64() < n.weather.Loss {
		copies = 0
	}
	if n.weather.Duplicate > 0 && n.dice.Float64() < n.weather.Duplicate {
		copies *= 2
	}
	for range copies {
		late := n.weather.Delay
		if n.weather.Jitter > 0 {
			late += time.Duration(n.dice.Int64N(int64(n.weather.Jitter)))
		}
		p := packet{from: from, data: append([]byte(nil), b...)}
		if late <= 0 {
			n.arrive(to, p)
			continue
		}
		n.launch(flying{at: time.Now().Add(late), to: to, p: p})
		time.AfterFunc(late, n.land)
	}
}

// launch puts a packet behind those that arrive before it or with it, so that
// packets due at the same moment keep the order they were sent in.
func (n *Net) launch(f flying) {
	i := len(n.flying)
	for i > 0 && n.flying[i-1].at.After(f.at) {
		i--
	}
	n.flying = slices.Insert(n.flying, i, f)
}

// land lets everything arrive that is due.
func (n *Net) land() {
	n.mu.Lock()
	defer n.mu.Unlock()
	now, due := time.Now(), 0
	for due < len(n.flying) && !n.flying[due].at.After(now) {
		n.arrive(n.flying[due].to, n.flying[due].p)
		due++
	}
	n.flying = slices.Delete(n.flying, 0, due)
}

// arrive puts a packet into the socket's buffer; a full one drops it, as the
// kernel does.
func (n *Net) arrive(to netip.AddrPort, p packet) {
	c := n.conns[to]
	if c == nil {
		return
	}
	select {
	case c.in <- p:
	default:
	}
}

func (n *Net) forget(c *conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for at := n.conns[c.at]; at != nil; at = at.before {
		switch {
		case at == c && c.before == nil:
			delete(n.conns, c.at)
		case at == c:
			n.conns[c.at] = c.before
		case at.before == c:
			at.before = c.before
		}
	}
}
