package media

import (
	"fmt"
	"net/netip"
	"time"

	"tierline/media/handshake"
	"tierline/media/ice"
	"tierline/media/keying"
	"tierline/media/srtp"
)

// Security is what protects the sound of a leg. The zero value is plain RTP.
type Security struct {
	Send, Receive keying.Key       // agreed by signalling
	Resumed       bool             // the peer has sent with its key to another process before
	DTLS          *DTLS            // or keys are agreed by a handshake
	ICE           *ice.Credentials // the peer finds us; Remote of the parameters does not count
}

// DTLS is a handshake that yields the keys.
type DTLS struct {
	Client bool // we begin
	Peer   []handshake.Fingerprint
}

// protection is what a leg's worker knows of its security.
type protection struct {
	opener *srtp.Opener         // nil: plain, or no keys yet
	hands  *handshake.Handshake // nil: none was asked for
	agent  *ice.Agent           // nil: the peer's address is that of its SDP
	wanted bool                 // without keys nothing is sent or taken
}

// Fingerprint is that of the node's certificate, for our SDP.
func (e *Engine) Fingerprint() handshake.Fingerprint { return e.certificate.Fingerprint() }

// secure makes a leg follow what was agreed. Keys, handshakes and what was
// learnt of the peer's address stay if they are the same as before.
func (l *Leg) secure(s Security) error {
	p := &l.protection
	p.follow(s.ICE)
	if p.hands != nil && (s.DTLS == nil || !p.hands.Is(s.DTLS.Client, s.DTLS.Peer)) {
		p.hands.Close()
		p.hands, p.opener = nil, nil
		l.out.protect(nil)
	}
	p.wanted = s.DTLS != nil || s.Send.Suite != keying.None
	switch {
	case s.DTLS == nil:
		return l.useKeys(s.Send, s.Receive, s.Resumed)
	case p.hands == nil:
		l.out.protect(nil)
		p.opener = nil
		l.shakeHands(*s.DTLS)
	}
	return nil
}

// follow begins or ends to wait for the peer's checks.
func (p *protection) follow(c *ice.Credentials) {
	switch {
	case c == nil:
		p.agent = nil
	case p.agent == nil:
		p.agent = ice.NewAgent(*c)
	default:
		p.agent.Restart(*c)
	}
}

// useKeys protects the leg with keys, or with nothing if there are none. A key
// that stays goes on counting.
func (l *Leg) useKeys(send, receive keying.Key, resumed bool) error {
	p := &l.protection
	l.cipher = ""
	if send.Suite == keying.None {
		p.opener = nil
		l.out.protect(nil)
		return nil
	}
	if p.opener == nil || !p.opener.Key().Equal(receive) {
		open := srtp.NewOpener
		if resumed {
			open = srtp.ResumeOpener
		}
		o, err := open(receive)
		if err != nil {
			return fmt.Errorf("keys of the peer: %w", err)
		}
		p.opener = o
	}
	l.cipher = send.Suite.String()
	if l.out.sealedWith(send) {
		return nil
	}
	s, err := srtp.NewSealer(send)
	if err != nil {
		return fmt.Errorf("our keys: %w", err)
	}
	l.out.protect(s)
	return nil
}

// shakeHands begins a handshake. Its results come back to the worker.
func (l *Leg) shakeHands(d DTLS) {
	var h *handshake.Handshake
	h = handshake.Begin(handshake.Options{
		Client: d.Client, Peer: d.Peer, Certificate: l.engine.certificate, Send: l.out.handshake,
		Done: func(send, receive keying.Key) {
			l.do(func() {
				if l.protection.hands != h {
					return
				}
				if err := l.useKeys(send, receive, false); err != nil {
					l.fail(err.Error())
					return
				}
				l.unlock(l.engine.clock())
			})
		},
		Failed: func(err error) {
			l.do(func() {
				if l.protection.hands == h {
					l.fail(err.Error())
				}
			})
		},
	})
	l.protection.hands = h
}

// unsecure ends a handshake and forgets keys.
func (l *Leg) unsecure() {
	if l.protection.hands != nil {
		l.protection.hands.Close()
	}
	l.protection = protection{}
}

// unlock lets the leg send if it has the keys that it needs, and the peer's
// consent if it needs that.
func (l *Leg) unlock(now time.Duration) {
	p := &l.protection
	locked := p.wanted && p.opener == nil || p.agent != nil && !p.agent.Alive(now)
	l.out.lock(locked)
}

// found is where the peer turned out to be, or what its SDP says.
func (l *Leg) found(p Params) netip.AddrPort {
	if l.protection.agent != nil {
		return l.protection.agent.Remote()
	}
	return p.Remote
}

// establish takes datagrams that establish a leg's security; false: it is none.
func (l *Leg) establish(b []byte, from netip.AddrPort, now time.Duration) (reason Drop, dropped, taken bool) {
	p := &l.protection
	switch {
	case p.agent != nil && ice.Is(b):
		reason, dropped = l.check(b, from, now)
		return reason, dropped, true
	case p.hands == nil || !handshake.Is(b):
		return 0, false, false
	}
	// Behind a NAT the handshake comes from elsewhere than the SDP says, before
	// any sound does; the answers must go there.
	latched := l.source.latched
	if !l.source.accept(from, now) {
		return l.stranger(), true, true
	}
	if l.source.latched != latched {
		l.out.aim(l.source.destination())
	}
	p.hands.Packet(b)
	return 0, false, true
}

// check answers a check of the peer, which may have moved.
func (l *Leg) check(b []byte, from netip.AddrPort, now time.Duration) (Drop, bool) {
	a := l.protection.agent
	before := a.Remote()
	answer, err := a.Check(b, from, now)
	if err != nil {
		return l.stranger(), true
	}
	if remote := a.Remote(); remote != before {
		l.source.configure(remote, l.params.Signalling)
		l.out.aim(l.source.destination())
	}
	l.unlock(now)
	if !l.out.answer(answer, from) {
		return DropUnsendable, true
	}
	return 0, false
}

// open decrypts a datagram in its own memory, if the leg is protected.
func (l *Leg) open(b []byte, control bool) (plain []byte, reason Drop, dropped bool) {
	p := &l.protection
	var err error
	switch {
	case !p.wanted:
		return b, 0, false
	case p.opener == nil:
		return nil, DropEarly, true
	case control:
		plain, err = p.opener.RTCP(b)
	default:
		plain, err = p.opener.RTP(b)
	}
	if err != nil {
		return nil, l.stranger(), true
	}
	return plain, 0, false
}
