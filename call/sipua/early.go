package sipua

import (
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// earlyDialog is one that a provisional answer to our INVITE began; each branch
// of a fork has its own.
type earlyDialog struct {
	d    Dialog
	rseq uint32 // of the last reliable provisional; 0: none yet
	sdp  []byte // the last it told
}

// forksMost bounds the early dialogs of one INVITE.
const forksMost = 16

// earlyOf returns the early dialog that a response belongs to, nil if it names
// none, or one too many. mu is held.
func (l *Leg) earlyOf(o *inviteOut, res *sip.Response) *earlyDialog {
	to := res.To()
	if to == nil {
		return nil
	}
	tag := tagOf(to.Params)
	e := o.early[tag]
	switch {
	case e != nil:
		return e
	case tag == "" || len(o.early) >= forksMost:
		return nil
	case o.early == nil:
		o.early = map[string]*earlyDialog{}
	}
	e = &earlyDialog{d: l.branchOf(res, tag)}
	o.early[tag] = e
	return e
}

// branchOf is the dialog that a response to our INVITE makes.
func (l *Leg) branchOf(res *sip.Response, tag string) Dialog {
	d := l.d.clone()
	d.RemoteTag, d.Routes = tag, nil
	routesOf(&d, res)
	return d
}

// routesOf takes target and route set from a response.
func routesOf(d *Dialog, res *sip.Response) {
	if c := res.Contact(); usable(c) { // else the one we called has to do
		d.Target = c.Address.String()
	}
	var routes []string
	for _, h := range res.Headers() {
		if rr, ok := h.(*sip.RecordRouteHeader); ok {
			routes = append(routes, rr.Address.String())
		}
	}
	slices.Reverse(routes)
	d.Routes = routes
}

// progress takes a provisional answer other than 100: it is acknowledged if the
// peer wants that (RFC 3262), and told. mu is held.
func (l *Leg) progress(o *inviteOut, res *sip.Response) {
	e := l.earlyOf(o, res)
	ev := Ringing{Status: res.StatusCode, SDP: slices.Clone(sdpOf(res))}
	if e != nil && supportsReliably(res) {
		if !l.inOrder(e, res) {
			return // again, or one before it is missing and will come again
		}
		l.prack(e, res)
	}
	if e != nil {
		ev.Fork = e.d.RemoteTag
		if len(ev.SDP) > 0 {
			e.sdp = ev.SDP
		}
	}
	if !o.final && !l.full() {
		l.tell(ev)
	}
}

func supportsReliably(res *sip.Response) bool {
	return has(res, "100rel", "Require") && rseqOf(res) > 0
}

func rseqOf(res *sip.Response) uint32 {
	n, err := strconv.ParseUint(strings.TrimSpace(value(res, "RSeq")), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

func (l *Leg) inOrder(e *earlyDialog, res *sip.Response) bool {
	n := rseqOf(res)
	if e.rseq != 0 && n != e.rseq+1 {
		return false
	}
	e.rseq = n
	return true
}

// prack acknowledges a provisional answer.
func (l *Leg) prack(e *earlyDialog, res *sip.Response) {
	routesOf(&e.d, res)
	e.d.LocalCSeq++
	req, f, err := l.ua.compose(&e.d, l.ep, sip.PRACK, e.d.LocalCSeq)
	if err != nil {
		l.ua.log.Warn("no way to send PRACK", "sip_call_id", l.d.CallID, "err", err)
		return
	}
	seq := res.CSeq()
	req.AppendHeader(sip.NewHeader("RAck", number(e.rseq)+" "+number(seq.SeqNo)+" "+string(seq.MethodName)))
	l.askIn(&e.d, req, f, func(*sip.Response, error) {}) // the peer repeats its answer until it has this
}

// earlyRequest takes a request of the peer in a dialog that isn't confirmed: an
// UPDATE, nothing else. mu is held.
func (l *Leg) earlyRequest(e *earlyDialog, req *sip.Request, o origin) {
	seq := req.CSeq().SeqNo
	switch {
	case e.d.RemoteCSeq != 0 && seq <= e.d.RemoteCSeq:
		l.ua.calm(req, o, refuse(sip.StatusInternalServerError, "CSeq is not higher"))
	case req.Method == sip.UPDATE && len(e.sdp) > 0:
		e.d.RemoteCSeq = seq
		l.updated(&e.d, req, o)
	default:
		l.ua.calm(req, o, refuse(sip.StatusForbidden, "Not Before The Answer"))
	}
}

// earlyFrom returns the early dialog that a request of the peer names. mu is
// held.
func (l *Leg) earlyFrom(req *sip.Request) *earlyDialog {
	if l.state != early || l.cli == nil {
		return nil
	}
	return l.cli.early[tagOf(req.From().Params)]
}
