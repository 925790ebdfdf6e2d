package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"tierline/.ci/bed"
)

// peers are the callers and agents of one measurement: all callers behind one
// SIP socket, all agents behind another. They do what a measurement needs of
// SIP and count everything that should not happen.
type peers struct {
	ip      net.IP         // theirs
	targets []*net.UDPAddr // nodes, called in turn
	service string
	callers *net.UDPConn
	agents  *net.UDPConn
	rtp     *generator // nil: no media
	talk    func() time.Duration
	hangup  bool // agents hang up after talk; otherwise whoever end tells
	mute    bool // callers say nothing
	insist  bool // requests and answers are repeated as RFC 3261 wants it

	mu       sync.Mutex // guards all that follows
	calls    map[string]*leg
	answers  map[string]*leg
	lastBye  map[string]time.Time // by agent
	freeings []time.Duration      // from an agent's BYE to his next INVITE
	failed   int
	again    int // retransmissions by the switch
	tally    tally
	serial   int
	onEnd    func() // a caller's call is over
}

// leg is one call at a peer.
type leg struct {
	at                    *net.UDPAddr // the node
	id, to, from, contact string
	agent                 string
	invite                bed.Message // agents: the request
	answered, ended       bool
	heard                 bool // a response to what was sent last
	asked                 time.Time
	sent                  int // what was asked so far
	tag                   string
	stream                *stream
}

func openPeers(service string, nodes ...*bed.Node) (p *peers, err error) {
	p = &peers{
		ip: net.ParseIP(host), service: service,
		calls: map[string]*leg{}, answers: map[string]*leg{}, lastBye: map[string]time.Time{},
		talk: func() time.Duration { return time.Second }, hangup: true, onEnd: func() {},
	}
	for _, n := range nodes {
		p.targets = append(p.targets, &net.UDPAddr{IP: net.ParseIP(n.IP), Port: n.SIP})
	}
	if p.callers, err = listen(0); err != nil {
		return nil, err
	}
	if p.agents, err = listen(agentPort); err != nil {
		return nil, errors.Join(err, p.callers.Close())
	}
	go p.serve(p.callers, p.caller)
	go p.serve(p.agents, p.agent)
	return p, nil
}

func listen(port int) (*net.UDPConn, error) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(host), Port: port})
	if err != nil {
		return nil, fmt.Errorf("open SIP socket: %w", err)
	}
	if err := c.SetReadBuffer(sockets); err != nil {
		return nil, fmt.Errorf("open SIP socket: %w", err)
	}
	return c, nil
}

func (p *peers) close() error { return errors.Join(p.callers.Close(), p.agents.Close()) }

func (p *peers) serve(c *net.UDPConn, handle func(bed.Message, *net.UDPAddr)) {
	buf := make([]byte, 65535)
	for {
		n, from, err := c.ReadFromUDP(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil && n > 12 {
			handle(bed.Message(buf[:n]), from)
		}
	}
}

func (p *peers) sendTo(c *net.UDPConn, to *net.UDPAddr, text string) {
	_, _ = c.WriteToUDP([]byte(text), to) // a call that misses it counts as failed
}

// call starts one call.
func (p *peers) call() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serial++
	l := &leg{tag: fmt.Sprintf("c%d", p.serial), at: p.targets[p.serial%len(p.targets)]}
	l.asked = time.Now()
	l.id = fmt.Sprintf("%x-%d@bench", rand.Uint64(), p.serial)
	l.from = fmt.Sprintf("<sip:1390%07d@%s>;tag=%s", p.serial, p.callers.LocalAddr(), l.tag)
	l.to = fmt.Sprintf("<sip:%s@%s>", p.service, l.at)
	p.calls[l.id] = l
	p.ask(p.callers, l, p.request("INVITE", fmt.Sprintf("sip:%s@%s", p.service, l.at), l, 1, p.callers, p.port(true)))
}

// port is where media is expected, 0 without media: then a port that nobody
// reads is named, as sipp does.
func (p *peers) port(caller bool) int {
	switch {
	case p.rtp == nil:
		return 9000
	case caller:
		return p.rtp.callers.port
	default:
		return p.rtp.agents.port
	}
}

func (p *peers) request(method, uri string, l *leg, cseq int, c *net.UDPConn, mediaPort int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%x;rport\r\nMax-Forwards: 70\r\n"+
		"From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:bench@%s>\r\n",
		method, uri, c.LocalAddr(), rand.Uint64(), l.from, l.to, l.id, cseq, method, c.LocalAddr())
	if mediaPort == 0 {
		b.WriteString("Content-Length: 0\r\n\r\n")
		return b.String()
	}
	sdp := bed.SDP(p.ip.String(), mediaPort)
	fmt.Fprintf(&b, "Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(sdp), sdp)
	return b.String()
}

// caller handles what comes to the callers' socket.
func (p *peers) caller(m bed.Message, from *net.UDPAddr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.calls[m.Header("Call-ID")]
	if l == nil {
		return // of an earlier measurement
	}
	if m.Status() > 0 {
		l.heard = true
	}
	switch cseq := m.Header("CSeq"); {
	case m.Method() == "OPTIONS": // calls without sound: the switch asks whether we are there
		p.sendTo(p.callers, from, m.Reply(200, "OK", "", "sip:bench@"+p.callers.LocalAddr().String(), ""))
	case m.Method() == "BYE":
		p.sendTo(p.callers, from, m.Reply(200, "OK", "", "sip:bench@"+p.callers.LocalAddr().String(), ""))
		p.endCaller(l)
	case m.Status() >= 300 && strings.HasSuffix(cseq, "INVITE"):
		p.failed++
		p.tally.refusal(m)
		l.to = m.Header("To")
		p.sendTo(p.callers, from, p.request("ACK", fmt.Sprintf("sip:%s@%s", p.service, l.at), l, 1, p.callers, 0))
		p.endCaller(l)
	case m.Status() == 200 && strings.HasSuffix(cseq, "INVITE"):
		if l.answered {
			p.again++
		} else {
			p.tally.setups = append(p.tally.setups, time.Since(l.asked))
		}
		l.to, l.contact = m.Header("To"), bed.URI(m.Header("Contact"))
		p.sendTo(p.callers, from, p.request("ACK", l.contact, l, 1, p.callers, 0))
		switch {
		case l.answered || p.rtp == nil:
		case p.mute:
			l.stream = &stream{}
		default:
			l.stream = p.rtp.add(p.rtp.callers, address(l.at.IP, m.MediaPort()))
		}
		l.answered = true
	}
}

func (p *peers) endCaller(l *leg) {
	if l.ended {
		return
	}
	l.ended = true
	if p.rtp != nil {
		p.rtp.remove(p.rtp.callers, l.stream)
	}
	delete(p.calls, l.id)
	go p.onEnd()
}

// agent handles what comes to the agents' socket.
func (p *peers) agent(m bed.Message, from *net.UDPAddr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := m.Header("Call-ID")
	l := p.answers[id]
	contact := "sip:agent@" + p.agents.LocalAddr().String()
	switch m.Method() {
	case "INVITE":
		if l != nil {
			p.again++
		} else {
			l = p.offered(m, from)
		}
		p.sendTo(p.agents, from, m.Reply(180, "Ringing", l.tag, contact, ""))
		p.ask(p.agents, l, m.Reply(200, "OK", l.tag, contact, bed.SDP(p.ip.String(), p.port(false))))
	case "ACK":
		if l != nil && !l.answered {
			l.answered, l.heard = true, true
			if p.rtp != nil {
				l.stream = p.rtp.add(p.rtp.agents, address(l.at.IP, l.invite.MediaPort()))
			}
			if p.hangup {
				time.AfterFunc(p.talk(), func() { p.bye(l) })
			}
		}
	case "": // to our BYE
		if l != nil {
			l.heard = true
		}
	case "OPTIONS":
		p.sendTo(p.agents, from, m.Reply(200, "OK", "", contact, ""))
	case "BYE":
		p.sendTo(p.agents, from, m.Reply(200, "OK", "", contact, ""))
		if l != nil && !l.ended {
			p.tally.cut++
			p.endAgent(l)
		}
	case "CANCEL":
		p.failed++
		p.sendTo(p.agents, from, m.Reply(200, "OK", "x", contact, ""))
	}
}

// offered notes a new call at an agent, and how long he was free.
func (p *peers) offered(m bed.Message, from *net.UDPAddr) *leg {
	now := time.Now()
	user, _, _ := strings.Cut(strings.TrimPrefix(strings.Fields(string(m[:min(len(m), 200)]))[1], "sip:"), "@")
	p.serial++
	l := &leg{id: m.Header("Call-ID"), agent: user, invite: m, at: from, tag: fmt.Sprintf("a%d", p.serial)}
	l.to, l.contact = m.Header("From"), bed.URI(m.Header("Contact"))
	l.from = m.Header("To") + ";tag=" + l.tag
	p.answers[l.id] = l
	if freed, ok := p.lastBye[user]; ok {
		p.freeings = append(p.freeings, now.Sub(freed))
		delete(p.lastBye, user)
	}
	return l
}

// bye lets an agent hang up.
func (p *peers) bye(l *leg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.ended {
		return
	}
	p.endAgent(l)
	p.lastBye[l.agent] = time.Now()
	p.ask(p.agents, l, p.request("BYE", l.contact, l, 100, p.agents, 0))
}

func (p *peers) endAgent(l *leg) {
	if l.ended {
		return
	}
	l.ended = true
	if p.rtp != nil {
		p.rtp.remove(p.rtp.agents, l.stream)
	}
}

// bridged counts the agents' calls that are going on.
func (p *peers) bridged() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, l := range p.answers {
		if l.answered && !l.ended {
			n++
		}
	}
	return n
}

// endAll lets all agents hang up.
func (p *peers) endAll() {
	p.mu.Lock()
	var open []*leg
	for _, l := range p.answers {
		if l.answered && !l.ended {
			open = append(open, l)
		}
	}
	p.mu.Unlock()
	for _, l := range open {
		p.bye(l)
		time.Sleep(time.Millisecond)
	}
}
