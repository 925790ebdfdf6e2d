package media

import (
	"net/netip"

	"tierline/media/keying"
	"tierline/media/srtp"
)

// protect seals what leaves from now on, or no longer.
func (s *sender) protect(with *srtp.Sealer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seal = with
}

// sealedWith tells whether a key is in use.
func (s *sender) sealedWith(k keying.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seal != nil && s.seal.Key().Equal(k)
}

func (s *sender) lock(locked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.locked = locked
}

// control sends a control packet by a socket of its own, or by ours to where
// our stream goes if to is nil.
func (s *sender) control(b []byte, fd int, to *sockaddr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to == nil {
		fd, to = s.fd, &s.to
	}
	if s.closed || s.locked || !to.is.IsValid() || s.hush.on() {
		return false
	}
	if s.seal != nil {
		var err error
		if b, err = s.seal.RTCP(b); err != nil {
			return false
		}
	}
	return transmit(fd, b, to)
}

// answer sends a datagram that is neither RTP nor RTCP.
func (s *sender) answer(b []byte, to netip.AddrPort) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	address := makeSockaddr(to)
	return !s.closed && !s.hush.on() && transmit(s.fd, b, &address)
}

// handshake sends a datagram of DTLS to where our stream goes. One that can't
// be sent is as good as lost: it is repeated.
func (s *sender) handshake(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && s.to.is.IsValid() && !s.hush.on() {
		transmit(s.fd, b, &s.to)
	}
}
