package sipua

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// ghostCookie is before the branches of calls that another process can cancel;
// see UA.cookie.
const ghostCookie = cookie + "ghost."

// signedBy is the endpoint as it sends what another process seems to have sent:
// a CANCEL belongs to an INVITE by the sender that its Via names, whoever sends
// it (RFC 3261 §17.2.3).
func (e *endpoint) signedBy(sender string) (*endpoint, error) {
	host, text, err := net.SplitHostPort(sender)
	if err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	s := &endpoint{ // but for what its reader writes
		ua: e.ua, network: e.network, local: netip.AddrPortFrom(e.local.Addr(), uint16(port)), host: host,
		pc: e.pc, fast: e.fast, ln: e.ln, tls: e.tls, adopted: e.adopted,
	}
	s.contact = strings.Replace(e.contact, e.hostport(), s.hostport(), 1)
	return s, nil
}

// CancelGhost stops what rings because of a Dial of another process, which had
// the same request.
func (u *UA) CancelGhost(r DialRequest) error {
	l, target, err := u.newOutbound(r)
	if err != nil {
		return err
	}
	dst, _, _ := hopOf(target, l.ep.network)
	if l.d.Flow.IsValid() {
		dst = l.d.Flow
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	req, f, err := l.firstInvite(dst)
	if err != nil {
		return err
	}
	u.request(cancelOf(req, &goodbye{}), f, func(*sip.Response, error) {}) // nobody is left to be told
	return nil
}

// ghostRefused acknowledges a refusal that a process has died before: else it
// comes again for half a minute.
func (u *UA) ghostRefused(res *sip.Response, o origin) {
	via, from, to, id := res.Via(), res.From(), res.To(), res.CallID()
	if from == nil || to == nil || id == nil {
		return
	}
	ack := sip.NewRequest(sip.ACK, to.Address)
	forwards := sip.MaxForwardsHeader(70)
	for _, h := range []sip.Header{
		via.Clone(), &forwards, from, to, id, &sip.CSeqHeader{SeqNo: res.CSeq().SeqNo, MethodName: sip.ACK},
	} {
		ack.AppendHeader(h)
	}
	ack.SetBody(nil)
	_, _ = (&flow{ep: o.ep, conn: o.conn, dst: o.from}).send(ack) // counted; it comes again
}

// ghostPicked acknowledges an answer to a process that has died meanwhile, and
// hangs up if nobody goes on with that call: else the phone would take itself
// for busy.
func (u *UA) ghostPicked(res *sip.Response, o origin) {
	from, to, contact := res.From(), res.To(), res.Contact()
	if from == nil || to == nil || res.CallID() == nil || !usable(contact) {
		return
	}
	d := Dialog{
		CallID: strings.Clone(res.CallID().Value()), LocalTag: tagOf(from.Params), RemoteTag: tagOf(to.Params),
		LocalURI: from.Address.String(), RemoteURI: to.Address.String(), Target: contact.Address.String(),
		LocalCSeq: res.CSeq().SeqNo, Caller: true, Transport: o.ep.network, Contact: o.ep.contact, Peer: o.from,
		Session: SessionTimer{}.session(),
	}
	if o.conn != nil {
		d.Flow = o.from
	}
	if ack, f, err := u.compose(&d, o.ep, sip.ACK, d.LocalCSeq); err == nil {
		_, _ = f.send(ack) // counted; the 200 comes again
	}
	if u.table.findLeg(d.CallID, d.LocalTag) != nil {
		return // it was in time: the call goes on
	}
	l := &Leg{ua: u, ep: o.ep, d: d.clone(), state: up}
	u.table.addLeg(l)
	l.Hangup(causeNormal, "too late")
}
