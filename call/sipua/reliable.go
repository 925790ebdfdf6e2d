package sipua

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Pracked tells that the caller has acknowledged our early answer. SDP is his
// answer if the offer was ours.
type Pracked struct{ SDP []byte }

func (Pracked) isLegEvent() {}

// rack is what a PRACK acknowledges.
type rack struct{ rseq, cseq uint32 }

// provisional is an answer before the final one that must arrive (RFC 3262).
type provisional struct {
	status int
	reason string
	sdp    []byte

	rack
	since time.Time
	wait  time.Duration
	timer *time.Timer
}

// reliably tells whether the caller's switch can acknowledge provisionals, and
// whether it insists.
func reliably(req *sip.Request) (can, must bool) {
	must = has(req, "100rel", "Require")
	return must || has(req, "100rel", "Supported", "k"), must
}

// Ringing sends 180.
func (in *Incoming) Ringing() error {
	l := in.leg
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != early || in.srv.req == nil {
		return ErrOver
	}
	_, must := reliably(in.srv.req)
	return l.provide(in.srv, &provisional{status: sip.StatusRinging, reason: "Ringing"}, must)
}

// Reliable tells whether the caller acknowledges an early answer. Only then can
// one make the offer.
func (in *Incoming) Reliable() bool {
	in.leg.mu.Lock()
	defer in.leg.mu.Unlock()
	if in.srv.req == nil {
		return false
	}
	can, _ := reliably(in.srv.req)
	return can
}

// Progress sends 183 with sdp: from now on the caller hears us, although he
// isn't answered. If he can, he acknowledges it: then on gets Pracked first.
func (in *Incoming) Progress(sdp []byte, on func(LegEvent)) error {
	l := in.leg
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != early || in.srv.req == nil || in.srv.told {
		return ErrOver
	}
	can, _ := reliably(in.srv.req)
	if in.srv.late && !can {
		return fmt.Errorf("early offer to a caller who can't answer it: %w", ErrInput)
	}
	in.setUp()
	l.on = on
	in.srv.told, in.srv.settled = true, !in.srv.late
	l.d.LocalSDP = slices.Clone(sdp)
	p := &provisional{status: sip.StatusSessionInProgress, reason: "Session Progress", sdp: l.d.LocalSDP}
	return l.provide(in.srv, p, can)
}

// provide sends a provisional answer, or lets it wait for the PRACK of the one
// before. mu is held.
func (l *Leg) provide(s *inviteIn, p *provisional, reliable bool) error {
	l.prolong(s, p)
	if !reliable {
		if err := s.tx.tx.Respond(l.provisionalResponse(s, p)); err != nil {
			return fmt.Errorf("send %d: %w", p.status, err)
		}
		return nil
	}
	s.waiting = append(s.waiting, p)
	if len(s.waiting) > 1 {
		return nil
	}
	return l.sendProvisional(s)
}

// prolongEvery is how often a caller who isn't answered gets a sign of life, so
// that no proxy on the way gives the call up (RFC 3261 §13.3.1.1).
const prolongEvery = time.Minute

// prolong has the last provisional repeated for as long as there is no final
// answer. Who can acknowledge it does so or is gone. mu is held.
func (l *Leg) prolong(s *inviteIn, p *provisional) {
	if s.again != nil {
		s.again.Stop()
	}
	s.again = time.AfterFunc(prolongEvery, func() { l.ua.guarded("timer", func() { l.stillHere(s, p) }) })
}

func (l *Leg) stillHere(s *inviteIn, p *provisional) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.req == nil || s.grant != nil || l.srv != s || l.state != early {
		return
	}
	if len(s.waiting) > 0 {
		l.prolong(s, p)
		return
	}
	again := &provisional{status: p.status, reason: p.reason, sdp: p.sdp}
	can, must := reliably(s.req)
	if can {
		again.sdp = nil // he has it
	}
	if s.inherited { // nobody knows any more how those were numbered that must arrive
		if must {
			return
		}
		can = false
	}
	_ = l.provide(s, again, can) // counted; there is a next time
}

func (l *Leg) provisionalResponse(s *inviteIn, p *provisional) *sip.Response {
	res := l.ua.response(s.req, p.status, p.reason, l.d.LocalTag)
	recordRoutes(s.req, res)
	res.AppendHeader(sip.NewHeader("Contact", "<"+l.d.Contact+">"))
	res.AppendHeader(sip.NewHeader("Allow", allowed))
	if p.rseq > 0 {
		res.AppendHeader(sip.NewHeader("Require", "100rel"))
		res.AppendHeader(sip.NewHeader("RSeq", number(p.rseq)))
	}
	if len(p.sdp) > 0 {
		res.AppendHeader(sip.NewHeader("Content-Type", sdpType))
	}
	l.ua.dress(res, p.sdp)
	return res
}

// sendProvisional sends the first of those that wait.
func (l *Leg) sendProvisional(s *inviteIn) error {
	p := s.waiting[0]
	if s.rseq == 0 {
		s.rseq = uint32(rand.IntN(1 << 20)) //nolint:gosec // keeps no secret
	}
	s.rseq++
	p.rack, p.since, p.wait = rack{s.rseq, s.cseq}, time.Now(), sip.T1
	l.lastReliable = p.rack
	res := l.provisionalResponse(s, p)
	if err := s.tx.tx.Respond(res); err != nil {
		return fmt.Errorf("send %d: %w", p.status, err)
	}
	p.timer = time.AfterFunc(p.wait, func() { l.ua.guarded("timer", func() { l.provideAgain(s, p) }) })
	return nil
}

// provideAgain repeats a provisional at growing intervals; who never
// acknowledges it is refused.
func (l *Leg) provideAgain(s *inviteIn, p *provisional) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.req == nil || len(s.waiting) == 0 || s.waiting[0] != p || l.state == over {
		return
	}
	left := 64*sip.T1 - time.Since(p.since)
	if left > 0 {
		l.ua.counters.repeated.Add(1)
		_ = s.tx.tx.Respond(l.provisionalResponse(s, p)) // counted; there is a next time
		p.wait *= 2
		p.timer.Reset(min(p.wait, left))
		return
	}
	l.refuseInvite(s, sip.StatusGatewayTimeout, "No PRACK", nil)
	l.leave()
	if l.on != nil {
		l.tell(NoAck{})
	} else {
		for _, f := range l.onCancel {
			l.post(item{fn: f})
		}
	}
	l.forget()
}

// pracked takes a PRACK. mu is held.
func (l *Leg) pracked(req *sip.Request, o origin) {
	s := l.srv
	if s == nil || s.req == nil {
		r := refuse(sip.StatusCallTransactionDoesNotExists, "Nothing To Acknowledge")
		if l.lastReliable.isFor(req) { // it crossed our answer
			r = refuse(sip.StatusOK, "OK")
		}
		l.settle(req, o, r)
		return
	}
	if s.inherited {
		l.settle(req, o, refuse(sip.StatusOK, "OK")) // of what the other process sent
		return
	}
	if len(s.waiting) == 0 || s.waiting[0].rseq == 0 || !s.waiting[0].isFor(req) {
		l.settle(req, o, refuse(sip.StatusCallTransactionDoesNotExists, "Nothing To Acknowledge"))
		return
	}
	p := s.waiting[0]
	s.waiting = s.waiting[1:]
	p.timer.Stop()
	offer := len(req.Body()) > 0
	if offer && len(p.sdp) > 0 && !s.late && l.on != nil {
		l.offeredBy(&l.d, req, o)
	} else {
		l.settle(req, o, refuse(sip.StatusOK, "OK"))
	}
	if len(p.sdp) > 0 {
		l.agreedEarly(s, req)
	}
	if len(s.waiting) > 0 {
		_ = l.sendProvisional(s) // counted; it is repeated anyway
	} else if s.grant != nil {
		s.grant()
	}
}

// agreedEarly tells that our early answer has arrived.
func (l *Leg) agreedEarly(s *inviteIn, prack *sip.Request) {
	ev := Pracked{}
	if s.late && isSDP(prack.ContentType()) && len(prack.Body()) > 0 {
		ev.SDP = slices.Clone(prack.Body())
		l.d.RemoteSDP, s.settled = ev.SDP, true
	}
	l.tell(ev)
}

// isFor tells whether a PRACK acknowledges this.
func (r rack) isFor(req *sip.Request) bool {
	f := strings.Fields(value(req, "RAck"))
	if len(f) != 3 || !strings.EqualFold(f[2], string(sip.INVITE)) {
		return false
	}
	rseq, err := strconv.ParseUint(f[0], 10, 32)
	seq, err2 := strconv.ParseUint(f[1], 10, 32)
	return err == nil && err2 == nil && r.rseq != 0 && rseq == uint64(r.rseq) && seq == uint64(r.cseq)
}

// afterPracks answers at once, or when the SDP that is under way has been
// acknowledged (RFC 3262 §3). mu is held.
func (l *Leg) afterPracks(s *inviteIn, grant func() error) error {
	s.waiting = slices.DeleteFunc(s.waiting, func(p *provisional) bool { return p.rseq == 0 }) // never sent
	if len(s.waiting) == 0 || len(s.waiting[0].sdp) == 0 {
		s.stopProvisionals()
		return grant()
	}
	s.grant = func() {
		s.grant = nil
		if grant() != nil {
			l.leave()
			l.tell(NoAck{})
			l.forget()
		}
	}
	return nil
}

func (s *inviteIn) stopProvisionals() {
	if s.again != nil {
		s.again.Stop()
	}
	for _, p := range s.waiting {
		if p.timer != nil {
			p.timer.Stop()
		}
	}
	s.waiting = nil
}
