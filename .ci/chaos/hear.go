package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tierline/call/sdp"
	"tierline/call/sipua"
)

// leg is one side of a call, with the moments at which sound came.
type leg struct {
	from   string // the caller's number; "" an agent's
	agent  string
	sip    *sipua.Leg
	conn   *net.UDPConn
	source uint32 // SSRC of ours
	asked  time.Time
	to     atomic.Pointer[netip.AddrPort]
	up     atomic.Bool
	over   atomic.Bool
	took   atomic.Int64 // ns until the final answer
	no     atomic.Bool  // which was a refusal

	mu    sync.Mutex // guards heard
	heard []arrival
}

// arrival is a packet of sound.
type arrival struct {
	at     time.Time
	source uint32 // SSRC
	node   netip.Addr
}

func (l *leg) listen() {
	buf := make([]byte, 2048)
	for {
		n, from, err := l.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		// Reports for the port below come, too.
		if report := buf[1] >= 192 && buf[1] <= 223; n > 12 && buf[0]>>6 == 2 && !report {
			l.mu.Lock()
			l.heard = append(l.heard, arrival{time.Now(), binary.BigEndian.Uint32(buf[8:]), from.Addr()})
			l.mu.Unlock()
		}
	}
}

// forget drops what was heard so far.
func (l *leg) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = nil
}

// remote takes where the switch listens.
func (l *leg) remote(body []byte) {
	if s, err := sdp.Parse(body); err == nil && s.Audio != nil {
		at := netip.AddrPortFrom(s.Audio.Addr, uint16(s.Audio.Port)) //nolint:gosec // a port
		l.to.Store(&at)
	}
}

// at tells whether the leg's sound goes to an address.
func (l *leg) at(ip string) bool {
	to := l.to.Load()
	return to != nil && to.Addr().String() == ip
}

// gap is the longest hole in what a leg received between two moments; alive
// says that sound came in the last half second of that time.
func (l *leg) gap(from, to time.Time) (longest time.Duration, alive bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := from
	for _, h := range l.heard {
		if h.at.Before(from) || h.at.After(to) {
			continue
		}
		longest = max(longest, h.at.Sub(last))
		last = h.at
	}
	return max(longest, to.Sub(last)), to.Sub(last) < 500*time.Millisecond
}

// reordered is how long packets of a source may still come when another one
// has begun: they were on their way.
const reordered = 60 * time.Millisecond

// doubles counts the packets of sources that another one had replaced: two
// nodes spoke at once.
func (l *leg) doubles() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	replaced := map[uint32]time.Time{}
	var now uint32
	for i, h := range l.heard {
		since, old := replaced[h.source]
		switch {
		case i == 0:
			now = h.source
		case h.source == now:
		case old && h.at.Sub(since) > reordered:
			n++
		case !old:
			replaced[now], now = h.at, h.source
		}
	}
	return n
}

// story tells who spoke to the leg, and when, after a moment.
func (l *leg) story(since time.Time) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for i, h := range l.heard {
		if i == 0 || h.source != l.heard[i-1].source || h.node != l.heard[i-1].node {
			fmt.Fprintf(&b, " %.2f s: %08x of %s;", h.at.Sub(since).Seconds(), h.source, h.node)
			if b.Len() > 400 {
				break
			}
		}
	}
	return b.String()
}
