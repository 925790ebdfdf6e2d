package sipua

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// DialRequest says whom to call.
type DialRequest struct {
	Target      string            // request URI
	Destination string            // ip:port to send to, whatever Target says; the calls of a registered phone need it
	Address     netip.AddrPort    // where the INVITE goes, of [UA.Resolve]; what follows goes to the peer's Contact
	Transport   string            // UDP, TCP …; default: what Target says, else UDP
	ServerName  string            // whom the peer must prove to be over TLS; see serverName
	From        string            // user part, or a whole URI
	FromName    string            // display name
	Asserted    string            // who calls, whatever From shows: P-Asserted-Identity; the same as From
	Preferred   string            // P-Preferred-Identity
	Private     bool              // they are for the network only (Privacy: id)
	To          string            // the same as From; default: Target
	Headers     map[string]string // more headers
	SDP         []byte            // our offer
	Username    string            // credentials for challenges of Realm and of nobody else
	Password    string
	Realm       string
	Session     SessionTimer
	Timeout     time.Duration // how long it may ring; 0: as long as the peer likes
	Local       netip.Addr    // from which of our addresses; none: the first
	Seed        string        // who knows it can cancel the call with [UA.CancelGhost]; it must never come again
	Sender      string        // host:port in the INVITE that CancelGhost is about, where that isn't ours
	Patience    time.Duration // until the peer's first word, 100 included; then Failed with 503. 0: 32 s
	AckLater    bool          // the answer is acknowledged by [Leg.Acknowledge], or before our next request
}

// inviteOut is our INVITE, until half a minute after its final response.
type inviteOut struct {
	req       *sip.Request // until the final response
	tx        *clientTx
	flow      *flow
	heard     bool // a provisional
	cancelled *goodbye
	expired   bool
	tried     bool                    // credentials
	early     map[string]*earlyDialog // by the peer's tag
	longer    bool                    // another session interval
	final     bool                    // Answered or Failed was reported
	acks      map[string][]byte       // by the peer's tag
	later     bool                    // the ACK waits for Acknowledge
	timer     *time.Timer
	mute      *time.Timer // until the peer's first word
}

// Dial calls somebody. It returns at once; on gets Ringing any number of
// times, then Answered or Failed once, then what happens in the call.
func (u *UA) Dial(r DialRequest, on func(LegEvent)) (*Leg, error) {
	l, target, err := u.newOutbound(r)
	if err != nil {
		return nil, fmt.Errorf("dial %q: %w", r.Target, err)
	}
	if err = r.identify(l.ep.host); err != nil {
		return nil, fmt.Errorf("dial %q: %w", r.Target, err)
	}
	l.on = on
	o := &inviteOut{later: r.AckLater}
	l.cli = o
	dst, _, literal := hopOf(target, l.ep.network)
	if r.Address.IsValid() {
		dst, literal = r.Address, true
	}
	if l.d.Flow.IsValid() {
		if !literal || !u.reachable(l, dst) {
			dst = l.d.Flow
		}
		literal = true
	}
	u.table.addLeg(l)
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Timeout > 0 {
		o.timer = time.AfterFunc(r.Timeout, func() { u.guarded("timer", func() { l.expire(o) }) })
	}
	if r.Patience > 0 {
		o.mute = time.AfterFunc(r.Patience, func() { u.guarded("timer", func() { l.unheard(o) }) })
	}
	if literal {
		l.begin(o, r, dst)
		return l, nil
	}
	go u.guarded("lookup", func() { l.beginByName(o, r, target) })
	return l, nil
}

// reachable says whether a registered phone is better called at its Contact,
// dst, than where its REGISTER came from: a connection over TCP that is gone
// can't be made again by us, but the phone may listen.
func (u *UA) reachable(l *Leg, dst netip.AddrPort) bool {
	return l.ep.network == TCP && dst.Addr() == l.d.Flow.Addr() &&
		u.streams.existing(connKey{TCP, l.d.Flow, ""}) == nil
}

func (l *Leg) beginByName(o *inviteOut, r DialRequest, target *sip.Uri) {
	dst, err := l.ua.lookup(target, l.ep.network)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.state == over:
	case err != nil:
		l.ua.log.Info("look up whom to call", "err", err)
		l.fail(o, Failed{Status: sip.StatusServiceUnavailable, Reason: "Unknown Host", Trouble: err.Error()})
	case o.cancelled != nil:
		l.fail(o, l.cancelledAs(o))
	default:
		l.begin(o, r, dst)
	}
}

// targetOf reads the URI to call.
func targetOf(text string) (target sip.Uri, err error) {
	if !plain(text) || strings.ContainsAny(text, " <>") {
		return target, ErrInput
	}
	if err = sip.ParseUri(text, &target); err != nil {
		return target, fmt.Errorf("target: %w", err)
	}
	target.Headers = nil // they are for whoever writes a Contact, not for us
	if target.Scheme != "sip" && target.Scheme != "sips" || target.Host == "" {
		return target, fmt.Errorf("target: %w", ErrInput)
	}
	return target, nil
}

func (u *UA) newOutbound(r DialRequest) (*Leg, *sip.Uri, error) {
	target, err := targetOf(r.Target)
	if err != nil {
		return nil, nil, err
	}
	_, network, _ := hopOf(&target, UDP)
	if r.Transport != "" {
		network = strings.ToLower(r.Transport)
	}
	ep := u.endpointAt(network, r.Local)
	if ep == nil || target.Scheme == "sips" && !secure(network) {
		return nil, nil, fmt.Errorf("%s: %w", network, ErrTransport)
	}
	if r.Sender != "" {
		if ep, err = ep.signedBy(r.Sender); err != nil {
			return nil, nil, err
		}
	}
	l := &Leg{ua: u, ep: ep, seed: r.Seed}
	l.d = Dialog{
		CallID: seeded(r.Seed, "call"), LocalTag: seeded(r.Seed, "tag"), LocalCSeq: 1, Caller: true,
		Target:    target.String(),
		Transport: network, Contact: ep.contactFor(target.Scheme), LocalSDP: slices.Clone(r.SDP),
		Session:    r.Session.session(),
		ServerName: serverName(r, &target, network),
	}
	if l.d.LocalURI, err = partyURI(r.From, ep.host); err != nil {
		return nil, nil, err
	}
	to := r.To
	if to == "" {
		to = (&sip.Uri{Scheme: "sip", User: target.User, Host: target.Host}).String()
	}
	if l.d.RemoteURI, err = partyURI(to, target.Host); err != nil {
		return nil, nil, err
	}
	if r.Destination != "" {
		if l.d.Flow, err = netip.ParseAddrPort(r.Destination); err != nil {
			return nil, nil, fmt.Errorf("destination: %w", err)
		}
	}
	if r.Username != "" && r.Realm != "" {
		l.secret = &credentials{user: r.Username, password: r.Password, realm: r.Realm}
	}
	return l, &target, checkHeaders(r)
}

// serverName is whom a peer has to prove to be before it gets the call over
// TLS: the one the request names, else the host of the target. A registered
// phone proves nothing: with Destination and no ServerName only a connection
// will do that the peer made.
func serverName(r DialRequest, target *sip.Uri, network string) string {
	switch {
	case network != TLS:
		return ""
	case r.ServerName == "" && r.Destination == "":
		return strings.Trim(target.Host, "[]")
	}
	return r.ServerName
}

// partyURI makes a URI of a number, unless it is one.
func partyURI(s, host string) (string, error) {
	if !plain(s) || strings.ContainsAny(s, "<>\" ") {
		return "", fmt.Errorf("address %q: %w", s, ErrInput)
	}
	if strings.Contains(s, ":") {
		return s, nil
	}
	return (&sip.Uri{Scheme: "sip", User: s, Host: host}).String(), nil
}

// checkHeaders refuses headers that are ours to write.
func checkHeaders(r DialRequest) error {
	if !plain(r.FromName) {
		return fmt.Errorf("display name: %w", ErrInput)
	}
	for name, v := range r.Headers {
		switch strings.ToLower(name) {
		case "via", "v", "from", "f", "to", "t", "call-id", "i", "cseq", "contact", "m", "max-forwards", "route",
			"record-route", "content-length", "l", "content-type", "c", "supported", "k", "require", "session-expires",
			"x", "min-se", "allow":
			return fmt.Errorf("header %q: %w", name, ErrInput)
		}
		if !isToken(name) || !plain(v) {
			return fmt.Errorf("header %q: %w", name, ErrInput)
		}
	}
	return nil
}

// begin sends the INVITE. mu is held.
func (l *Leg) begin(o *inviteOut, r DialRequest, dst netip.AddrPort) {
	l.d.Peer = dst
	req, f, err := l.firstInvite(dst)
	if err != nil {
		l.ua.log.Info("no way to send INVITE", "err", err)
		l.fail(o, Failed{Status: sip.StatusServiceUnavailable, Reason: "Unreachable", Trouble: err.Error()})
		return
	}
	req.From().DisplayName = quote(r.FromName)
	names := make([]string, 0, len(r.Headers))
	for name := range r.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		req.AppendHeader(sip.NewHeader(name, r.Headers[name]))
	}
	for _, h := range append(l.d.Session.ask(), sip.NewHeader("Allow", allowed)) {
		req.AppendHeader(h)
	}
	body(req, r.SDP)
	o.req, o.flow = req, f
	o.tx = l.ua.request(req, f, func(res *sip.Response, err error) { l.inviteAnswered(o, res, err) })
}

func (l *Leg) firstInvite(dst netip.AddrPort) (*sip.Request, *flow, error) {
	p, err := l.d.path()
	if err != nil {
		return nil, nil, err
	}
	f, err := l.ua.flowTo(l.ep, dst, l.d.ServerName)
	if err != nil {
		return nil, nil, err
	}
	req, err := l.ua.write(&l.d, p, f, sip.INVITE, l.d.LocalCSeq)
	if err == nil && l.seed != "" {
		req.Via().Params.Add("branch", ghostCookie+seeded(l.seed, "branch"))
	}
	return req, f, err
}

// expire gives up ringing.
func (l *Leg) expire(o *inviteOut) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == early {
		o.expired = true
		l.cancel(&goodbye{})
	}
}

// unheard gives up a peer that says nothing at all: the caller of Dial has
// another one to try. Should it wake up after all, it is cancelled.
func (l *Leg) unheard(o *inviteOut) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o.heard || o.tried || o.final || o.cancelled != nil {
		return
	}
	o.cancelled = &goodbye{}
	l.report(o, Failed{
		Status: sip.StatusServiceUnavailable, Reason: "No Sign Of Life", Trouble: "no sign of life in time",
	})
}

// report tells of the end of a leg that was not answered, though its INVITE may
// still be under way: what comes of it is cancelled. mu is held.
func (l *Leg) report(o *inviteOut, ev Failed) {
	o.final = true
	l.leave()
	l.tell(ev)
	l.forget()
}

// Cancel gives up calling. It is Hangup for a leg that still rings, and
// nothing for any other.
func (l *Leg) Cancel() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == early && l.cli != nil {
		l.cancel(&goodbye{})
	}
}

// cancel stops our INVITE: at once if the peer was heard, else when it is
// (RFC 3261 §9.1). mu is held.
func (l *Leg) cancel(g *goodbye) {
	o := l.cli
	if o.cancelled != nil {
		return
	}
	o.cancelled = g
	if o.heard && o.req != nil {
		l.sendCancel(o)
	}
}

// cancelOf makes the CANCEL of an INVITE.
func cancelOf(inv *sip.Request, why *goodbye) *sip.Request {
	req := sip.NewRequest(sip.CANCEL, inv.Recipient)
	req.AppendHeader(inv.Via().Clone())
	for _, h := range inv.GetHeaders("route") {
		req.AppendHeader(h)
	}
	forwards := sip.MaxForwardsHeader(70)
	for _, h := range []sip.Header{&forwards, inv.From(), inv.To(), inv.CallID()} {
		req.AppendHeader(h)
	}
	req.AppendHeader(&sip.CSeqHeader{SeqNo: inv.CSeq().SeqNo, MethodName: sip.CANCEL})
	for _, h := range reasonHeader(why) {
		req.AppendHeader(h)
	}
	req.SetBody(nil)
	return req
}

func (l *Leg) sendCancel(o *inviteOut) {
	req := cancelOf(o.req, o.cancelled)
	l.ua.request(req, o.flow, func(*sip.Response, error) {}) // what counts is the INVITE's answer
	if o.timer != nil {
		o.timer.Stop()
	}
	o.timer = time.AfterFunc(64*sip.T1, func() { l.ua.guarded("timer", func() { l.noFinal(o) }) })
}

// noFinal gives up waiting for the 487.
func (l *Leg) noFinal(o *inviteOut) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !o.final {
		o.tx.silence()
		l.fail(o, l.cancelledAs(o))
	}
}

func (l *Leg) cancelledAs(o *inviteOut) Failed {
	if o.expired {
		return Failed{Status: sip.StatusRequestTimeout, Reason: "No Answer"}
	}
	return Failed{Status: sip.StatusRequestTerminated, Reason: "Cancelled"}
}

// fail reports the end of a leg that was not answered. mu is held.
func (l *Leg) fail(o *inviteOut, ev Failed) {
	if o.final {
		return
	}
	o.final, o.req = true, nil
	l.leave()
	l.tell(ev)
	l.forget()
}
