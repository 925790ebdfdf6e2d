package phone

import (
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emiago/diago"
	"github.com/emiago/diago/media"
)

const (
	tick       = 20 * time.Millisecond
	digitTicks = 5 // 100 ms of a digit
	gapTicks   = 5 // and 100 ms until the next
	endPackets = 3 // RFC 4733 §2.5.1.4: the end is sent three times
	// late is how far behind its clock a sender may fall before it leaves
	// packets out instead of sending them in a burst.
	late = 200 * time.Millisecond
)

// Line is the media of one answered call.
type Line struct {
	Ear   *Ear
	media *diago.DialogMedia
	tone  []byte // what is spoken, in frames; empty: silence

	mu     sync.Mutex // guards digits and sent
	digits string     // still to be sent
	sent   string

	done  chan struct{}
	ended sync.WaitGroup
}

// open starts the media of a call that was just answered.
func open(m *diago.DialogMedia, ear *Ear, hz int) *Line {
	l := &Line{Ear: ear, media: m, done: make(chan struct{})}
	pt := uint8(ptPCMA)
	if s := m.MediaSession(); s != nil {
		pt = media.CodecAudioFromSession(s).PayloadType
	}
	l.tone = speech(pt, hz)
	l.ended.Go(l.receive)
	l.ended.Go(func() { l.send(pt) })
	return l
}

// Press queues digits to be sent.
func (l *Line) Press(digits string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.digits += digits
}

// Sent returns the digits that have gone out.
func (l *Line) Sent() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent
}

// close ends both goroutines. The socket is diago's; its deadline wakes the
// reader if the call's end has not closed it yet.
func (l *Line) close() {
	close(l.done)
	if s := l.media.MediaSession(); s != nil {
		_ = s.StopRTP(1, 0) // fails when the socket is closed, which is as good
	}
	l.ended.Wait()
}

func (l *Line) receive() {
	buf := make([]byte, 2048)
	for {
		select {
		case <-l.done:
			return
		default:
		}
		s := l.media.MediaSession()
		n, err := s.ReadRTPRaw(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // an ICMP error or a deadline; the loop's head decides
			_ = s.StartRTP(1)
			continue
		}
		if p, err := parse(buf[:n]); err == nil {
			l.Ear.packet(p, media.CodecTelephoneEvent8000.PayloadType, time.Now())
		}
	}
}

// send paces audio and digits by an absolute schedule, so that a late wake-up
// delays one packet and not the whole rest of the call.
func (l *Line) send(pt uint8) {
	o := &outgoing{line: l, pt: pt, stream: packet{
		ssrc: rand.Uint32(), seq: uint16(rand.Uint32()), timestamp: rand.Uint32(), marker: true,
	}}
	next := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-timer.C:
		}
		for now := time.Now(); !next.After(now); next = next.Add(tick) {
			if now.Sub(next) > late {
				o.skip()
				continue
			}
			o.step()
		}
		timer.Reset(time.Until(next))
	}
}

// outgoing is the sender's state; only its goroutine touches it.
type outgoing struct {
	line   *Line
	pt     uint8
	stream packet // the next audio packet's header
	at     int    // place in the tone

	digit byte   // being sent, 0: none
	ticks int    // of the digit, or of the gap after it
	start uint32 // timestamp of the digit
	buf   []byte
}

// step does what is due in one tick.
func (o *outgoing) step() {
	switch {
	case o.digit != 0:
		o.event()
	case o.ticks > 0: // gap after a digit
		o.ticks--
		o.audio()
	default:
		if o.take() {
			o.event()
			break
		}
		o.audio()
	}
	o.stream.timestamp += frame
}

// skip lets a tick pass that is too late to be sent.
func (o *outgoing) skip() { o.stream.timestamp += frame }

// take begins the next digit if there is one.
func (o *outgoing) take() bool {
	o.line.mu.Lock()
	defer o.line.mu.Unlock()
	for o.line.digits != "" {
		d := o.line.digits[0]
		o.line.digits = o.line.digits[1:]
		if strings.IndexByte(keys, d) < 0 {
			continue
		}
		o.line.sent += string(d)
		o.digit, o.ticks, o.start = d, 0, o.stream.timestamp
		return true
	}
	return false
}

// event sends the digit's packet for this tick (RFC 4733 §2.5): one timestamp
// for the whole event, the length growing, the end three times.
func (o *outgoing) event() {
	o.ticks++
	end := o.ticks > digitTicks
	code := byte(strings.IndexByte(keys, o.digit))
	length := min(o.ticks, digitTicks) * frame
	p := packet{
		payloadType: media.CodecTelephoneEvent8000.PayloadType, marker: o.ticks == 1,
		timestamp: o.start, ssrc: o.stream.ssrc,
		payload: []byte{code, 10, byte(length >> 8), byte(length)},
	}
	n := 1
	if end {
		p.payload[1] |= 0x80
		n = endPackets
	}
	for range n {
		p.seq = o.stream.seq
		o.stream.seq++
		o.write(p)
	}
	if end {
		o.digit, o.ticks = 0, gapTicks
		o.stream.marker = true
	}
}

func (o *outgoing) audio() {
	p := o.stream
	p.payloadType = o.pt
	p.payload = o.line.tone[o.at : o.at+frame]
	o.at = (o.at + frame) % len(o.line.tone)
	o.write(p)
	o.stream.seq++
	o.stream.marker = false
}

func (o *outgoing) write(p packet) {
	o.buf = p.put(o.buf[:0])
	if s := o.line.media.MediaSession(); s != nil {
		_, _ = s.WriteRTPRaw(o.buf) // the peer's loss measurement is what tells
	}
}
