package sipua

import (
	"fmt"
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"
)

// updateIn is an UPDATE, or a PRACK, of the peer with an offer that isn't
// answered yet.
type updateIn struct {
	d     *Dialog
	tx    *serverTx
	req   *sip.Request
	from  origin
	timer *time.Timer
}

// updated takes an UPDATE (RFC 3311): news of the peer's Contact, a refresh of
// the session, an offer. mu is held.
func (l *Leg) updated(d *Dialog, req *sip.Request, o origin) {
	offer := len(req.Body()) > 0
	no := tooBrief(req, l.d.Session.Min)
	switch {
	case no != nil:
	case offer && (l.own != nil || l.srv != nil && l.srv.late && !l.srv.settled):
		no = refuse(sip.StatusRequestPending, "Request Pending") // our offer has no answer yet
	case offer && (l.offered() || l.full()):
		no = refuse(sip.StatusInternalServerError, "One at a time", soon(10)...)
	case offer && l.on == nil:
		no = refuse(sip.StatusNotAcceptableHere, "Not Acceptable Here")
	}
	if no != nil {
		l.settle(req, o, no)
		return
	}
	if offer {
		l.offeredBy(d, req, o)
		return
	}
	l.settleUpdate(d, req, o, nil)
}

// offered reports whether the peer waits for an answer to an offer.
func (l *Leg) offered() bool {
	return l.upd != nil || l.srv != nil && l.srv.req != nil && !l.srv.late && !l.srv.told
}

// settleUpdate accepts an UPDATE.
func (l *Leg) settleUpdate(d *Dialog, req *sip.Request, o origin, sdp []byte) {
	res := l.ua.response(req, sip.StatusOK, "OK", l.d.LocalTag)
	res.AppendHeader(sip.NewHeader("Contact", "<"+l.d.Contact+">"))
	for _, h := range append(l.grantSession(req), capabilities()...) {
		res.AppendHeader(h)
	}
	if c := req.Contact(); usable(c) && req.Method == sip.UPDATE { // target refresh
		d.Target = c.Address.String()
		d.Flow = flowFor(&c.Address, o)
	}
	if len(sdp) > 0 {
		res.AppendHeader(sip.NewHeader("Content-Type", sdpType))
		res.SetBody(sdp)
	}
	l.ua.settle(req, o, res)
}

// offeredBy takes an offer that an UPDATE or a PRACK brings.
func (l *Leg) offeredBy(d *Dialog, req *sip.Request, o origin) {
	u := &updateIn{d: d, req: req, from: o, tx: &serverTx{
		key: transactionKey(req, req.Method), method: req.Method, source: o.from.Addr(), flow: o.back(req),
	}}
	if !l.ua.table.addServer(u.tx) {
		return
	}
	l.upd = u
	u.timer = time.AfterFunc(64*sip.T1, func() { l.ua.guarded("timer", func() { l.updateForgotten(u) }) })
	l.tell(Reinvited{
		Offer: slices.Clone(req.Body()), Reply: func(status int, sdp []byte) error { return l.replyUpdate(u, status, sdp) },
	})
}

// updateForgotten ends the transaction of an UPDATE that nobody answered; the
// peer has given up by now.
func (l *Leg) updateForgotten(u *updateIn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.upd == u {
		l.upd = nil
		l.ua.table.finish(u.tx, nil)
	}
}

func (l *Leg) replyUpdate(u *updateIn, status int, sdp []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case status < 200 || status > 699:
		return fmt.Errorf("reply %d: %w", status, ErrInput)
	case l.upd != u:
		return ErrReplied
	}
	l.closeUpdate(nil)
	if status >= 300 {
		l.settle(u.req, u.from, refuse(status, reasonPhrase(status)))
		return nil
	}
	u.d.LocalSDP, u.d.RemoteSDP = slices.Clone(sdp), slices.Clone(u.req.Body())
	l.settleUpdate(u.d, u.req, u.from, sdp)
	return nil
}

// closeUpdate takes the UPDATE that waits for an answer out of the table; no
// says how it is refused, nil: whoever called answers it. mu is held.
func (l *Leg) closeUpdate(no *refusal) {
	u := l.upd
	if u == nil {
		return
	}
	l.upd = nil
	u.timer.Stop()
	l.ua.table.finish(u.tx, nil)
	if no != nil {
		l.settle(u.req, u.from, no)
	}
}

// update sends an UPDATE without an offer. mu is held.
func (l *Leg) update(headers []sip.Header, again bool) {
	req, f, err := l.compose(sip.UPDATE)
	if err != nil {
		l.ua.log.Warn("no way to send UPDATE", "sip_call_id", l.d.CallID, "err", err)
		return
	}
	for _, h := range slices.Concat(headers, l.d.Session.ask(), []sip.Header{sip.NewHeader("Allow", allowed)}) {
		req.AppendHeader(h)
	}
	l.ask(req, f, func(res *sip.Response, err error) { l.updateAnswered(headers, again, res, err) })
}

// updateAnswered takes what comes back on our UPDATE. What was refused for now
// is tried again when the session is next looked at.
func (l *Leg) updateAnswered(headers []sip.Header, again bool, res *sip.Response, err error) {
	var status int
	if err != nil {
		status, _ = statusOf(err)
	} else {
		status = res.StatusCode
	}
	switch {
	case l.state == over:
	case status < 300:
		if c := res.Contact(); usable(c) {
			l.d.Target = c.Address.String()
		}
		l.agreeSession(res)
	case status == sip.StatusCallTransactionDoesNotExists || status == sip.StatusRequestTimeout:
		if l.state == up {
			l.lose("UPDATE: "+number(uint32(status)), faultCause) //nolint:gosec // a status
		}
	case status == sip.StatusMethodNotAllowed || status == sip.StatusNotImplemented:
		l.noUpdate = true
		l.refresh(headers)
	case status == brief && !again && l.d.Session.longer(res):
		l.update(headers, true)
	}
}
