package ice

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v3"
)

// Credentials are what checks are signed with.
type Credentials struct {
	Ufrag, Password string // ours
	RemoteUfrag     string
}

// Consent is how long a peer that says nothing may be sent to.
const Consent = 30 * time.Second

const (
	maxSize = 1280 // of a check
	// Attribute types of RFC 8445 §16.1.
	attrUseCandidate   = stun.AttrUseCandidate
	attrICEControlling = stun.AttrICEControlling
)

// ErrCheck says that a datagram is no check of the peer.
var ErrCheck = errors.New("no connectivity check of the peer")

// Is tells STUN from what else comes on a port (RFC 7983).
func Is(b []byte) bool { return len(b) > 0 && b[0] < 4 }

// Agent is the lite side of one leg.
type Agent struct {
	is        Credentials
	username  string
	integrity stun.MessageIntegrity
	in, out   *stun.Message

	remote    netip.AddrPort
	nominated bool
	heard     time.Duration
	alive     bool
}

// NewAgent returns an agent that nobody has found yet.
func NewAgent(c Credentials) *Agent {
	return &Agent{
		is: c, username: c.Ufrag + ":" + c.RemoteUfrag, integrity: stun.NewShortTermIntegrity(c.Password),
		in: new(stun.Message), out: new(stun.Message),
	}
}

// Restart takes other credentials. Media stays where it is until a check with
// them came.
func (a *Agent) Restart(c Credentials) {
	if a.is != c {
		before := *a
		*a = *NewAgent(c)
		a.remote, a.heard, a.alive = before.remote, before.heard, before.alive
	}
}

// Remote is where media goes; invalid until the peer has found us.
func (a *Agent) Remote() netip.AddrPort { return a.remote }

// Alive tells whether the peer agrees to be sent to.
func (a *Agent) Alive(now time.Duration) bool { return a.alive && now-a.heard < Consent }

// Check takes a datagram and returns the answer, good until the next call.
func (a *Agent) Check(b []byte, from netip.AddrPort, now time.Duration) (answer []byte, err error) {
	defer survive(&err)
	if err := a.verify(b); err != nil {
		return nil, err
	}
	a.heard, a.alive = now, true
	if _, err := a.in.Get(attrUseCandidate); err == nil {
		a.remote, a.nominated = from, true
	} else if !a.nominated {
		a.remote = from
	}
	address := stun.XORMappedAddress{IP: net.IP(from.Addr().AsSlice()), Port: int(from.Port())}
	if err := a.out.Build(stun.NewTransactionIDSetter(a.in.TransactionID), stun.BindingSuccess,
		&address, a.integrity, stun.Fingerprint); err != nil {
		return nil, fmt.Errorf("answer a check: %w", err)
	}
	return a.out.Raw, nil
}

// verify judges whether the datagram is a check of our peer.
func (a *Agent) verify(b []byte) error {
	if len(b) > maxSize || !stun.IsMessage(b) {
		return ErrCheck
	}
	a.in.Raw = append(a.in.Raw[:0], b...)
	if err := a.in.Decode(); err != nil || a.in.Type != stun.BindingRequest {
		return ErrCheck
	}
	if name, err := a.in.Get(stun.AttrUsername); err != nil || string(name) != a.username {
		return ErrCheck
	}
	if !a.in.Contains(stun.AttrMessageIntegrity) || a.integrity.Check(a.in) != nil {
		return ErrCheck
	}
	if a.in.Contains(stun.AttrFingerprint) && stun.Fingerprint.Check(a.in) != nil {
		return ErrCheck
	}
	if !a.in.Contains(attrICEControlling) {
		return ErrCheck // whoever meets a lite side is in control
	}
	return nil
}

// survive is deferred around the library: what came from outside must not end
// a leg.
func survive(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("%w: %v", ErrCheck, v)
	}
}
