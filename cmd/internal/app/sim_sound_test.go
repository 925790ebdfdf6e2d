package app

import (
	"net/netip"
	"sync"
	"syscall"
	"time"

	"tierline/call"
	"tierline/media"
	"tierline/media/handshake"
	"tierline/media/prompt"
)

// simSound is the RTP of all nodes and peers: who has which port, and who
// sends where. Not a packet moves.
type simSound struct {
	mu    sync.Mutex // guards what follows
	ports map[netip.AddrPort][]*simLeg
	sends map[netip.AddrPort]netip.AddrPort // peers, and where they send
	next  uint16
}

func newSimSound() *simSound {
	return &simSound{ports: map[netip.AddrPort][]*simLeg{}, sends: map[netip.AddrPort]netip.AddrPort{}, next: 20000}
}

// aim says where a peer sends from now on; nowhere: it is gone.
func (s *simSound) aim(peer, to netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if delete(s.sends, peer); to.IsValid() {
		s.sends[peer] = to
	}
}

// hears returns the peer whose sound another one hears: through two legs that
// one process has bridged.
func (s *simSound) hears(peer netip.AddrPort) (other netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.newest(s.sends[peer])
	if l == nil || l.with == nil || l.remote != peer || s.newest(s.sends[l.with.remote]) != l.with {
		return netip.AddrPort{}
	}
	return l.with.remote
}

// newest is the leg that gets what is sent to a port.
func (s *simSound) newest(at netip.AddrPort) *simLeg {
	if list := s.ports[at]; len(list) > 0 {
		return list[len(list)-1]
	}
	return nil
}

// simMedia is what one process has of it; it implements call.Media.
type simMedia struct {
	of   *simSound
	proc *simProc
	ip   netip.Addr
}

func (m *simMedia) IP() netip.Addr { return m.ip }

func (m *simMedia) Fingerprint() handshake.Fingerprint {
	return handshake.Fingerprint{Hash: "sha-256", Sum: make([]byte, 32)}
}

func (m *simMedia) Music(*prompt.Clip) *media.Music { return &media.Music{} }

func (m *simMedia) Open(on func(media.Event)) (call.MediaLeg, error) {
	return m.OpenAt(netip.AddrPortFrom(m.ip, 0), on)
}

func (m *simMedia) OpenAt(at netip.AddrPort, on func(media.Event)) (call.MediaLeg, error) {
	s := m.of
	s.mu.Lock()
	defer s.mu.Unlock()
	if !at.IsValid() {
		at = netip.AddrPortFrom(m.ip, 0)
	}
	if at.Port() == 0 {
		s.next += 2
		at = netip.AddrPortFrom(at.Addr(), s.next)
	}
	if old := s.newest(at); old != nil && old.media.proc == m.proc {
		return nil, syscall.EADDRINUSE
	}
	l := &simLeg{media: m, at: at, on: on}
	s.ports[at] = append(s.ports[at], l)
	return l, nil
}

func (m *simMedia) Bridge(a, b call.MediaLeg) {
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	x, y := a.(*simLeg), b.(*simLeg)
	x.with, y.with = y, x
}

func (m *simMedia) Unbridge(a, b call.MediaLeg) {
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	a.(*simLeg).with, b.(*simLeg).with = nil, nil
}

func (m *simMedia) Mix() call.Mix                            { return &simMix{of: m.of} }
func (m *simMedia) Tape(string, func(media.Taped)) call.Tape { return simTape{} }

// die closes all ports of a process, as the kernel does.
func (m *simMedia) die() {
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	for at := range m.of.ports {
		m.of.drop(at, func(l *simLeg) bool { return l.media.proc == m.proc })
	}
}

// drop closes legs. mu is held.
func (s *simSound) drop(at netip.AddrPort, which func(l *simLeg) bool) {
	var left []*simLeg
	for _, l := range s.ports[at] {
		if !which(l) {
			left = append(left, l)
		} else if l.with != nil {
			l.with.with, l.with = nil, nil
		}
	}
	if delete(s.ports, at); len(left) > 0 {
		s.ports[at] = left
	}
}

// simLeg is one port; it implements call.MediaLeg.
type simLeg struct {
	media *simMedia
	at    netip.AddrPort
	on    func(media.Event)

	// The sound's mu guards what follows.
	remote netip.AddrPort
	with   *simLeg // bridged
	since  time.Time
	timer  *time.Timer
}

func (l *simLeg) Port() int { return int(l.at.Port()) }

func (l *simLeg) Configure(p media.Params) error {
	l.media.of.mu.Lock()
	defer l.media.of.mu.Unlock()
	l.remote, l.since = p.Remote, time.Now()
	return nil
}

func (l *simLeg) Play(id uint64, clips []*prompt.Clip) {
	var d time.Duration
	for _, c := range clips {
		d += c.Duration()
	}
	l.Stop()
	l.media.of.mu.Lock()
	defer l.media.of.mu.Unlock()
	l.timer = time.AfterFunc(d, func() { l.on(media.Played{ID: id}) })
}

func (l *simLeg) Stop() {
	l.media.of.mu.Lock()
	defer l.media.of.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
}

// Quality tells of a packet each 20 ms if the peer sends here.
func (l *simLeg) Quality() media.Quality {
	s := l.media.of
	s.mu.Lock()
	defer s.mu.Unlock()
	q := media.Quality{Codec: "PCMA", Sent: 1}
	if s.sends[l.remote] == l.at && s.newest(l.at) == l {
		q.Received = uint64(time.Since(l.since)/(20*time.Millisecond)) + 1
	}
	return q
}

func (l *simLeg) Close() {
	l.Stop()
	l.media.of.mu.Lock()
	defer l.media.of.mu.Unlock()
	l.media.of.drop(l.at, func(x *simLeg) bool { return x == l })
}

func (l *simLeg) PlayMusic(*media.Music)             { l.Stop() }
func (l *simLeg) Record(uint64, media.RecordOptions) {}
func (l *simLeg) StopRecord(uint64)                  {}
func (l *simLeg) SendDigit(rune, int)                {}
func (l *simLeg) EndCode()                           {}

// simMix and simTape are for nobody: there is no supervision here and nothing is
// recorded.
type simMix struct{ of *simSound }

func (*simMix) Join(call.MediaLeg)                     {}
func (*simMix) Leave(call.MediaLeg)                    {}
func (*simMix) Gain(call.MediaLeg, call.MediaLeg, int) {}
func (*simMix) Close()                                 {}

type simTape struct{}

func (simTape) Join(call.MediaLeg, int) {}
func (simTape) Leave(call.MediaLeg)     {}
func (simTape) Mute(bool) time.Duration { return 0 }
func (simTape) Position() time.Duration { return 0 }
func (simTape) End()                    {}
