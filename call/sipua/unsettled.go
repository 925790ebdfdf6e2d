package sipua

import (
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// An INVITE without a final answer isn't lost with the process that received or
// sent it: whoever knows its headers can answer it, or cancel it. A peer finds
// what an answer belongs to by the branch of its Via, whoever sends it (RFC 3261
// §17.1.3), and so it does with a CANCEL.

// unsettledMost bounds what is kept of such an INVITE. One with more is as lost
// as before.
const unsettledMost = 4096

// unanswered returns what is to be kept of the leg's INVITE, nil if it has its
// final answer. mu is held.
func (l *Leg) unanswered() []byte {
	var req *sip.Request
	switch {
	case l.state != early:
	case l.cli != nil:
		req = l.cli.req
	case l.srv != nil && l.srv.initial:
		req = l.srv.req
	}
	if req == nil {
		return nil
	}
	short := sip.NewRequest(sip.INVITE, req.Recipient)
	for _, h := range req.Headers() {
		if outlives(h.Name()) {
			short.AppendHeader(h)
		}
	}
	short.SetBody(nil)
	text := short.String()
	if len(text) > unsettledMost || !wellFormed([]byte(text)) {
		return nil
	}
	return []byte(text)
}

// outlives tells whether a header of an INVITE is needed to end it. Proofs of who
// somebody is aren't.
func outlives(name string) bool {
	switch strings.ToLower(name) {
	case "via", "v", "record-route", "route", "from", "f", "to", "t", "call-id", "i", "cseq", "max-forwards",
		"supported", "k", "require", "session-expires", "x", "min-se":
		return true
	}
	return false
}

// unsettled reads it again.
func (u *UA) unsettled(d *Dialog) (*sip.Request, error) {
	m, err := u.parser.ParseSIP(d.Invite)
	if err != nil {
		return nil, fmt.Errorf("%w: its INVITE: %w", ErrDialog, err)
	}
	req, ok := m.(*sip.Request)
	if !ok || !complete(req) || req.Method != sip.INVITE {
		return nil, fmt.Errorf("%w: its INVITE is none", ErrDialog)
	}
	return req, nil
}

// ResumeInvite goes on with an INVITE that another process has not answered.
// told says that its caller knows d.LocalSDP from a provisional answer already;
// it must be an answer that still holds.
func (u *UA) ResumeInvite(d Dialog, told bool) (*Incoming, error) {
	req, err := u.unsettled(&d)
	if err != nil {
		return nil, err
	}
	d = d.clone()
	ep := u.heir(&d)
	scheme, _, _ := strings.Cut(d.Contact, ":")
	d.Transport, d.Contact, d.Invite = ep.network, ep.contactFor(scheme), nil
	o := origin{ep: ep, from: d.Peer}
	f, err := u.backTo(&d, o, req)
	if err != nil {
		return nil, err
	}
	s := &serverTx{key: transactionKey(req, sip.INVITE), method: sip.INVITE, source: d.Peer.Addr(), flow: f}
	srv := &inviteIn{
		tx: s, req: req, cseq: req.CSeq().SeqNo, initial: true, told: told, settled: true, inherited: true,
	}
	s.leg = &Leg{ua: u, ep: ep, d: d, srv: srv}
	s.tx = u.machine(s, req)
	if !u.table.addServer(s) {
		s.over.Store(true)
		s.tx.Terminate()
		return nil, ErrOver
	}
	u.table.addLeg(s.leg)
	_ = s.tx.Respond(u.plainResponse(req, sip.StatusTrying, "Trying", "")) // counted; else the machine does
	s.leg.mu.Lock()
	defer s.leg.mu.Unlock()
	sign := &provisional{status: sip.StatusRinging, reason: "Ringing"}
	if told {
		sign = &provisional{status: sip.StatusSessionInProgress, reason: "Session Progress"}
	}
	s.leg.prolong(srv, sign)
	return u.incoming(req, o, s.leg, srv), nil
}

// backTo is the way of the answer to a request that another process received.
// What came over a connection is answered over another one if that is gone
// (RFC 3261 §18.2.2).
func (u *UA) backTo(d *Dialog, o origin, req *sip.Request) (*flow, error) {
	f := o.back(req)
	if o.ep.network == UDP {
		return f, nil
	}
	if u.streams.existing(connKey{o.ep.network, d.Peer, d.ServerName}) != nil {
		f.dst = d.Peer
	}
	return u.flowTo(o.ep, f.dst, d.ServerName)
}

// CancelInvite stops what rings because of an INVITE of another process.
func (u *UA) CancelInvite(d Dialog) error {
	req, err := u.unsettled(&d)
	if err != nil {
		return err
	}
	f, err := u.flowTo(u.heir(&d), d.Peer, d.ServerName)
	if err != nil {
		return err
	}
	u.request(cancelOf(req, &goodbye{}), f, func(*sip.Response, error) {}) // nobody is left to be told
	return nil
}

// branch is that of another INVITE of the leg. Who has a seed is one whom another
// process may have to cancel.
func (l *Leg) branch() string {
	if l.seed != "" {
		return ghostCookie + token()
	}
	return l.ua.branch()
}
