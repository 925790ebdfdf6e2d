package sipua

import (
	"time"

	"github.com/emiago/sipgo/sip"
)

// Check asks the peer by OPTIONS whether it still has the call. If it hasn't, or
// says nothing for so long, the call is over: Hungup follows.
func (l *Leg) Check(patience time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != up || l.check != nil {
		return
	}
	req, f, err := l.compose(sip.OPTIONS)
	if err != nil {
		l.ua.log.Info("no way to send OPTIONS", "sip_call_id", l.d.CallID, "err", err)
		l.lose("no way to the peer", lostCause)
		return
	}
	req.AppendHeader(sip.NewHeader("Accept", sdpType))
	l.check = time.AfterFunc(patience, func() {
		l.ua.guarded("timer", func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.checked(sip.StatusRequestTimeout)
		})
	})
	l.ask(req, f, func(res *sip.Response, err error) {
		if err != nil {
			l.checked(sip.StatusRequestTimeout)
			return
		}
		l.checked(res.StatusCode)
	})
}

// checked takes what came of a check; only the first answer counts. mu is held.
func (l *Leg) checked(status int) {
	if l.check == nil {
		return
	}
	l.check.Stop()
	l.check = nil
	gone := status == sip.StatusRequestTimeout || status == sip.StatusCallTransactionDoesNotExists
	if gone && l.state == up {
		l.lose("silent", lostCause)
	}
}
