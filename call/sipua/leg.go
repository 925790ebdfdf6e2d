package sipua

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Leg is one side of a call.
type Leg struct {
	ua *UA
	ep *endpoint

	mu      sync.Mutex
	d       Dialog
	state   legState
	on      func(LegEvent)
	box     []item // events not yet delivered
	working bool

	srv          *inviteIn   // an INVITE of the peer that isn't settled
	cli          *inviteOut  // our first INVITE, until half a minute after its end
	own          *reinvite   // our re-INVITE under way
	next         []*reinvite // those that wait for their turn
	resting      bool        // after a 491
	wish         *goodbye    // hang up as soon as the ACK allows it
	refers       bool        // we sent a REFER in this dialog
	referring    bool        // and don't know yet how it went
	asked        *referral   // the peer sent one
	askedBefore  bool
	secret       *credentials // for challenges of the gateway this leg was dialled to
	onCancel     []func()
	upd          *updateIn   // an UPDATE of the peer with an offer
	lastReliable rack        // of our provisionals
	noUpdate     bool        // the peer says it can, and can't
	check        *time.Timer // the peer is asked whether it lives
	session      *time.Timer
	sessionEnd   time.Time
	gone         bool   // nothing may be sent any more
	seed         string // of a call we make: see DialRequest
	owed         *owed
}

type legState uint8

const (
	early    legState = iota // ringing, either way
	answered                 // we sent 200 and wait for the ACK
	up
	over
)

// item is an event or a function to call, in order.
type item struct {
	ev LegEvent
	fn func()
}

// goodbye is why a leg is hung up.
type goodbye struct {
	q850   int
	reason string
}

const boxed = 64 // events a leg holds for a slow receiver; then INFO and re-INVITE are refused

// post queues an event. mu is held.
func (l *Leg) post(it item) {
	l.box = append(l.box, it)
	if !l.working {
		l.working = true
		go l.work()
	}
}

func (l *Leg) tell(ev LegEvent) { l.post(item{ev: ev}) }

func (l *Leg) full() bool { return len(l.box) >= boxed }

// work delivers events until there are no more.
func (l *Leg) work() {
	for {
		l.mu.Lock()
		if len(l.box) == 0 {
			l.working, l.box = false, nil
			l.mu.Unlock()
			return
		}
		it, on := l.box[0], l.on
		l.box = l.box[1:]
		l.mu.Unlock()
		ok := l.ua.guarded("event", func() {
			if it.fn != nil {
				it.fn()
			} else if on != nil {
				on(it.ev)
			}
		})
		if !ok {
			l.Hangup(faultCause, "internal error") // this call ends, the others don't
		}
	}
}

// Causes of ITU-T Q.850.
const (
	causeNormal  = 16
	causeBusy    = 17
	causeAbsent  = 20
	causeReject  = 21
	causeUnknown = 1
	causeFull    = 34
	causeLater   = 42
	faultCause   = 41
	causeCodec   = 88
)

// silence forgets the leg without a word to anybody.
func (l *Leg) silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state, l.gone = over, true
	l.stopTimers()
	if l.asked != nil {
		l.asked.timer.Stop()
	}
	if l.upd != nil {
		l.upd.timer.Stop()
	}
	l.box = nil
}

func (l *Leg) stopTimers() {
	if l.session != nil {
		l.session.Stop()
	}
	if l.srv != nil && l.srv.timer != nil {
		l.srv.timer.Stop()
	}
	if l.srv != nil {
		l.srv.stopProvisionals()
	}
	if l.cli != nil && l.cli.timer != nil {
		l.cli.timer.Stop()
	}
	if l.cli != nil && l.cli.mute != nil {
		l.cli.mute.Stop()
	}
	for _, r := range l.next {
		if r.timer != nil {
			r.timer.Stop()
		}
	}
}

// leave ends the leg: what is under way is given up. mu is held. The dialog
// stays known until forget, so that requests which cross our BYE find it.
func (l *Leg) leave() {
	l.state = over
	l.stopTimers()
	if s := l.srv; s != nil && !s.came.IsZero() {
		l.ua.gate.Gone(s.came)
	}
	if s := l.srv; s != nil && s.req != nil { // a re-INVITE nobody answered yet
		l.refuseInvite(s, sip.StatusRequestTerminated, "Request Terminated", nil)
	}
	l.closeUpdate(refuse(sip.StatusRequestTerminated, "Request Terminated"))
	l.srv, l.wish = nil, nil
	for _, r := range l.next {
		l.done(r, sip.StatusRequestTerminated, nil)
	}
	l.next = nil
}

func (l *Leg) forget() { l.ua.table.dropLeg(l.d.CallID, l.d.LocalTag) }

// Dialog returns a copy of what another process needs to go on with the leg.
func (l *Leg) Dialog() Dialog {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.d.clone()
	d.Invite = l.unanswered()
	return d
}

func (l *Leg) localTag() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.d.LocalTag
}

// belongs reports whether a request is of this dialog and comes from where it
// lives: a right Call-ID and tags are no proof when packets can be overheard.
func (l *Leg) belongs(req *sip.Request, o origin) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := &l.d
	if e := l.earlyFrom(req); e != nil {
		d = &e.d
	}
	if d.RemoteTag == "" || tagOf(req.From().Params) != d.RemoteTag {
		return false
	}
	ip := o.from.Addr()
	if l.ua.roaming || ip == d.Peer.Addr() || d.Flow.IsValid() && ip == d.Flow.Addr() || hostIs(d.Target, ip) {
		return true
	}
	for _, r := range d.Routes {
		if hostIs(r, ip) {
			return true
		}
	}
	return o.conn != nil && l.ua.streams.home(d) == o.conn
}

func hostIs(text string, ip netip.Addr) bool {
	var uri sip.Uri
	if sip.ParseUri(text, &uri) != nil {
		return false
	}
	host, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	return err == nil && host.Unmap() == ip
}

// request takes a request of the dialog.
func (l *Leg) request(req *sip.Request, o origin) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.earlyFrom(req); e != nil {
		l.earlyRequest(e, req, o)
		return
	}
	seq := req.CSeq().SeqNo
	if l.d.RemoteCSeq != 0 && seq <= l.d.RemoteCSeq {
		l.ua.calm(req, o, refuse(sip.StatusInternalServerError, "CSeq is not higher"))
		return
	}
	if l.state == over && req.Method != sip.BYE {
		l.ua.calm(req, o, refuse(sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist"))
		return
	}
	if s := l.srv; s != nil && s.ok != nil && seq > s.cseq && (!s.late || s.settled) {
		l.confirm(s, nil) // whoever goes on has our 200: its ACK was lost, or was overtaken
	}
	if req.Method != sip.INVITE { // a re-INVITE may be refused and come again
		l.d.RemoteCSeq = seq
	}
	l.dispatch(req, o)
}

// dispatch gives a request to what answers it. mu is held.
func (l *Leg) dispatch(req *sip.Request, o origin) {
	switch string(req.Method) {
	case string(sip.BYE):
		l.bye(req, o)
	case string(sip.INVITE):
		l.reinvited(req, o)
	case string(sip.UPDATE):
		l.updated(&l.d, req, o)
	case string(sip.PRACK):
		l.pracked(req, o)
	case string(sip.INFO):
		l.info(req, o)
	case string(sip.NOTIFY):
		l.notify(req, o)
	case string(sip.REFER):
		l.referredIn(req, o)
	case string(sip.OPTIONS):
		l.settle(req, o, refuse(sip.StatusOK, "OK", capabilities()...))
	default:
		l.settle(req, o, unwanted(req.Method))
	}
}

// settle answers a request whose CSeq is used up: without memory a repetition
// would look like an old one.
func (l *Leg) settle(req *sip.Request, o origin, r *refusal) {
	res := l.ua.response(req, r.status, r.reason, l.d.LocalTag)
	for _, h := range r.extra {
		res.AppendHeader(h)
	}
	l.ua.settle(req, o, res)
}

// bye takes the peer's BYE. Before our final answer it is as good as a CANCEL
// (RFC 3261 §15.1.2).
func (l *Leg) bye(req *sip.Request, o origin) {
	l.settle(req, o, refuse(sip.StatusOK, "OK"))
	switch l.state {
	case early:
		if l.srv != nil {
			l.giveUp(l.srv)
		}
	case answered, up:
		q850, text := cause(req)
		l.leave()
		l.tell(Hungup{Reason: text, Q850: q850})
	case over:
	}
	l.forget()
}

// Hangup ends the leg as its state needs: a ringing caller is refused, a
// ringing phone cancelled, a call ended with BYE, after the ACK if that is
// still to come. It may be called at any time and more than once. A phone
// that we called still reports Failed; else no event follows but those that
// were under way, the ACK for example.
func (l *Leg) Hangup(q850 int, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := &goodbye{q850: q850, reason: reason}
	switch l.state {
	case early:
		if l.cli != nil {
			l.cancel(g)
		} else if l.srv != nil {
			status, text := refusalFor(q850)
			l.refuseInvite(l.srv, status, text, reasonHeader(g))
			l.leave()
			l.forget()
		}
	case answered:
		if l.wish == nil {
			l.wish = g
		}
	case up:
		l.part(g)
	case over:
	}
}

// part sends BYE. mu is held.
func (l *Leg) part(g *goodbye) {
	l.leave()
	req, f, err := l.compose(sip.BYE)
	if err != nil {
		l.ua.log.Warn("no way to send BYE", "sip_call_id", l.d.CallID, "err", err)
		l.forget()
		return
	}
	for _, h := range reasonHeader(g) {
		req.AppendHeader(h)
	}
	l.ask(req, f, func(*sip.Response, error) { l.forget() })
}

func reasonHeader(g *goodbye) []sip.Header {
	if g == nil || g.q850 <= 0 && g.reason == "" {
		return nil
	}
	cause := causeNormal
	if g.q850 > 0 {
		cause = g.q850
	}
	v := fmt.Sprintf("Q.850;cause=%d", cause)
	if g.reason != "" && plain(g.reason) {
		v += `;text="` + quote(g.reason) + `"`
	}
	return []sip.Header{sip.NewHeader("Reason", v)}
}

// refusalFor turns a cause into the final answer to an INVITE.
func refusalFor(q850 int) (status int, reason string) {
	switch q850 {
	case causeUnknown:
		return sip.StatusNotFound, "Not Found"
	case causeBusy:
		return sip.StatusBusyHere, "Busy Here"
	case causeReject:
		return sip.StatusGlobalDecline, "Decline"
	case causeFull, causeLater:
		return sip.StatusServiceUnavailable, "Service Unavailable"
	case faultCause:
		return sip.StatusInternalServerError, "Internal Error"
	case causeCodec:
		return sip.StatusNotAcceptableHere, "Not Acceptable Here"
	case causeAbsent:
	}
	return sip.StatusTemporarilyUnavailable, "Temporarily Unavailable"
}
