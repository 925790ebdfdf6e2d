package sipua

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// receive takes each message in the order of its socket.
func (u *UA) receive(m sip.Message, o origin) {
	u.counters.count(inward, m)
	if u.verbose {
		u.ladder("received", m, o.from)
	}
	switch m := m.(type) {
	case *sip.Request:
		if !u.guarded("request", func() { u.accept(m, o) }) && complete(m) {
			u.guarded("answer", func() { u.calm(m, o, refuse(sip.StatusInternalServerError, "Internal Error")) })
		}
	case *sip.Response:
		u.answered(m, o)
	}
}

func (u *UA) answered(res *sip.Response, o origin) {
	via, cseq := res.Via(), res.CSeq()
	if via == nil || cseq == nil || res.StatusCode < 100 || res.StatusCode > 699 {
		u.counters.drop(dropBroken)
		return
	}
	b, _ := via.Params.Get("branch")
	if c := u.table.findClient(b + "|" + string(cseq.MethodName)); c != nil {
		u.seen(res, o)
		c.receive(res)
		return
	}
	if cseq.MethodName == sip.INVITE && strings.HasPrefix(b, ghostCookie) {
		switch {
		case res.StatusCode >= 300:
			u.ghostRefused(res, o)
		case res.StatusCode >= 200:
			u.ghostPicked(res, o)
		}
		return
	}
	u.counters.drop(dropStray)
}

// accept finds what a request belongs to.
func (u *UA) accept(req *sip.Request, o origin) {
	note(req, o)
	if !complete(req) {
		u.incomplete(req, o)
		return
	}
	if req.Method == sip.ACK {
		u.acknowledge(req, o)
		return
	}
	key := transactionKey(req, req.Method)
	if u.repeated(key, req, o) {
		return
	}
	if req.Method == sip.CANCEL {
		u.cancel(req, o)
		return
	}
	if tag := tagOf(req.To().Params); tag != "" {
		u.within(tag, req, o)
		return
	}
	if !u.handler.Known(o.from, string(req.Method), userOf(&req.From().Address)) || u.pestered(req, o) {
		u.counters.drop(dropStranger)
		return
	}
	u.seen(req, o)
	if r := examine(req, o.ep.network); r != nil { // before the gate, whose places are for calls
		u.calm(req, o, r)
		return
	}
	if u.shed(req, o) {
		return
	}
	u.outside(key, req, o)
}

// pestered tells whether somebody who may only prove who he is has asked too
// often for a challenge, or somebody else in his name.
func (u *UA) pestered(req *sip.Request, o origin) bool {
	return o.conn == nil && !u.handler.Known(o.from, string(sip.BYE), userOf(&req.From().Address)) &&
		!u.strangers.allow(o.from.Addr(), time.Now())
}

// incomplete answers 400 to a known peer whose request lacks a header that
// the answer would need.
func (u *UA) incomplete(req *sip.Request, o origin) {
	u.counters.drop(dropBroken)
	user := ""
	if from := req.From(); from != nil {
		user = userOf(&from.Address)
	}
	if req.Via() != nil && u.handler.Known(o.from, string(req.Method), user) {
		u.calm(req, o, refuse(sip.StatusBadRequest, "To, From, Call-ID and CSeq are needed once"))
	}
}

// repeated deals with a request that was seen before.
func (u *UA) repeated(key string, req *sip.Request, o origin) bool {
	if s := u.table.findServer(key); s != nil {
		u.seen(req, o)
		if s.tx != nil {
			_ = s.tx.Receive(req) // it repeats the last answer; there is no other error
		}
		return true
	}
	g, ok := u.table.findGrave(key)
	if ok {
		u.seen(req, o)
	}
	if ok && g.answer != nil {
		_ = g.flow.resend(g.answer, req.CallID().Value()) // counted; the peer will ask again
	}
	return ok
}

// within takes a request that names a dialog.
func (u *UA) within(tag string, req *sip.Request, o origin) {
	l := u.table.findLeg(req.CallID().Value(), tag)
	if l == nil || !l.belongs(req, o) {
		if u.handler.Known(o.from, string(req.Method), userOf(&req.From().Address)) {
			u.seen(req, o)
			u.calm(req, o, refuse(sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist"))
		} else {
			u.counters.drop(dropStranger)
		}
		return
	}
	u.seen(req, o)
	if r := examine(req, o.ep.network); r != nil {
		u.calm(req, o, r)
		return
	}
	l.request(req, o)
}

// outside takes a request of no dialog.
func (u *UA) outside(key string, req *sip.Request, o origin) {
	switch string(req.Method) {
	case string(sip.INVITE):
		if trunk, ok := u.proven(req, o); ok {
			u.invite(key, req, o, trunk)
		}
	case string(sip.OPTIONS):
		u.options(req, o)
	case string(sip.REGISTER):
		u.register(key, req, o)
	case string(sip.BYE), string(sip.INFO), string(sip.UPDATE), string(sip.PRACK), string(sip.NOTIFY):
		u.calm(req, o, refuse(sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist"))
	case string(sip.REFER):
		u.calm(req, o, refuse(sip.StatusForbidden, "Only Within A Call"))
	default:
		u.calm(req, o, unwanted(req.Method))
	}
}

// proven asks whether the sender of an INVITE has to prove itself, and refuses
// it. A challenge keeps nothing: a forged source must not cost us memory.
// What was judged was sent by one who can be where he says, and is judged once.
func (u *UA) proven(req *sip.Request, o origin) (trunk string, ok bool) {
	v := u.handler.Prove(Proof{
		Source: o.from, URI: req.Recipient.String(), Number: userOf(&req.Recipient), Line: lineOf(&req.Recipient),
		From:          userOf(&req.From().Address),
		Authorization: append(values(req, "Authorization"), values(req, "Proxy-Authorization")...),
		UserAgent:     value(req, "User-Agent"),
	})
	if v.Status == 0 {
		return v.Trunk, true
	}
	r := v.refusal()
	if !v.Judged {
		u.calm(req, o, r)
		return "", false
	}
	res := u.response(req, r.status, r.reason, u.calmTag(req))
	for _, h := range r.extra {
		res.AppendHeader(h)
	}
	u.settle(req, o, res)
	return "", false
}

func (v Verdict) refusal() *refusal {
	switch v.Status {
	case sip.StatusUnauthorized:
		var ask []sip.Header
		for _, c := range v.Challenge {
			ask = append(ask, sip.NewHeader("WWW-Authenticate", c))
		}
		return refuse(v.Status, "Unauthorized", ask...) //nolint:misspell // the RFC spells it so
	case sip.StatusBadRequest:
		return refuse(v.Status, "Malformed Authorization")
	default:
		return refuse(v.Status, "Forbidden")
	}
}

// unwanted refuses a method.
func unwanted(m sip.RequestMethod) *refusal {
	allow := sip.NewHeader("Allow", allowed)
	if known(m) {
		return refuse(sip.StatusMethodNotAllowed, "Method Not Allowed", allow)
	}
	return refuse(sip.StatusNotImplemented, "Not Implemented", allow)
}

// acknowledge takes an ACK: of a refusal, which has the branch of its INVITE,
// or of a 2xx. It is never answered.
func (u *UA) acknowledge(req *sip.Request, o origin) {
	if s := u.table.findServer(transactionKey(req, sip.INVITE)); s != nil {
		if s.leg != nil && s.source == o.from.Addr() {
			u.seen(req, o)
			s.leg.refusalAcked(s, req)
		}
		return
	}
	l := u.table.findLeg(req.CallID().Value(), tagOf(req.To().Params))
	if l == nil || !l.belongs(req, o) || examine(req, o.ep.network) != nil {
		u.counters.drop(dropStray)
		return
	}
	u.seen(req, o)
	l.ack(req)
}

// cancel takes a CANCEL. It must come from where the INVITE came from; to a
// phone also from whoever goes on with what its switch began.
func (u *UA) cancel(req *sip.Request, o origin) {
	key := transactionKey(req, sip.INVITE)
	s := u.table.findServer(key)
	_, over := u.table.findGrave(key)
	if s == nil && !over || s != nil && (s.source != o.from.Addr() && !u.roaming || s.leg == nil) {
		if u.handler.Known(o.from, string(req.Method), userOf(&req.From().Address)) {
			u.calm(req, o, refuse(sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist"))
		} else {
			u.counters.drop(dropStranger)
		}
		return
	}
	u.seen(req, o)
	tag := u.calmTag(req)
	if s != nil {
		tag = s.leg.localTag()
	}
	u.settle(req, o, u.response(req, sip.StatusOK, "OK", tag))
	if s != nil {
		s.leg.cancelled(s)
	}
}

func (u *UA) options(req *sip.Request, o origin) {
	status, retry := u.handler.Options()
	if status == sip.StatusOK {
		u.calm(req, o, refuse(status, "OK", capabilities()...))
		return
	}
	u.calm(req, o, refuse(status, "Service Unavailable", retryAfter(retry)...))
}

func retryAfter(seconds int) []sip.Header {
	if seconds <= 0 {
		return nil
	}
	return []sip.Header{sip.NewHeader("Retry-After", fmt.Sprint(seconds))}
}

// soon is a Retry-After at random, so that those who were refused together
// don't come back together.
func soon(most int) []sip.Header {
	return retryAfter(1 + rand.IntN(most)) //nolint:gosec // spreads load, keeps no secret
}

// overloaded is the Retry-After of a node that has too much to do.
func overloaded() []sip.Header {
	return retryAfter(2 + rand.IntN(9)) //nolint:gosec // as above
}
