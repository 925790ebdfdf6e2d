package sipua

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Incoming is an INVITE that waits for its answer.
type Incoming struct {
	CallID        string
	From          string // user part of From
	FromName      string
	FromURI       string
	To            string // user part of To
	RequestUser   string // user part of the request URI
	RequestURI    string // for digest
	Trunk         string // that proved itself; "": nobody had to
	Line          string // of a contact of ours that we registered somewhere; see Enrol
	PAI           string // user part of P-Asserted-Identity; worth as much as its sender
	Withheld      bool   // he doesn't want to be known (RFC 3323)
	Transport     string // UDP, TCP …
	Source        netip.AddrPort
	Local         netip.Addr // which of our addresses it came to
	Authorization []string
	Offer         []byte    // nil: our answer makes the offer
	Replaces      *Replaces // the dialog whose place it is to take; nil: none
	UserAgent     string

	leg *Leg
	srv *inviteIn
}

// invite begins an inbound leg.
func (u *UA) invite(key string, req *sip.Request, o origin, trunk string) {
	if !u.table.room() {
		u.counters.drop(dropOverload)
		u.calm(req, o, refuse(sip.StatusServiceUnavailable, "Overload", overloaded()...))
		return
	}
	merge := mergeKey(req)
	s := &serverTx{key: key, merge: merge, method: sip.INVITE, source: o.from.Addr(), flow: o.back(req)}
	s.leg = u.newInbound(req, o)
	srv := &inviteIn{tx: s, req: req, cseq: req.CSeq().SeqNo, initial: true, late: len(req.Body()) == 0, came: time.Now()}
	s.leg.srv = srv
	s.tx = u.machine(s, req)
	if g, dead := u.table.findGrave(merge); dead && g.key != key || !u.table.addServer(s) {
		s.over.Store(true)
		s.tx.Terminate()
		u.calm(req, o, refuse(sip.StatusLoopDetected, "Merged Request"))
		return
	}
	u.table.addLeg(s.leg)
	u.gate.Begun(srv.came)
	_ = s.tx.Respond(u.plainResponse(req, sip.StatusTrying, "Trying", "")) // counted; the peer will ask again
	in := u.incoming(req, o, s.leg, srv)
	in.Trunk = trunk
	go func() {
		if !u.guarded("invite", func() { u.handler.Invite(in) }) {
			_ = in.Reject(sip.StatusInternalServerError, "Internal Error", 0, nil)
		}
	}()
}

// machine makes sipgo's state machine for an INVITE.
func (u *UA) machine(s *serverTx, req *sip.Request) *sip.ServerTx {
	tx := sip.NewServerTx(s.key, req, s.flow, u.quiet)
	_ = tx.Init() // documented never to fail for an INVITE
	tx.OnTerminate(func(string, error) {
		if !s.over.Load() { // a refusal was never acknowledged
			go u.table.finish(s, nil) // it is called with the machine's lock held
		}
	})
	return tx
}

func (u *UA) newInbound(req *sip.Request, o origin) *Leg {
	from, to := req.From(), req.To()
	l := &Leg{ua: u, ep: o.ep}
	l.d = Dialog{
		CallID: strings.Clone(req.CallID().Value()), LocalTag: token(), RemoteTag: strings.Clone(tagOf(from.Params)),
		LocalURI: to.Address.String(), RemoteURI: from.Address.String(), Target: req.Contact().Address.String(),
		RemoteCSeq: req.CSeq().SeqNo, Transport: o.ep.network, Contact: o.ep.contactFor(req.Recipient.Scheme), Peer: o.from,
		RemoteSDP: slices.Clone(req.Body()), Session: SessionTimer{}.session(), Updates: allows(req, sip.UPDATE),
	}
	for _, h := range req.Headers() {
		if rr, ok := h.(*sip.RecordRouteHeader); ok {
			l.d.Routes = append(l.d.Routes, rr.Address.String())
		}
	}
	l.d.Flow = flowFor(&req.Contact().Address, o)
	if o.conn != nil {
		l.d.ServerName = o.conn.name
	}
	return l
}

// flowFor returns where requests to a peer must go if not to its Contact:
// back over its own connection, or to the address it was seen at, if the
// Contact is a private address or a name, which behind NAT is of no use.
func flowFor(contact *sip.Uri, o origin) netip.AddrPort {
	host, err := netip.ParseAddr(strings.Trim(contact.Host, "[]"))
	host = host.Unmap()
	switch {
	case o.conn != nil, err != nil:
		return o.from
	case host == o.from.Addr():
		return netip.AddrPort{}
	case host.IsPrivate() || host.IsLoopback() || host.IsLinkLocalUnicast() || host.IsUnspecified() || host.IsMulticast():
		return o.from
	}
	return netip.AddrPort{}
}

func (u *UA) incoming(req *sip.Request, o origin, l *Leg, srv *inviteIn) *Incoming {
	from := req.From()
	in := &Incoming{
		CallID: l.d.CallID, From: userOf(&from.Address), FromName: unquote(from.DisplayName),
		FromURI: from.Address.String(), To: userOf(&req.To().Address), RequestUser: userOf(&req.Recipient),
		RequestURI: req.Recipient.String(), Line: lineOf(&req.Recipient),
		PAI: asserted(req), Withheld: withheld(req), Transport: o.ep.network, Source: o.from, Local: o.ep.local.Addr(),
		Authorization: append(values(req, "Authorization"), values(req, "Proxy-Authorization")...),
		UserAgent:     value(req, "User-Agent"), Replaces: replacesOf(req), leg: l, srv: srv,
	}
	if !srv.late {
		in.Offer = l.d.RemoteSDP
	}
	return in
}

// Leg returns the leg, which exists from the beginning.
func (in *Incoming) Leg() *Leg { return in.leg }

// Answer sends 200 with sdp and repeats it until the ACK, which is the first
// event that on gets, unless the caller hangs up before. After Progress sdp
// counts for nothing: the caller knows it already.
func (in *Incoming) Answer(sdp []byte, on func(LegEvent)) (*Leg, error) {
	l := in.leg
	l.mu.Lock()
	defer l.mu.Unlock()
	s := in.srv
	if l.state != early || s.req == nil || s.grant != nil {
		return nil, ErrOver
	}
	l.on = on
	in.setUp()
	if err := l.afterPracks(s, func() error { l.state = answered; return l.grant(s, sdp) }); err != nil {
		l.leave()
		l.forget()
		return nil, err
	}
	return l, nil
}

// Reject refuses the INVITE. headers are added, for example WWW-Authenticate.
func (in *Incoming) Reject(status int, reason string, retry int, headers map[string][]string) error {
	if status < 300 || status > 699 || !plain(reason) {
		return fmt.Errorf("reject with %d: %w", status, ErrInput)
	}
	extra := retryAfter(retry)
	for _, name := range sorted(headers) {
		for _, v := range headers[name] {
			if !isToken(name) || !plain(v) {
				return fmt.Errorf("reject with header %q: %w", name, ErrInput)
			}
			extra = append(extra, sip.NewHeader(name, v))
		}
	}
	l := in.leg
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != early {
		return ErrOver
	}
	in.setUp()
	l.refuseInvite(in.srv, status, reason, extra)
	l.leave()
	l.forget()
	return nil
}

// setUp tells the gate how long the caller had to wait for us. mu is held.
func (in *Incoming) setUp() {
	if came := in.srv.came; !came.IsZero() {
		in.srv.came = time.Time{}
		in.leg.ua.gate.SetUp(came)
	}
}

// OnCancel has f called when the caller gives up before the answer; 487 is
// sent already. If that has happened, f is called soon.
func (in *Incoming) OnCancel(f func()) {
	l := in.leg
	l.mu.Lock()
	defer l.mu.Unlock()
	if in.srv.cancelled {
		l.post(item{fn: f})
		return
	}
	l.onCancel = append(l.onCancel, f)
}

// cancelled takes the peer's CANCEL, which is already answered.
func (l *Leg) cancelled(s *serverTx) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.srv == nil || l.srv.tx != s || l.srv.req == nil {
		return // too late: we have answered
	}
	if l.state != early { // a re-INVITE; whoever got Reinvited learns it by Reply's error
		l.refuseInvite(l.srv, sip.StatusRequestTerminated, "Request Terminated", nil)
		l.srv = nil
		l.proceed()
		return
	}
	l.giveUp(l.srv)
	l.forget()
}

// giveUp ends a leg whose caller gave up before our answer. mu is held.
func (l *Leg) giveUp(s *inviteIn) {
	s.cancelled = true
	l.refuseInvite(s, sip.StatusRequestTerminated, "Request Terminated", nil)
	l.leave()
	for _, f := range l.onCancel {
		l.post(item{fn: f})
	}
	l.onCancel = nil
}
