package media

import (
	"net/netip"
	"time"
)

// latchWindow is how long the negotiated address has precedence over a
// latched one, and how long the latched one must be silent to lose it later.
const latchWindow = 200 * time.Millisecond

// source decides who may send to a leg; the rule is in the package comment.
type source struct {
	remote     netip.AddrPort
	signalling netip.Addr

	settled bool // the remote address itself was heard
	latched netip.AddrPort
	since   time.Duration // when it was latched
	last    time.Duration // when it was last heard
}

// configure keeps what was learnt if nothing changed.
func (s *source) configure(remote netip.AddrPort, signalling netip.Addr) {
	if s.remote != remote || s.signalling != signalling {
		*s = source{remote: remote, signalling: signalling}
	}
}

// accept decides over a valid RTP packet.
func (s *source) accept(from netip.AddrPort, now time.Duration) bool {
	switch {
	case !s.remote.IsValid():
		return false
	case from == s.remote:
		if s.settled {
			return true
		}
		if s.latched.IsValid() && now-s.since > latchWindow && now-s.last < latchWindow {
			return false
		}
		s.settled, s.latched = true, netip.AddrPort{}
		return true
	case s.settled:
		return false
	case s.latched.IsValid():
		if from != s.latched {
			return false
		}
		s.last = now
		return true
	case s.eligible(from.Addr()):
		s.latched, s.since, s.last = from, now, now
		return true
	}
	return false
}

func (s *source) eligible(a netip.Addr) bool {
	return s.remote.IsValid() && a.IsValid() && (a == s.remote.Addr() || a == s.signalling)
}

// destination is where our packets go; invalid if nowhere.
func (s *source) destination() netip.AddrPort {
	if s.latched.IsValid() && s.latched.Addr() != s.remote.Addr() {
		return s.latched
	}
	return s.remote
}
