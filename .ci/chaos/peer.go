package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
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

	mu     sync.Mutex // guards what follows
	legs   []*leg
	talk   map[string]int // agents' phones that talk, now
	most   int            // at once, of one agent
	rings  []*ring
	byes   map[string]int // by Call-ID
	serial int
}

// ring is a phone that rings and is never answered.
type ring struct {
	agent        string
	node         string // address that the INVITE came from
	began, ended time.Time
}

func openPeers(ip string, port int) (*peers, error) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	p := &peers{ip: addr, stop: make(chan struct{}), talk: map[string]int{}, byes: map[string]int{}}
	p.ua, err = sipua.Open(sipua.Config{
		Listen: []sipua.Listen{{Transport: sipua.UDP, Addr: fmt.Sprintf("%s:%d", ip, port)}},
		Logger: slog.New(slog.DiscardHandler), Handler: p, Watch: p.watch,
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

// watch counts who is told to hang up, whatever came of it.
func (p *peers) watch(s sipua.Sighting) {
	if !s.Out && bytes.HasPrefix(s.Text, []byte("BYE ")) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.byes[s.CallID]++
	}
}

// open makes a leg and our side of its SDP.
func (p *peers) open(from, agent string) (*leg, []byte, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.ip, 0)))
	if err != nil {
		return nil, nil, fmt.Errorf("open sound: %w", err)
	}
	l := &leg{from: from, agent: agent, conn: conn, asked: time.Now(), source: rand.Uint32()} //nolint:gosec // no secret
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
		for _, l := range legs {
			if to := l.to.Load(); to != nil && l.up.Load() && !l.over.Load() {
				binary.BigEndian.PutUint16(packet[2:], uint16(n)) //nolint:gosec // wraps, as it should
				binary.BigEndian.PutUint32(packet[4:], n*160)
				binary.BigEndian.PutUint32(packet[8:], l.source)
				_, _ = l.conn.WriteToUDPAddrPort(packet, *to) // nobody there: that is the test
			}
		}
	}
}

// on takes what happens to a leg.
func (p *peers) on(l *leg, offer []byte) func(sipua.LegEvent) {
	return func(ev sipua.LegEvent) {
		switch ev := ev.(type) {
		case sipua.Answered:
			l.took.Store(int64(time.Since(l.asked)))
			l.remote(ev.SDP)
			l.up.Store(true)
		case sipua.Confirmed:
			l.up.Store(true)
		case sipua.Reinvited:
			l.remote(ev.Offer)
			_ = ev.Reply(200, offer) // refused only if the call is over
		case sipua.Failed:
			l.no.Store(true)
			l.took.Store(int64(time.Since(l.asked)))
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
	p.talk[l.agent]--
}

// call makes a caller.
func (p *peers) call(at, number string) (*leg, error) {
	p.mu.Lock()
	p.serial++
	from := fmt.Sprintf("138%08d", p.serial)
	p.mu.Unlock()
	l, offer, err := p.open("+86"+from, "") // as the switch writes it
	if err != nil {
		return nil, err
	}
	leg, err := p.ua.Dial(sipua.DialRequest{
		Target: "sip:" + number + "@" + at, From: from, SDP: offer, Timeout: 10 * time.Second,
	}, p.on(l, offer))
	if err != nil {
		return nil, fmt.Errorf("call: %w", err)
	}
	p.mu.Lock()
	l.sip = leg
	p.mu.Unlock()
	return l, nil
}

// hangup ends a caller's call.
func (p *peers) hangup(l *leg) {
	p.mu.Lock()
	sip := l.sip
	p.mu.Unlock()
	if sip != nil && !l.over.Swap(true) {
		sip.Hangup(16, "bye")
	}
}

// Invite implements sipua.Handler: an agent's phone answers at once, or rings
// for ever if it is one of those.
func (p *peers) Invite(in *sipua.Incoming) {
	if strings.HasPrefix(in.RequestUser, "s") {
		r := &ring{agent: in.RequestUser, node: in.Source.Addr().String(), began: time.Now()}
		p.mu.Lock()
		p.rings = append(p.rings, r)
		p.mu.Unlock()
		in.OnCancel(func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			r.ended = time.Now()
		})
		_ = in.Ringing() // cancelled at once: it was
		return
	}
	l, answer, err := p.open("", in.RequestUser)
	if err != nil {
		_ = in.Reject(500, "No Sound", 0, nil) // the switch will see
		return
	}
	p.mu.Lock()
	p.talk[l.agent]++
	p.most = max(p.most, p.talk[l.agent])
	p.mu.Unlock()
	in.OnCancel(func() { p.end(l) })
	l.remote(in.Offer)
	if leg, err := in.Answer(answer, p.on(l, answer)); err != nil {
		p.end(l)
	} else {
		p.mu.Lock()
		l.sip = leg
		p.mu.Unlock()
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

// forget drops what was heard, and legs that are over.
func (p *peers) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	legs := slices.Clone(p.legs)
	p.legs = nil
	for _, l := range legs {
		if l.over.Load() {
			_ = l.conn.Close() // ends its reader
			continue
		}
		l.forget()
		p.legs = append(p.legs, l)
	}
}

// told says how many of the legs were told to hang up.
func (p *peers) told(legs []*leg) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range legs {
		if l.sip != nil && p.byes[l.sip.Dialog().CallID] > 0 {
			n++
		}
	}
	return n
}
