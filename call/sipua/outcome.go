package sipua

import (
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// inviteAnswered takes what comes back on our INVITE.
func (l *Leg) inviteAnswered(o *inviteOut, res *sip.Response, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		ev := Failed{Trouble: troubleOf(err)}
		ev.Status, ev.Reason = statusOf(err)
		if o.cancelled != nil {
			ev = l.cancelledAs(o)
		}
		l.fail(o, ev)
	case res.StatusCode < 200:
		l.provisional(o, res)
	case res.StatusCode < 300:
		l.success(o, res)
	default:
		l.refused(o, res)
	}
}

// provisional counts as a sign of life: now a CANCEL may go out.
func (l *Leg) provisional(o *inviteOut, res *sip.Response) {
	first := !o.heard
	o.heard = true
	switch {
	case o.cancelled != nil:
		if first && o.req != nil {
			l.sendCancel(o)
		}
	case o.final:
	case res.StatusCode > sip.StatusTrying:
		l.progress(o, res)
	}
}

// usable reports whether requests can go to a Contact.
func usable(c *sip.ContactHeader) bool {
	return c != nil && !c.Address.Wildcard && c.Address.Host != "" &&
		(c.Address.Scheme == "sip" || c.Address.Scheme == "sips")
}

func sdpOf(res *sip.Response) []byte {
	if !isSDP(res.ContentType()) || len(res.Body()) == 0 {
		return nil
	}
	return res.Body()
}

// success takes a 2xx: the one that makes the call; the same again, whose ACK
// was lost; one of a fork; or one that crossed our CANCEL. Each is
// acknowledged, the first one when whoever dialled says so, and those that nobody
// wants are ended with BYE.
func (l *Leg) success(o *inviteOut, res *sip.Response) {
	to := res.To()
	if to == nil || tagOf(to.Params) == "" {
		l.ua.counters.drop(dropBroken)
		if !o.final {
			l.fail(o, Failed{Status: sip.StatusBadGateway, Reason: "Unusable Answer"})
		}
		return
	}
	tag := tagOf(to.Params)
	if l.owed != nil && l.owed.invite == o && tag == l.d.RemoteTag {
		return // not yet
	}
	if ack, again := o.acks[tag]; again {
		_ = o.flow.write(ack) // counted; the peer will ask again
		return
	}
	d := l.branchOf(res, tag)
	if e := o.early[tag]; e != nil {
		d = e.d.clone()
		routesOf(&d, res)
	}
	seq := res.CSeq().SeqNo
	if o.later && !o.final && o.cancelled == nil {
		l.owed = &owed{o, seq}
		l.settleDialog(o, &d, res)
		return
	}
	f := l.acknowledge(o, &d, tag, seq)
	if o.final || o.cancelled != nil || f == nil {
		l.unwanted(o, &d, seq)
		return
	}
	l.settleDialog(o, &d, res)
}

// settleDialog makes the call of a 2xx.
func (l *Leg) settleDialog(o *inviteOut, d *Dialog, res *sip.Response) {
	if o.timer != nil {
		o.timer.Stop()
	}
	o.final, o.req, o.tx = true, nil, nil
	if l.ep.network != UDP && !d.Flow.IsValid() {
		d.Flow = d.Peer
	}
	d.RemoteSDP = slices.Clone(sdpOf(res))
	if e := o.early[d.RemoteTag]; e != nil && d.RemoteSDP == nil {
		d.RemoteSDP = e.sdp // the answer came early
	}
	o.early = nil
	d.Updates = allows(res, sip.UPDATE)
	l.d = *d
	l.state = up
	l.agreeSession(res)
	l.tell(Answered{SDP: l.d.RemoteSDP, Dialog: l.d.clone()})
	l.proceed()
}

// unwanted ends a dialog that nobody asked for.
func (l *Leg) unwanted(o *inviteOut, d *Dialog, seq uint32) {
	if bye, f, err := l.ua.compose(d, l.ep, sip.BYE, max(seq, d.LocalCSeq)+1); err == nil {
		l.ua.request(bye, f, func(*sip.Response, error) {}) // whatever it answers, the dialog is over
	}
	if !o.final && o.cancelled != nil {
		l.fail(o, l.cancelledAs(o))
	} else if !o.final {
		l.fail(o, Failed{Status: sip.StatusBadGateway, Reason: "Unusable Answer"})
	}
}

// acknowledge sends the ACK of a 2xx and keeps it, to be sent again when the
// 2xx comes again.
func (l *Leg) acknowledge(o *inviteOut, d *Dialog, tag string, seq uint32) *flow {
	ack, f, err := l.ua.compose(d, l.ep, sip.ACK, seq)
	if err != nil {
		l.ua.log.Info("no way to send ACK", "sip_call_id", d.CallID, "err", err)
		return nil
	}
	b, _ := f.send(ack) // counted; the 2xx will come again
	if o.acks == nil {
		o.acks = map[string][]byte{}
	}
	if b == nil {
		return nil
	}
	o.acks[tag], o.flow = b, f
	return f
}

// refused takes the final refusal; its ACK is sent already.
func (l *Leg) refused(o *inviteOut, res *sip.Response) {
	if o.final {
		return
	}
	if again := l.inviteAgain(o, res); again != nil {
		o.heard, o.req, o.early = false, again, nil
		o.tx = l.ua.request(again, o.flow, func(res *sip.Response, err error) { l.inviteAnswered(o, res, err) })
		return
	}
	ev := Failed{
		Status: res.StatusCode, Reason: printable(res.Reason), RetryAfter: seconds(value(res, "Retry-After")),
	}
	if res.StatusCode < 400 {
		for _, h := range res.Headers() {
			if c, ok := h.(*sip.ContactHeader); ok && !c.Address.Wildcard {
				ev.Contacts = append(ev.Contacts, c.Address.String())
			}
		}
	}
	if o.cancelled != nil {
		ev = l.cancelledAs(o)
	}
	l.fail(o, ev)
}

// inviteAgain returns the INVITE as the refusal wants it, nil if it wants
// nothing that we can give. Each is done once.
func (l *Leg) inviteAgain(o *inviteOut, res *sip.Response) *sip.Request {
	switch {
	case o.cancelled != nil:
		return nil
	case res.StatusCode == brief && !o.longer && l.d.Session.longer(res):
		o.longer = true
		again := l.again(&l.d, o.req, o.flow, "Session-Expires", "Min-SE", "Supported")
		for _, h := range l.d.Session.ask() {
			again.AppendHeader(h)
		}
		again.SetBody(o.req.Body())
		return again
	case l.secret == nil || o.tried:
		return nil
	}
	again := l.answerChallenge(&l.d, o.req, o.flow, res)
	o.tried = again != nil
	return again
}

func printable(s string) string {
	if plain(s) {
		return strings.TrimSpace(s)
	}
	return ""
}
