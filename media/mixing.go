package media

import (
	"sync"
	"time"

	"tierline/media/mix"
	"tierline/media/rtp"
)

// turnTime is how often a mix makes a frame.
const turnTime = mix.Frame / 8 // ms

// comfortNoise is the payload type that pauses may come with (RFC 3389).
const comfortNoise = 13

// Mix lets several legs hear each other. Its methods may be called from any
// goroutine, and commands given by one of them are carried out in order.
type Mix struct {
	work *worker // whose clock it goes by; the legs may be anybody's
	time timing  // owned by work

	mu    sync.Mutex // guards seats of signalling; no packet waits for it
	taken map[*Leg]*seat

	// ---- owned by work
	seats []*seat
	mixer mix.Mixer
	heard [mix.Frame]int16
}

// seat is a leg's place in a mix.
type seat struct {
	leg *Leg
	mix *Mix

	mu     sync.Mutex // guards buffer; held by workers only, for one packet
	buffer mix.Buffer

	// ---- owned by the mix's worker
	slot    int
	pending [maxPtime*8 + mix.Frame]int16 // made, but no packet yet
	filled  int
}

// NewMix makes a mix of nobody.
func (e *Engine) NewMix() *Mix {
	m := &Mix{work: e.workers[int(e.turn.Add(1))%len(e.workers)], taken: map[*Leg]*seat{}}
	m.time.mix = m
	return m
}

// Join seats a leg among the others until Leave, a Bridge, another Join or a
// Close. Whom it hears and who hears it, Gain says. It leaves the bridge that it
// was in; the other one goes on talking to it until it joins too, or until
// Unbridge, so that nothing is lost of what he says meanwhile. What the leg
// plays, music too, comes before the mix.
func (m *Mix) Join(l *Leg) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.taken[l] != nil {
		return
	}
	s := &seat{leg: l, mix: m}
	m.taken[l] = s
	m.work.post(func() { m.add(s) })
	l.do(func() { l.sit(s) })
}

// Leave takes a leg out; it hears nothing then.
func (m *Mix) Leave(l *Leg) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.taken[l]; s != nil {
		m.leave(s)
	}
}

// leave is called with the lock held.
func (m *Mix) leave(s *seat) {
	delete(m.taken, s.leg)
	s.leg.do(func() {
		if s.leg.seat == s {
			s.leg.stand()
		}
	})
	m.work.post(func() { m.remove(s) })
}

// Gain sets how loud a leg hears another one: 256 as it is, 0 not at all, which
// it is until then.
func (m *Mix) Gain(from, to *Leg, gain int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, t := m.taken[from], m.taken[to]
	if f == nil || t == nil {
		return
	}
	m.work.post(func() {
		if f.slot >= 0 && t.slot >= 0 {
			m.mixer.Gain(f.slot, t.slot, gain)
		}
	})
}

// Close takes all legs out.
func (m *Mix) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.taken {
		m.leave(s)
	}
}

// add is the mix's side of Join.
func (m *Mix) add(s *seat) {
	s.slot = m.mixer.Add()
	m.seats = append(m.seats, s)
	if m.time.queued {
		return
	}
	w := &m.work.wheel
	m.time.due = w.quietest(int64(m.work.engine.clock() / time.Millisecond))
	w.enter(&m.time)
	w.insert(&m.time)
}

// remove is that of Leave.
func (m *Mix) remove(s *seat) {
	for i, other := range m.seats {
		if other == s {
			m.mixer.Remove(s.slot)
			s.slot = -1
			m.seats = append(m.seats[:i], m.seats[i+1:]...)
			break
		}
	}
	if len(m.seats) == 0 {
		m.work.wheel.leave(&m.time)
		m.work.wheel.remove(&m.time)
	}
}

// turn makes a frame for everybody and queues the mix for the next one.
func (m *Mix) turn(now time.Duration) {
	defer m.guard()
	late := now - time.Duration(m.time.due)*time.Millisecond
	m.work.count.lateness(late)
	if late >= 2*turnTime*time.Millisecond {
		m.time.due += int64(late / time.Millisecond) // as in tick
	}
	at := time.Duration(m.time.due) * time.Millisecond
	m.time.due += turnTime
	m.work.wheel.insert(&m.time)
	for _, s := range m.seats {
		s.mu.Lock()
		m.mixer.Silent(s.slot, !s.buffer.Take(m.mixer.Said(s.slot), samples(now)))
		s.mu.Unlock()
	}
	m.mixer.Sum()
	for _, s := range m.seats {
		m.mixer.Heard(s.slot, &m.heard)
		s.leg.out.mixed(&m.work.made, s, &m.heard, at)
	}
}

// guard is deferred around a turn: a fault ends the legs of one mix.
func (m *Mix) guard() {
	v := recover()
	if v == nil {
		return
	}
	m.work.fault(v)
	for _, s := range m.seats {
		s.leg.do(func() { s.leg.fail("mix") })
	}
	m.seats = nil
	m.work.wheel.leave(&m.time)
	m.work.wheel.remove(&m.time)
}

// sit makes a mix the source of what a leg's peer hears.
func (l *Leg) sit(s *seat) {
	if l.failed {
		return
	}
	l.peer = nil
	l.stand()
	l.claim()
	l.seat = s
	l.out.take(s)
}

// stand takes the leg out of the mix that it is in.
func (l *Leg) stand() {
	s := l.seat
	if s == nil {
		return
	}
	l.seat = nil
	l.out.take(nil)
	s.mix.work.post(func() { s.mix.remove(s) })
}

// take puts a packet of the leg where the mix finds it. Keys are for us only.
func (s *seat) take(k kind, h rtp.Header, payload []byte, now time.Duration) (Drop, bool) {
	switch {
	case k == kindOther && h.PayloadType == comfortNoise && len(payload) > 0:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.buffer.Noise(payload[0])
		return 0, false
	case k != kindAudio:
		return k.dropped()
	}
	payload, codec := s.leg.sound(payload)
	if codec == Opus {
		return DropUnwanted, true
	}
	linear := s.leg.work.linear[:len(payload)]
	for i, c := range payload {
		linear[i] = decodeSample(codec, c)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buffer.Put(mix.Packet{SSRC: h.SSRC, Timestamp: h.Timestamp, Samples: linear}, samples(now))
	return 0, false
}

// take makes a mix the source of the stream; nil: none.
func (s *sender) take(from *seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seat = from
}

// overlap is how long after a forwarded packet a mix waits for the next one:
// while a conversation moves between a bridge and a mix, one of its legs may be
// in both.
const overlap = 2 * turnTime * time.Millisecond

// mixed sends a frame of a mix, as soon as it fills a packet.
func (s *sender) mixed(room *outgoing, from *seat, frame *[mix.Frame]int16, at time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bridged := s.mapped && at < s.due+overlap
	if s.seat != from || s.own || bridged || !s.sendable(at) || s.step == 0 || s.codec == Opus {
		from.filled = 0
		return
	}
	s.mapped = false
	from.filled += copy(from.pending[from.filled:], frame[:])
	for from.filled >= s.step {
		s.encode(room, from.pending[:s.step], at)
		from.filled = copy(from.pending[:], from.pending[s.step:from.filled])
		at += duration(s.step)
	}
}

// encode sends samples as one packet.
func (s *sender) encode(room *outgoing, linear []int16, at time.Duration) {
	b := room[:rtp.HeaderSize+len(linear)]
	for i, x := range linear {
		b[rtp.HeaderSize+i] = s.code(x)
	}
	s.packet(b, at)
}
