package media

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"

	"tierline/media/dtmf"
	"tierline/media/emodel"
	"tierline/media/prompt"
	"tierline/media/rtp"
)

// Leg is one side of a call: a pair of ports and what goes on there. Its
// methods may be called from any goroutine.
type Leg struct {
	engine *Engine
	work   *worker
	port   int
	pooled bool // the ports are given back
	on     func(Event)
	closed atomic.Bool

	out sender // has its own lock

	// ---- owned by work; first what each packet that comes needs
	failed     bool
	gone       bool
	peer       *Leg
	seat       *seat         // nil = in no mix
	inband     *inband       // nil = keys aren't looked for in the sound
	recorder   *recorder     // nil = nothing is recorded
	tap        *tap          // nil = on no tape
	lively     time.Duration // when the peer was last heard of
	reception  rtp.Reception
	narrow     narrow
	protection protection
	source     source
	params     Params
	digits     dtmf.Receiver
	code       codes
	slot       int
	rtcpFD     int
	play       player
	time       timing
	control    control
	reportAt   time.Duration
	strangers  uint64
	malformed  uint64
	heard      uint64 // digits
	cipher     string // of SRTP; "" = plain
}

func newLeg(e *Engine, w *worker, port, rtpFD, rtcpFD int, on func(Event)) *Leg {
	l := &Leg{engine: e, work: w, port: port, rtcpFD: rtcpFD, on: on}
	l.time.leg = l
	l.out.fd = rtpFD
	l.out.count, l.out.hush = &w.count, &e.hush
	l.out.ssrc, l.out.sequence, l.out.reference = rand.Uint32(), uint16(rand.Uint32()), rand.Uint32()
	return l
}

// Port returns the RTP port; RTCP is on the next one.
func (l *Leg) Port() int { return l.port }

// Configure sets what was negotiated. It may be called again; what was learnt
// of the peer's address stays unless Remote or Signalling changes.
func (l *Leg) Configure(p Params) error {
	p, err := p.normal(l.engine.ip)
	if err != nil {
		return err
	}
	if r := p.Remote; r.Addr() == l.engine.ip && l.engine.ports.ours(r.Port()) {
		return fmt.Errorf("%w: %s is a port of ours", ErrParams, r) // a stranger would have us talk to ourselves
	}
	l.do(func() { l.configure(p) })
	return nil
}

// Play plays clips one after the other instead of what plays now. Played
// follows with the last frame, also if the peer is on hold and hears nothing;
// not if the clips are replaced or stopped.
func (l *Leg) Play(id uint64, clips []*prompt.Clip) {
	l.do(func() { l.startClips(id, clips) })
}

// PlayMusic plays music without end instead of what plays now.
func (l *Leg) PlayMusic(m *Music) {
	l.do(func() { l.startMusic(m) })
}

// Stop ends clips and music; nothing more is sent after the current frame.
func (l *Leg) Stop() {
	l.do(func() { l.stop() })
}

// SendDigit presses a key for the peer, after those still being pressed; 0 ms
// means the usual 100. Without a negotiated event payload type, and for what
// is no key, nothing happens.
func (l *Leg) SendDigit(code rune, ms int) {
	s, ok := dtmf.NewSender(code, time.Duration(ms)*time.Millisecond)
	if ok {
		l.do(func() { l.press(s) })
	}
}

// Quality returns the leg's statistics; it waits for the leg's worker. It may
// be called after Close.
func (l *Leg) Quality() Quality {
	answer := make(chan Quality, 1)
	l.work.post(func() { answer <- l.quality() })
	select {
	case q := <-answer:
		return q
	case <-l.work.done:
	}
	select {
	case q := <-answer: // the worker's last deed
		return q
	default:
		return l.quality() // nobody owns the leg any more
	}
}

// Close says goodbye by RTCP, closes the sockets and ends all events.
func (l *Leg) Close() {
	if !l.closed.Swap(true) {
		l.work.post(func() { l.work.detach(l) })
	}
}

// do has something done by the leg's worker, unless the leg is closed by then.
func (l *Leg) do(f func()) {
	l.work.post(func() {
		if !l.gone {
			l.work.guarded(l, f)
		}
	})
}

// emit delivers an event. Nothing is delivered once Close was called.
func (l *Leg) emit(ev Event) {
	if l.on != nil && !l.closed.Load() {
		l.on(ev)
	}
}

// fail stops a broken leg and tells its owner.
func (l *Leg) fail(reason string) {
	if l.failed || l.gone {
		return
	}
	l.failed = true
	l.unsecure()
	l.endRecording(l.engine.clock())
	l.endTape(l.engine.clock())
	l.silence()
	l.setPeer(nil)
	l.stand()
	l.out.configure(Params{}, netip.AddrPort{})
	l.reportAt = 0
	l.emit(Failed{Reason: reason})
}

func (l *Leg) configure(p Params) {
	if l.failed {
		return
	}
	first := l.params.Ptime == 0
	if p.Receive != l.params.Receive {
		l.reception.Pause()
	}
	l.params, l.lively = p, l.engine.clock()
	l.listenInband(p.Inband)
	if err := l.secure(p.Security); err != nil {
		l.fail(err.Error())
		return
	}
	l.source.configure(l.found(p), p.Signalling)
	l.out.configure(p, l.source.destination())
	l.unlock(l.engine.clock())
	if first {
		l.reportAt = l.engine.clock() + reportAfter(true)
	}
}

func (l *Leg) quality() Quality {
	packets := l.out.sent()
	jitter := int64(l.reception.Jitter())
	q := Quality{
		Sent:         packets,
		Received:     l.reception.Received(),
		Lost:         l.reception.Lost(),
		JitterMS:     jitter / 8,
		MaxGapMS:     l.reception.Gap().Milliseconds(),
		Strangers:    l.strangers,
		Malformed:    l.malformed,
		RemoteLost:   int64(l.control.remoteLost),
		RemoteJitter: int64(l.control.remoteJitter) / 8,
		RoundTripMS:  l.control.roundTrip.Milliseconds(),
		DigitsHeard:  l.heard,
		Late:         l.reception.Late(),
	}
	l.score(&q)
	if l.params.Ptime != 0 {
		q.Codec = l.params.Codec.Name()
		q.Cipher = l.cipher
	}
	return q
}

// score estimates how both directions sound. What the peer says of ours counts
// all packets of ours that it knows of.
func (l *Leg) score(q *Quality) {
	s := emodel.Stream{
		Expected: q.Received + q.Lost, Lost: q.Lost, Jitter: time.Duration(q.JitterMS) * time.Millisecond,
		RoundTrip: l.control.roundTrip, Packet: time.Duration(max(l.params.Ptime, defaultPtime)) * time.Millisecond,
	}
	q.MOS = s.Score()
	if l.control.told {
		s.Expected, s.Lost = q.Sent, uint64(max(q.RemoteLost, 0))
		s.Jitter = time.Duration(q.RemoteJitter) * time.Millisecond
		q.RemoteMOS = s.Score()
	}
}
