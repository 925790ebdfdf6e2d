package sipua

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// reinvite is a re-INVITE of ours.
type reinvite struct {
	sdp     []byte
	same    bool // sdp is what was agreed last
	headers []sip.Header
	done    func(status int, sdp []byte)
	req     *sip.Request
	flow    *flow
	tx      *clientTx
	tries   int
	authed  bool
	over    bool
	ack     []byte
	timer   *time.Timer
}

const (
	reinviteTries = 5 // after 491
	reinvitesMost = 8 // waiting
)

// Reinvite offers sdp to the peer of an established call. done gets the final
// status and the answer; it is called in order with the events. It waits for
// its turn, and after a 491 it is tried again. If the peer no longer knows
// the dialog, Hungup follows.
func (l *Leg) Reinvite(sdp []byte, done func(status int, sdp []byte)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &reinvite{sdp: slices.Clone(sdp), done: done}
	switch {
	case l.state == over || l.wish != nil:
		l.done(r, sip.StatusCallTransactionDoesNotExists, nil)
	case len(l.next) >= reinvitesMost:
		l.done(r, sip.StatusRequestPending, nil)
	default:
		l.next = append(l.next, r)
		l.proceed()
	}
}

// done reports the end of a re-INVITE. mu is held.
func (l *Leg) done(r *reinvite, status int, sdp []byte) {
	if r.over {
		return
	}
	r.over = true
	if r.timer != nil {
		r.timer.Stop()
	}
	if r.done != nil {
		l.post(item{fn: func() { r.done(status, sdp) }})
	}
}

// proceed starts the next re-INVITE if nothing else is under way. mu is held.
func (l *Leg) proceed() {
	if l.state != up || l.own != nil || l.srv != nil || l.resting || len(l.next) == 0 {
		return
	}
	r := l.next[0]
	l.next = l.next[1:]
	req, f, err := l.compose(sip.INVITE)
	if err != nil {
		l.ua.log.Warn("no way to send re-INVITE", "sip_call_id", l.d.CallID, "err", err)
		l.done(r, sip.StatusServiceUnavailable, nil)
		return
	}
	for _, h := range slices.Concat(r.headers, l.d.Session.ask(), []sip.Header{sip.NewHeader("Allow", allowed)}) {
		req.AppendHeader(h)
	}
	if r.same {
		r.sdp = slices.Clone(l.d.LocalSDP)
	}
	body(req, r.sdp)
	l.own = r
	r.tries++
	l.offer(r, req, f)
}

func (l *Leg) offer(r *reinvite, req *sip.Request, f *flow) {
	r.req, r.flow, r.ack = req, f, nil
	seq := req.CSeq().SeqNo
	r.tx = l.ua.request(req, f, func(res *sip.Response, err error) { l.reinviteAnswered(r, seq, res, err) })
	if r.timer != nil {
		r.timer.Stop()
	}
	r.timer = time.AfterFunc(64*sip.T1, func() { l.ua.guarded("timer", func() { l.overdue(r) }) })
}

// overdue gives up a re-INVITE that got provisional answers only.
func (l *Leg) overdue(r *reinvite) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own == r {
		r.tx.silence()
		l.reinviteFailed(r, sip.StatusRequestTimeout)
	}
}

// reinviteAnswered takes what comes back on our re-INVITE.
func (l *Leg) reinviteAnswered(r *reinvite, seq uint32, res *sip.Response, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		if status, _ := statusOf(err); l.own == r {
			l.reinviteFailed(r, status)
		}
	case res.StatusCode < 200:
	case res.StatusCode < 300:
		l.reinviteAccepted(r, seq, res)
	case l.own != r: // the call ended meanwhile
	default:
		l.reinviteRefused(r, res)
	}
}

func (l *Leg) reinviteAccepted(r *reinvite, seq uint32, res *sip.Response) {
	if r.ack != nil {
		_ = r.flow.write(r.ack) // the ACK was lost
		return
	}
	if c := res.Contact(); usable(c) {
		l.d.Target = c.Address.String() // target refresh
	}
	if ack, f, err := l.ua.compose(&l.d, l.ep, sip.ACK, seq); err == nil {
		r.ack, _ = f.send(ack) // counted; the 2xx will come again
		r.flow = f
	}
	r.req = nil
	if l.own != r {
		return
	}
	l.own = nil
	if l.state != up {
		return
	}
	l.agreeSession(res)
	before := l.d.RemoteSDP
	l.d.LocalSDP, l.d.RemoteSDP = r.sdp, slices.Clone(sdpOf(res))
	l.done(r, res.StatusCode, l.d.RemoteSDP)
	if r.same {
		l.refreshed(before)
	}
	l.proceed()
}

func (l *Leg) reinviteRefused(r *reinvite, res *sip.Response) {
	if l.secret != nil && !r.authed {
		if again := l.answerChallenge(&l.d, r.req, r.flow, res); again != nil {
			r.authed = true
			l.offer(r, again, r.flow)
			return
		}
	}
	if res.StatusCode == brief && r.tries < reinviteTries && l.state == up && l.d.Session.longer(res) {
		l.own, r.req = nil, nil
		l.next = append([]*reinvite{r}, l.next...)
		l.proceed()
		return
	}
	if res.StatusCode == sip.StatusRequestPending && r.tries < reinviteTries && l.state == up {
		l.rest(r)
		return
	}
	l.reinviteFailed(r, res.StatusCode)
}

// rest waits after glare: the side that made the Call-ID longer, so that the
// two don't meet again (RFC 3261 §14.1).
func (l *Leg) rest(r *reinvite) {
	l.own, l.resting = nil, true
	l.next = append([]*reinvite{r}, l.next...)
	wait := time.Duration(rand.IntN(201)) * 10 * time.Millisecond //nolint:gosec // keeps no secret
	if l.d.Caller {
		wait = 2100*time.Millisecond + time.Duration(rand.IntN(191))*10*time.Millisecond //nolint:gosec // the same
	}
	r.timer.Stop()
	r.timer = time.AfterFunc(wait, func() { l.ua.guarded("timer", l.rested) })
}

func (l *Leg) rested() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.resting = false
	l.proceed()
}

// reinviteFailed reports a re-INVITE that changed nothing. If the peer
// doesn't know the dialog any more or doesn't answer, the call is over.
func (l *Leg) reinviteFailed(r *reinvite, status int) {
	l.own, r.req = nil, nil
	alive := l.state == up
	l.done(r, status, nil)
	if alive && (status == sip.StatusCallTransactionDoesNotExists || status == sip.StatusRequestTimeout) {
		l.lose("re-INVITE: "+number(uint32(status)), faultCause) //nolint:gosec // a status
		return
	}
	l.proceed()
}

// Resume goes on with a dialog that another process began. Its first request
// is well above those the other may have sent after the dialog was written. A
// peer that can't reach us to repeat its answer may never have got an ACK: it
// gets one before that.
func (u *UA) Resume(d Dialog, on func(LegEvent)) *Leg {
	d = d.clone()
	now := uint32(time.Now().Unix() & 0x7fffffff) //nolint:gosec // masked
	written, away := d.LocalCSeq, !u.Serves(d)
	d.LocalCSeq = min(max(d.LocalCSeq+1000, now), 1<<31-1000)
	ep := u.heir(&d)
	scheme, _, _ := strings.Cut(d.Contact, ":")
	d.Transport, d.Contact = ep.network, ep.contactFor(scheme)
	l := &Leg{ua: u, ep: ep, d: d, state: up, on: on}
	if d.Caller && away {
		l.owed = &owed{&inviteOut{}, written}
	}
	u.table.addLeg(l)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keepSession(time.Second + rand.N(resumedRefresh)) //nolint:gosec // spreads load, keeps no secret
	return l
}
