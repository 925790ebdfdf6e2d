package sipua

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// How many challenges an address gets by UDP before anybody has registered from
// there. Its packets may be forged, and the challenge is larger than what it
// answers: we are not to be used to flood others.
const (
	challengeRate  = 20.0 // a second
	challengeBurst = 100.0
	meterSize      = 4096 // addresses share a place rather than take memory
)

// meter counts what addresses get, in a table of fixed size.
type meter struct {
	seed   maphash.Seed
	mu     sync.Mutex
	places [meterSize]struct {
		tokens float64
		at     time.Time
	}
}

func newMeter() *meter { return &meter{seed: maphash.MakeSeed()} }

// allow tells whether an address gets one more. Of IPv6 the network counts.
func (m *meter) allow(a netip.Addr, now time.Time) bool {
	if a.Is6() {
		p, _ := a.Prefix(64) // documented to fail for longer than the address only
		a = p.Addr()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p := &m.places[maphash.Comparable(m.seed, a)%meterSize]
	if p.at.IsZero() {
		p.tokens = challengeBurst
	}
	p.tokens = min(challengeBurst, p.tokens+now.Sub(p.at).Seconds()*challengeRate)
	p.at = now
	if p.tokens < 1 {
		return false
	}
	p.tokens--
	return true
}
