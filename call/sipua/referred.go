package sipua

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// ReferredIn is a REFER of the peer: it wants somebody to be called in its
// place (RFC 3515). Reply is called from any goroutine: first with 202 or with
// a refusal of 300 or more, then, if it was 202, with each news of that call,
// which the peer gets as a NOTIFY. A status of 200 or more is the last one.
type ReferredIn struct {
	Target     string    // the URI of Refer-To without its headers
	Number     string    // its user part
	Replaces   *Replaces // the dialog whose place the call is to take; nil: none
	ReferredBy string    // a URI; "" if the peer doesn't say
	Reply      func(status int) error
}

func (ReferredIn) isLegEvent() {}

// referral is a REFER of the peer, until the last NOTIFY.
type referral struct {
	tx       *serverTx
	req      *sip.Request // until it is answered
	event    string
	silent   bool // the peer wants no NOTIFY (RFC 4488)
	accepted bool
	timer    *time.Timer
}

// badEvent is the answer of whoever never heard of the subscription (RFC 6665).
const badEvent = 489

// subscribed is how long the peer may expect news of a REFER.
const subscribed = 180 * time.Second

// referredIn takes a REFER. mu is held.
func (l *Leg) referredIn(req *sip.Request, o origin) {
	ev, bad := readRefer(req)
	switch {
	case l.state != up || l.on == nil:
		l.settle(req, o, refuse(sip.StatusForbidden, "Not Now"))
		return
	case l.full():
		l.settle(req, o, refuse(sip.StatusServiceUnavailable, "Busy", soon(3)...))
		return
	case l.asked != nil:
		l.settle(req, o, refuse(sip.StatusRequestPending, "Request Pending"))
		return
	case bad != nil:
		l.settle(req, o, bad)
		return
	}
	r := &referral{
		tx:  &serverTx{key: transactionKey(req, req.Method), method: sip.REFER, source: o.from.Addr(), flow: o.back(req)},
		req: req, event: referEvent, silent: strings.EqualFold(strings.TrimSpace(value(req, "Refer-Sub")), "false"),
	}
	if l.askedBefore { // the first one's NOTIFYs need no id (RFC 3515 §2.4.6)
		r.event += ";id=" + number(req.CSeq().SeqNo)
	}
	if !l.ua.table.addServer(r.tx) {
		return
	}
	l.asked, l.askedBefore = r, true
	r.timer = time.AfterFunc(64*sip.T1, func() { l.ua.guarded("timer", func() { l.referForgotten(r) }) })
	ev.Reply = func(status int) error { return l.referReply(r, status) }
	l.tell(ev)
}

// readRefer reads what a REFER asks for.
func readRefer(req *sip.Request) (ev ReferredIn, bad *refusal) {
	vs := append(values(req, "Refer-To"), values(req, "r")...)
	if len(vs) != 1 {
		return ev, refuse(sip.StatusBadRequest, "Refer-To is needed once")
	}
	uri, err := parseAddress(vs[0])
	if err != nil || len(vs[0]) > maxURI {
		return ev, refuse(sip.StatusBadRequest, "Bad Refer-To")
	}
	if uri.Scheme != "sip" && uri.Scheme != "sips" && uri.Scheme != "tel" {
		return ev, refuse(sip.StatusRequestedRangeNotSatisfiable, "Unsupported URI Scheme")
	}
	for _, p := range uri.UriParams {
		if strings.EqualFold(p.K, "method") && !strings.EqualFold(p.V, "INVITE") {
			return ev, refuse(sip.StatusNotImplemented, "Only INVITE")
		}
	}
	for _, h := range uri.Headers {
		if !strings.EqualFold(h.K, "Replaces") {
			continue
		}
		if ev.Replaces, err = parseReplaces(unescape(h.V)); err != nil {
			return ev, refuse(sip.StatusBadRequest, "Bad Replaces")
		}
	}
	uri.Headers = nil
	ev.Target, ev.Number = uri.String(), userOf(&uri)
	if by, byErr := parseAddress(value(req, "Referred-By")); byErr == nil {
		ev.ReferredBy = by.String()
	}
	return ev, nil
}

// parseAddress reads name-addr or addr-spec.
func parseAddress(v string) (uri sip.Uri, err error) {
	var ps sip.HeaderParams
	if _, err = sip.ParseAddressValue(strings.TrimSpace(v), &uri, &ps); err != nil {
		return uri, fmt.Errorf("address: %w", err)
	}
	if !plain(uri.String()) {
		return uri, ErrInput
	}
	return uri, nil
}

// referForgotten ends the transaction of a REFER that nobody answered. The peer
// has given up by now; a late 408 would only confuse (RFC 4320).
func (l *Leg) referForgotten(r *referral) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.req != nil {
		l.closeReferral(r)
		l.ua.table.finish(r.tx, nil)
	}
}

func (l *Leg) closeReferral(r *referral) {
	r.req = nil
	r.timer.Stop()
	if l.asked == r {
		l.asked = nil
	}
}

// referReply answers a REFER, or tells how the call goes. Neither needs the
// leg to be up: many a phone hangs up before it hears of our 202.
func (l *Leg) referReply(r *referral, status int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case status < 100 || status > 699:
		return fmt.Errorf("reply %d: %w", status, ErrInput)
	case l.gone:
		return ErrOver
	case r.req == nil && !r.accepted:
		return ErrReplied
	case r.req != nil && status >= 300:
		l.answerRefer(r, refuse(status, reasonPhrase(status)))
		l.closeReferral(r)
		return nil
	case r.req != nil:
		l.acceptRefer(r)
		return nil
	}
	return l.sendNotify(r, status)
}

func (l *Leg) acceptRefer(r *referral) {
	var extra []sip.Header
	if r.silent {
		extra = append(extra, sip.NewHeader("Refer-Sub", "false"))
	}
	extra = append(extra, sip.NewHeader("Contact", "<"+l.d.Contact+">"))
	l.answerRefer(r, refuse(sip.StatusAccepted, "Accepted", extra...))
	r.req, r.accepted = nil, true
	r.timer.Stop()
	_ = l.sendNotify(r, sip.StatusTrying) // the peer asked for it; the next one will tell it too
}

func (l *Leg) answerRefer(r *referral, a *refusal) {
	res := l.ua.response(r.req, a.status, a.reason, l.d.LocalTag)
	for _, h := range a.extra {
		res.AppendHeader(h)
	}
	l.ua.dress(res, nil)
	b, err := r.tx.flow.encode(res)
	l.ua.table.finish(r.tx, b) // before the peer can ask again
	if err == nil {
		_ = r.tx.flow.write(b) // counted; the peer will ask again
	}
}

// sendNotify tells the peer how the call goes that it asked for.
func (l *Leg) sendNotify(r *referral, status int) error {
	last := status >= 200
	if last {
		r.accepted = false
		l.closeReferral(r)
	}
	if r.silent {
		return nil
	}
	req, f, err := l.compose(sip.NOTIFY)
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	state := "active;expires=" + strconv.Itoa(int(subscribed/time.Second))
	if last {
		state = "terminated;reason=noresource"
	}
	for _, h := range []sip.Header{
		sip.NewHeader("Event", r.event), sip.NewHeader("Subscription-State", state),
		sip.NewHeader("Content-Type", fragmentType+";version=2.0"),
	} {
		req.AppendHeader(h)
	}
	req.SetBody(fmt.Appendf(nil, "SIP/2.0 %d %s\r\n", status, reasonPhrase(status)))
	l.ask(req, f, func(res *sip.Response, _ error) {
		if res != nil && slices.Contains(noSubscription(), res.StatusCode) {
			r.silent = true
		}
	})
	return nil
}

// noSubscription are the answers to a NOTIFY that say: no more of it.
func noSubscription() []int {
	return []int{sip.StatusCallTransactionDoesNotExists, sip.StatusMethodNotAllowed, badEvent}
}
