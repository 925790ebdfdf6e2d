package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"tierline/call/registrar"
	"tierline/call/sdp"
	"tierline/call/sipua"
)

// simPeers are the trunk with all callers and the phones of all agents: two
// user agents that do what the plan says.
type simPeers struct {
	world  *simWorld
	trunk  *sipua.UA
	phones *sipua.UA

	mu      sync.Mutex // guards what follows
	callers []*simCaller
	rings   []*simRing // all that ever rang or talked
	ports   int
	over    bool // nobody answers any more
}

const (
	trunkAddr  = "10.1.0.1:5060"
	phonesAddr = "10.2.0.1:5060"
)

func newSimPeers(w *simWorld) *simPeers {
	p := &simPeers{world: w, ports: 30000}
	open := func(addr string) *sipua.UA {
		ua, err := sipua.Open(sipua.Config{
			UserAgent: "peer", PacketConns: []net.PacketConn{w.net.Listen(addr)}, Roaming: true,
			Logger: slog.New(slog.DiscardHandler), Handler: p,
		})
		if err != nil {
			panic(err)
		}
		return ua
	}
	p.trunk, p.phones = open(trunkAddr), open(phonesAddr)
	return p
}

func (p *simPeers) close() {
	p.trunk.Close()
	p.phones.Close()
}

// simSide is what both kinds of peers have: a leg and its sound.
type simSide struct {
	peers *simPeers
	local sdp.LocalOptions

	mu     sync.Mutex // guards what follows
	leg    *sipua.Leg
	up     bool
	mine   bool   // it was this side that hung up
	end    string // how it ended
	callID string
}

func (p *simPeers) side(ip string) *simSide {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ports += 2
	return &simSide{peers: p, local: sdp.LocalOptions{
		IP: netip.MustParseAddr(ip), Port: p.ports, SessionID: uint64(p.ports), Version: 1, Codecs: []uint8{sdp.PCMA},
	}}
}

func (s *simSide) rtp() netip.AddrPort { return netip.AddrPortFrom(s.local.IP, uint16(s.local.Port)) }

// body is its SDP, a new version each time.
func (s *simSide) body() []byte {
	s.local.Version++
	return sdp.Offer(s.local)
}

// aim sends sound where the switch wants it.
func (s *simSide) aim(body []byte) {
	to := netip.AddrPort{}
	if d, err := sdp.Parse(body); err == nil && d.Audio != nil {
		to = netip.AddrPortFrom(d.Audio.Addr, uint16(d.Audio.Port))
	}
	s.peers.world.sound.aim(s.rtp(), to)
}

// ended notes the end; it returns false if that was known.
func (s *simSide) ended(how string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != "" {
		return false
	}
	s.up, s.end = false, how
	s.peers.world.sound.aim(s.rtp(), netip.AddrPort{})
	return true
}

// hangUp ends it from this side.
func (s *simSide) hangUp() {
	s.mu.Lock()
	leg := s.leg
	s.mine = s.mine || s.end == ""
	s.mu.Unlock()
	if leg != nil && s.ended("hung up") {
		leg.Hangup(16, "bye")
	}
}

func (s *simSide) isUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up
}

// reinvited goes where the switch wants it.
func (s *simSide) reinvited(ev sipua.Reinvited) {
	if ev.Offer != nil {
		s.aim(ev.Offer)
	}
	s.mu.Lock()
	body := s.body()
	s.mu.Unlock()
	_ = ev.Reply(200, body) // it may have hung up
}

// simCaller is one who calls, again if he is refused.
type simCaller struct {
	*simSide

	plan   simCall
	number string
	tries  int
}

func (p *simPeers) call(i int, c simCall) {
	caller := &simCaller{simSide: p.side("10.1.0.1"), plan: c, number: fmt.Sprintf("+86%d", 13800138000+i)}
	p.mu.Lock()
	p.callers = append(p.callers, caller)
	p.mu.Unlock()
	time.AfterFunc(c.at, caller.dial)
	time.AfterFunc(c.at+c.waits, func() {
		if p.talking(caller.number) == nil {
			caller.hangUp()
		}
	})
}

func (c *simCaller) dial() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != "" {
		return // he has given up meanwhile
	}
	to := simIP((c.plan.node + c.tries) % 3)
	c.tries++
	leg, err := c.peers.trunk.Dial(sipua.DialRequest{
		Target: fmt.Sprintf("sip:10000@%s:5060", to), From: c.number, SDP: c.body(),
		Timeout: 6 * time.Second, Patience: 3 * time.Second,
	}, c.on)
	if err != nil {
		panic(err)
	}
	c.leg = leg
	c.callID = leg.Dialog().CallID
	c.peers.world.note("%s calls %s as %s", c.number, to, c.callID)
}

func (c *simCaller) on(ev sipua.LegEvent) {
	switch ev := ev.(type) {
	case sipua.Answered:
		c.mu.Lock()
		c.up = c.end == ""
		c.mu.Unlock()
		c.aim(ev.SDP)
		c.peers.world.note("%s is answered", c.number)
	case sipua.Failed:
		c.peers.world.note("%s is refused: %d %s", c.number, ev.Status, ev.Trouble)
		c.mu.Lock()
		again := c.end == "" && c.tries < 4
		c.mu.Unlock()
		if again {
			time.AfterFunc(500*time.Millisecond, c.dial)
		} else {
			c.ended("refused")
		}
	case sipua.Hungup:
		if c.ended(fmt.Sprintf("%d %s", ev.Q850, ev.Reason)) {
			c.peers.world.note("%s is hung up on: %d %s", c.number, ev.Q850, ev.Reason)
		}
	case sipua.Reinvited:
		c.reinvited(ev)
	default:
	}
}

// simRing is an agent's phone that rings or talks.
type simRing struct {
	*simSide

	agent, number string
	unheard       bool // when he last listened
}

// Invite implements sipua.Handler: an agent's phone is called.
func (p *simPeers) Invite(in *sipua.Incoming) {
	r := &simRing{simSide: p.side("10.2.0.1"), agent: in.RequestUser, number: in.From}
	r.callID = in.CallID
	p.mu.Lock()
	busy := p.over
	for _, other := range p.rings {
		other.mu.Lock()
		busy = busy || other.agent == r.agent && other.end == ""
		other.mu.Unlock()
	}
	if !busy {
		p.rings = append(p.rings, r)
	}
	p.mu.Unlock()
	if busy {
		p.world.note("%s is busy for %s", r.agent, r.number)
		_ = in.Reject(486, "Busy Here", 0, nil) // it may be cancelled
		return
	}
	p.world.note("%s rings for %s", r.agent, r.number)
	_ = in.Ringing() // the same
	in.OnCancel(func() { r.ended("cancelled") })
	time.AfterFunc(p.world.someTime(p.world.plan.phones), func() { r.answer(in) })
}

func (r *simRing) answer(in *sipua.Incoming) {
	c := r.peers.caller(r.number)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end != "" {
		return
	}
	leg, err := in.Answer(r.body(), r.on)
	if err != nil {
		r.end = err.Error()
		return
	}
	r.aim(in.Offer)
	r.leg, r.up = leg, true
	r.peers.world.note("%s answers for %s", r.agent, r.number)
	time.AfterFunc(simPatience, r.listen)
	if c != nil {
		who := c.simSide
		if c.plan.agent {
			who = r.simSide
		}
		time.AfterFunc(c.plan.talks, func() {
			if r.isUp() {
				r.peers.world.note("%s and %s have talked", r.agent, r.number)
				who.hangUp()
			}
		})
	}
}

// simPatience is how long an agent listens to nothing.
const simPatience = 8 * time.Second

// listen hangs up if there is nobody. So agents do who picked up for a node that
// was dead before it could write that.
func (r *simRing) listen() {
	heard := r.peers.world.sound.hears(r.rtp()).IsValid()
	switch {
	case !r.isUp():
	case !heard && r.unheard:
		r.peers.world.note("%s hears nothing and hangs up on %s", r.agent, r.number)
		r.hangUp()
		r.mu.Lock()
		r.mine = false
		r.mu.Unlock()
	default:
		r.unheard = !heard
		time.AfterFunc(simPatience/2, r.listen)
	}
}

func (r *simRing) on(ev sipua.LegEvent) {
	switch ev := ev.(type) {
	case sipua.Hungup:
		if r.ended(fmt.Sprintf("%d %s", ev.Q850, ev.Reason)) {
			r.peers.world.note("%s is hung up on, of %s: %d %s", r.agent, r.number, ev.Q850, ev.Reason)
		}
	case sipua.NoAck:
		r.ended("no ACK")
	case sipua.Failed:
		r.ended(fmt.Sprint(ev.Status))
	case sipua.Reinvited:
		r.reinvited(ev)
	default:
	}
}

func (p *simPeers) caller(number string) *simCaller {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.callers {
		if c.number == number {
			return c
		}
	}
	return nil
}

// talking is the phone that talks with a caller now.
func (p *simPeers) talking(number string) *simRing {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rings {
		if r.number == number && r.isUp() {
			return r
		}
	}
	return nil
}

// let tells whether an agent has let a caller go.
func (p *simPeers) let(number string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rings {
		r.mu.Lock()
		mine := r.mine
		r.mu.Unlock()
		if r.number == number && mine {
			return true
		}
	}
	return false
}

// Register implements sipua.Handler.
func (p *simPeers) Register(context.Context, registrar.Request) registrar.Response {
	return registrar.Response{Status: 403, Reason: "Forbidden"}
}

// Gone implements sipua.Handler.
func (p *simPeers) Gone(string, netip.AddrPort) {}

// Known implements sipua.Handler.
func (p *simPeers) Known(netip.AddrPort, string, string) bool { return true }

// Prove implements sipua.Handler.
func (p *simPeers) Prove(sipua.Proof) sipua.Verdict { return sipua.Verdict{} }

// Options implements sipua.Handler.
func (p *simPeers) Options() (status, retryAfter int) { return 200, 0 }
