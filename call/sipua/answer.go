package sipua

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// inviteIn is an INVITE of the peer, from its arrival to the ACK.
type inviteIn struct {
	tx        *serverTx
	req       *sip.Request // until the final answer
	cseq      uint32
	initial   bool
	came      time.Time // of an initial one, until the gate knows how long it took
	late      bool      // the offer is in our 200
	cancelled bool
	contact   string         // of a re-INVITE: the new target, if we agree
	told      bool           // our SDP stands in a provisional
	inherited bool           // another process sent those
	settled   bool           // offer and answer have been told
	rseq      uint32         // of the last reliable provisional
	waiting   []*provisional // the first one is under way
	grant     func()         // answers, once it may
	again     *time.Timer    // until the last provisional is repeated

	ok    []byte // our 200, to be repeated
	since time.Time
	wait  time.Duration
	timer *time.Timer
}

// plainResponse is a response without a body, ready to be sent.
func (u *UA) plainResponse(req *sip.Request, status int, reason, tag string) *sip.Response {
	res := u.response(req, status, reason, tag)
	u.dress(res, nil)
	return res
}

// recordRoutes copies the route set into an answer that makes a dialog.
func recordRoutes(req *sip.Request, res *sip.Response) {
	for _, h := range req.Headers() {
		if rr, ok := h.(*sip.RecordRouteHeader); ok {
			res.AppendHeader(rr)
		}
	}
}

// grant sends 200 and begins to repeat it: over UDP and TCP alike, because
// the transport beyond the next hop isn't known (RFC 3261 §13.3.1.4). sipgo's
// machine is left out; it would keep the request for half a minute.
func (l *Leg) grant(s *inviteIn, sdp []byte) error {
	req := s.req
	if s.again != nil {
		s.again.Stop()
	}
	if s.told {
		sdp = l.d.LocalSDP // as it was told
	}
	l.d.LocalSDP = slices.Clone(sdp)
	if s.told && s.rseq > 0 {
		sdp = nil // he has acknowledged it
	}
	res := l.ua.response(req, sip.StatusOK, "OK", l.d.LocalTag)
	recordRoutes(req, res)
	res.AppendHeader(sip.NewHeader("Contact", "<"+l.d.Contact+">"))
	for _, h := range append(l.grantSession(req), capabilities()...) {
		res.AppendHeader(h)
	}
	if len(sdp) > 0 {
		res.AppendHeader(sip.NewHeader("Content-Type", sdpType))
	}
	l.ua.dress(res, sdp)
	b, err := s.tx.flow.encode(res)
	l.ua.table.finish(s.tx, nil) // before the peer can ask again
	if err == nil {
		err = s.tx.flow.write(b)
	}
	s.req = nil
	if err != nil {
		return fmt.Errorf("send 200: %w", err)
	}
	s.ok, s.since, s.wait = b, time.Now(), sip.T1
	s.timer = time.AfterFunc(sip.T1, func() { l.ua.guarded("timer", func() { l.repeat(s) }) })
	return nil
}

// repeat sends the 200 again, at intervals from T1 doubling to T2, and after
// 64*T1 gives the call up.
func (l *Leg) repeat(s *inviteIn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.srv != s || l.state == over {
		return
	}
	left := 64*sip.T1 - time.Since(s.since)
	if left <= 0 {
		l.srv = nil
		l.tell(NoAck{})
		l.part(&goodbye{q850: 102, reason: "no ACK"})
		return
	}
	l.ua.counters.repeated.Add(1)
	_ = s.tx.flow.resend(s.ok, l.d.CallID) // counted; there is a next time
	s.wait = min(2*s.wait, sip.T2)
	s.timer.Reset(min(s.wait, left))
}

// ack takes the ACK of a 200.
func (l *Leg) ack(req *sip.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.srv
	if s == nil || s.ok == nil || s.cseq != req.CSeq().SeqNo || l.state == over {
		return // again, or for another 200
	}
	var sdp []byte
	if isSDP(req.ContentType()) && len(req.Body()) > 0 {
		sdp = slices.Clone(req.Body())
	}
	l.confirm(s, sdp)
}

// confirm settles an INVITE that we accepted. mu is held.
func (l *Leg) confirm(s *inviteIn, sdp []byte) {
	s.timer.Stop()
	s.tx, s.ok = nil, nil // whoever keeps the Incoming doesn't keep the messages
	l.srv = nil
	l.state = up
	if !s.late || s.settled {
		sdp = nil // an answer to an answer
	}
	if sdp != nil {
		l.d.RemoteSDP = sdp
	}
	if s.initial || s.late {
		l.tell(Confirmed{SDP: sdp})
	}
	if l.wish != nil {
		l.part(l.wish)
		return
	}
	l.proceed()
}

// refuseInvite sends a final refusal, which sipgo repeats until its ACK. mu
// is held.
func (l *Leg) refuseInvite(s *inviteIn, status int, reason string, extra []sip.Header) {
	if s.req == nil {
		return
	}
	s.stopProvisionals()
	s.grant = nil
	res := l.ua.response(s.req, status, reason, l.d.LocalTag)
	for _, h := range extra {
		res.AppendHeader(h)
	}
	l.ua.dress(res, nil)
	s.req = nil
	l.ua.table.refused(s.tx, res)
	_ = s.tx.tx.Respond(res) // counted; it is repeated anyway
}

// refusalAcked ends the transaction of a refused INVITE. sipgo's machine must
// see the ACK first: ended while it repeats the refusal it would go on with
// that.
func (l *Leg) refusalAcked(s *serverTx, ack *sip.Request) {
	l.mu.Lock()
	settled := l.srv == nil || l.srv.tx != s || l.srv.req == nil
	l.mu.Unlock()
	if settled {
		_ = s.tx.Receive(ack) // fails only for another method
		l.ua.table.finish(s, nil)
	}
}

// reinvited takes a re-INVITE. mu is held.
func (l *Leg) reinvited(req *sip.Request, o origin) {
	switch {
	case l.own != nil: // glare, RFC 3261 §14.2
		l.ua.calm(req, o, refuse(sip.StatusRequestPending, "Request Pending"))
		return
	case l.srv != nil || l.state != up || l.full():
		l.ua.calm(req, o, refuse(sip.StatusInternalServerError, "One at a time", soon(10)...))
		return
	case l.upd != nil:
		l.ua.calm(req, o, refuse(sip.StatusInternalServerError, "One at a time", soon(10)...))
		return
	case tooBrief(req, l.d.Session.Min) != nil:
		l.ua.calm(req, o, tooBrief(req, l.d.Session.Min))
		return
	case l.on == nil:
		l.ua.calm(req, o, refuse(sip.StatusNotAcceptableHere, "Not Acceptable Here"))
		return
	}
	l.d.RemoteCSeq = req.CSeq().SeqNo
	key := transactionKey(req, sip.INVITE)
	t := &serverTx{key: key, method: sip.INVITE, source: o.from.Addr(), flow: o.back(req), leg: l}
	t.tx = l.ua.machine(t, req)
	if !l.ua.table.addServer(t) {
		t.over.Store(true)
		t.tx.Terminate()
		return
	}
	s := &inviteIn{tx: t, req: req, cseq: req.CSeq().SeqNo, late: len(req.Body()) == 0}
	s.contact = req.Contact().Address.String()
	l.srv = s
	_ = t.tx.Respond(l.ua.plainResponse(req, sip.StatusTrying, "Trying", "")) // the peer will ask again
	ev := Reinvited{Reply: func(status int, sdp []byte) error { return l.reply(s, o, status, sdp) }}
	if !s.late {
		ev.Offer = slices.Clone(req.Body())
	}
	l.tell(ev)
}

// reply answers a re-INVITE.
func (l *Leg) reply(s *inviteIn, o origin, status int, sdp []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.req == nil {
		return ErrReplied
	}
	if l.state == over || l.srv != s {
		return ErrOver
	}
	if status < 300 {
		if !s.late {
			l.d.RemoteSDP = slices.Clone(s.req.Body())
		}
		l.d.Target = s.contact // target refresh
		l.d.Flow = flowFor(&s.req.Contact().Address, o)
		return l.grant(s, sdp)
	}
	if status > 699 {
		return fmt.Errorf("reply %d: %w", status, ErrInput)
	}
	l.refuseInvite(s, status, reasonPhrase(status), nil)
	l.srv = nil
	l.proceed()
	return nil
}

func reasonPhrase(status int) string {
	for _, r := range [...]struct {
		status int
		phrase string
	}{
		{sip.StatusTrying, "Trying"},
		{sip.StatusRinging, "Ringing"},
		{sip.StatusSessionInProgress, "Session Progress"},
		{sip.StatusOK, "OK"},
		{sip.StatusBadRequest, "Bad Request"},
		{sip.StatusForbidden, "Forbidden"},
		{sip.StatusNotFound, "Not Found"},
		{sip.StatusRequestTimeout, "Request Timeout"},
		{sip.StatusTemporarilyUnavailable, "Temporarily Unavailable"},
		{sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist"},
		{sip.StatusBusyHere, "Busy Here"},
		{sip.StatusNotAcceptableHere, "Not Acceptable Here"},
		{sip.StatusRequestPending, "Request Pending"},
		{sip.StatusServiceUnavailable, "Service Unavailable"},
		{sip.StatusGlobalDecline, "Decline"},
	} {
		if r.status == status {
			return r.phrase
		}
	}
	return "Refused"
}

func sorted(m map[string][]string) []string { return slices.Sorted(maps.Keys(m)) }

// isToken reports whether s may be the name of a header.
func isToken(s string) bool {
	if s == "" {
		return false
	}
	for _, r := range s {
		if r > 0x7e || r <= ' ' || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) {
			return false
		}
	}
	return true
}
