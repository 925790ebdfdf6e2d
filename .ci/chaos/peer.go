package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tierline/call/registrar"
	"tierline/call/sdp"
	"tierline/call/sipua"
)

// peers are all callers and agents: one user agent, a socket for the sound of
// each leg.
type peers struct {
	ua   *sipua.UA
	ip   netip.Addr
	stop chan struct{}

	mu   sync.Mutex
	legs []*leg
	rang map[string]int // agents' phones that ring or talk, now
	most int            // at once, of one agent
}

// leg is one side of a call, with the moments at which sound came.
type leg struct {
	node  string // the one that it was set up with; "" an agent's
	agent string
	sip   *sipua.Leg
	conn  *net.UDPConn
	to    atomic.Pointer[netip.AddrPort]
	up    atomic.Bool
	over  atomic.Bool
	took  atomic.Int64 // ns until the final answer

	mu    sync.Mutex
	heard []time.Time
	moved int // re-INVITEs of the switch
}

func openPeers(ip string, port int) (*peers, error) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	p := &peers{ip: addr, stop: make(chan struct{}), rang: map[string]int{}}
	p.ua, err = sipua.Open(sipua.Config{
		Listen: []sipua.Listen{{Transport: sipua.UDP, Addr: fmt.Sprintf("%s:%d", ip, port)}},
		Logger: slog.New(slog.DiscardHandler), Handler: p,
		Roaming: true,
	})
	if err != nil {
		return nil, fmt.Errorf("open user agent: %w", err)
	}
	go p.speak()
	return p, nil
}

func (p *peers) close() {
	close(p.stop)
	p.ua.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.legs {
		_ = l.conn.Close() // ends its reader
	}
}

// open makes a leg and our side of its SDP.
func (p *peers) open(node, agent string) (*leg, []byte, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.ip, 0)))
	if err != nil {
		return nil, nil, fmt.Errorf("open sound: %w", err)
	}
	l := &leg{node: node, agent: agent, conn: conn}
	p.mu.Lock()
	p.legs = append(p.legs, l)
	p.mu.Unlock()
	go l.listen()
	at, _ := conn.LocalAddr().(*net.UDPAddr)
	return l, sdp.Offer(sdp.LocalOptions{
		IP: p.ip, Port: at.Port, Codecs: []uint8{sdp.PCMA}, Version: 1,
		SessionID: rand.Uint64() >> 2, //nolint:gosec // no secret
	}), nil
}

func (l *leg) listen() {
	buf := make([]byte, 2048)
	for {
		n, err := l.conn.Read(buf)
		if err != nil {
			return
		}
		if n > 12 && buf[0]>>6 == 2 {
			l.mu.Lock()
			l.heard = append(l.heard, time.Now())
			l.mu.Unlock()
		}
	}
}

// speak sends sound from every leg that is up, in one rhythm.
func (p *peers) speak() {
	packet := make([]byte, 12+160)
	packet[0], packet[1] = 0x80, 8
	for i := 12; i < len(packet); i++ {
		packet[i] = 0xd5 // silence in A-law
	}
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for n := uint32(0); ; n++ {
		select {
		case <-p.stop:
			return
		case <-t.C:
		}
		p.mu.Lock()
		legs := p.legs
		p.mu.Unlock()
		for i, l := range legs {
			if to := l.to.Load(); to != nil && l.up.Load() && !l.over.Load() {
				binary.BigEndian.PutUint16(packet[2:], uint16(n)) //nolint:gosec // wraps, as it should
				binary.BigEndian.PutUint32(packet[4:], n*160)
				binary.BigEndian.PutUint32(packet[8:], uint32(i)) //nolint:gosec // some number
				_, _ = l.conn.WriteToUDPAddrPort(packet, *to)     // nobody there: that is the test
			}
		}
	}
}

// remote takes where the switch listens.
func (l *leg) remote(body []byte) {
	if s, err := sdp.Parse(body); err == nil && s.Audio != nil {
		at := netip.AddrPortFrom(s.Audio.Addr, uint16(s.Audio.Port)) //nolint:gosec // a port
		l.to.Store(&at)
	}
}

// on takes what happens to a leg.
func (p *peers) on(l *leg, offer []byte) func(sipua.LegEvent) {
	began := time.Now()
	return func(ev sipua.LegEvent) {
		switch ev := ev.(type) {
		case sipua.Answered:
			l.took.Store(int64(time.Since(began)))
			l.remote(ev.SDP)
			l.up.Store(true)
		case sipua.Confirmed:
			l.up.Store(true)
		case sipua.Reinvited:
			l.remote(ev.Offer)
			l.mu.Lock()
			l.moved++
			l.mu.Unlock()
			_ = ev.Reply(200, offer) // refused only if the call is over
		case sipua.Failed:
			l.took.Store(int64(time.Since(began)))
			p.end(l)
		case sipua.Hungup, sipua.NoAck:
			p.end(l)
		default:
		}
	}
}

func (p *peers) end(l *leg) {
	if l.over.Swap(true) || l.agent == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rang[l.agent]--
}

// call makes a caller.
func (p *peers) call(node, at, number, from string) (*leg, error) {
	l, offer, err := p.open(node, "")
	if err != nil {
		return nil, err
	}
	l.sip, err = p.ua.Dial(sipua.DialRequest{
		Target: "sip:" + number + "@" + at, From: from, SDP: offer, Timeout: 10 * time.Second,
	}, p.on(l, offer))
	if err != nil {
		return nil, fmt.Errorf("call: %w", err)
	}
	return l, nil
}

// Invite implements sipua.Handler: an agent's phone answers at once.
func (p *peers) Invite(in *sipua.Incoming) {
	l, answer, err := p.open("", in.RequestUser)
	if err != nil {
		_ = in.Reject(500, "No Sound", 0, nil) // the switch will see
		return
	}
	p.mu.Lock()
	p.rang[l.agent]++
	p.most = max(p.most, p.rang[l.agent])
	p.mu.Unlock()
	in.OnCancel(func() { p.end(l) })
	l.remote(in.Offer)
	if l.sip, err = in.Answer(answer, p.on(l, answer)); err != nil {
		p.end(l)
	}
}

// Register implements sipua.Handler.
func (p *peers) Register(context.Context, registrar.Request) registrar.Response {
	return registrar.Response{Status: 403}
}

// Gone implements sipua.Handler.
func (p *peers) Gone(string, netip.AddrPort) {}

// Known implements sipua.Handler.
func (p *peers) Known(netip.AddrPort, string, string) bool { return true }

// Prove implements sipua.Handler.
func (p *peers) Prove(sipua.Proof) sipua.Verdict { return sipua.Verdict{} }

// Options implements sipua.Handler.
func (p *peers) Options() (status, retryAfter int) { return 200, 0 }

// all returns the legs that are up.
func (p *peers) all() (out []*leg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.legs {
		if l.up.Load() && !l.over.Load() {
			out = append(out, l)
		}
	}
	return out
}

// gap is the longest hole in what a leg received between two moments; alive
// says that sound came in the last half second of that time.
func (l *leg) gap(from, to time.Time) (longest time.Duration, alive bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := from
	for _, at := range l.heard {
		if at.Before(from) || at.After(to) {
			continue
		}
		longest = max(longest, at.Sub(last))
		last = at
	}
	return max(longest, to.Sub(last)), to.Sub(last) < 500*time.Millisecond
}
