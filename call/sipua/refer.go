package sipua

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Referred is news of a Refer. The last one has Final set.
type Referred struct {
	Status   int  // of the REFER if it was not accepted, else of the call that the peer makes
	Accepted bool // the peer tries
	Final    bool
}

func (Referred) isLegEvent() {}

const (
	referEvent   = "refer"
	fragmentType = "message/sipfrag" // RFC 3420
	maxFragment  = 2048
)

// Refer asks the peer to call target in our place (RFC 3515). Referred follows,
// a final one unless the peer keeps silent about how it went: the caller of
// Refer bounds the time. The leg goes on until it is hung up.
func (l *Leg) Refer(target string) error {
	var to sip.Uri
	if !plain(target) || strings.ContainsAny(target, " <>") {
		return fmt.Errorf("refer to %q: %w", target, ErrInput)
	}
	if err := sip.ParseUri(target, &to); err != nil || to.Scheme != "sip" || to.Host == "" {
		return fmt.Errorf("refer to %q: %w", target, ErrInput)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != up {
		return fmt.Errorf("refer: %w", ErrOver)
	}
	req, f, err := l.compose(sip.REFER)
	if err != nil {
		return fmt.Errorf("refer: %w", err)
	}
	req.AppendHeader(sip.NewHeader("Refer-To", "<"+target+">"))
	req.AppendHeader(sip.NewHeader("Referred-By", "<"+l.d.LocalURI+">"))
	l.refers, l.referring = true, true
	l.ask(req, f, func(res *sip.Response, err error) {
		if !l.referring {
			return // a NOTIFY was faster
		}
		switch {
		case err != nil:
			status, _ := statusOf(err)
			l.referOver(Referred{Status: status, Final: true})
		case res.StatusCode >= 300:
			l.referOver(Referred{Status: res.StatusCode, Final: true})
		default:
			l.tell(Referred{Status: res.StatusCode, Accepted: true})
		}
	})
	return nil
}

// referOver reports the end of a Refer. mu is held.
func (l *Leg) referOver(ev Referred) {
	l.referring = false
	if l.state == up {
		l.tell(ev)
	}
}

// notify takes what the peer says of a call that we asked it to make. From
// whoever wasn't asked we take none.
func (l *Leg) notify(req *sip.Request, o origin) {
	event, _, _ := strings.Cut(value(req, "Event"), ";")
	status, ok := fragment(req)
	switch {
	case !l.refers:
		l.settle(req, o, unwanted(req.Method))
		return
	case !strings.EqualFold(strings.TrimSpace(event), referEvent):
		l.settle(req, o, refuse(sip.StatusCallTransactionDoesNotExists, "Subscription Does Not Exist"))
		return
	case l.full():
		l.settle(req, o, refuse(sip.StatusServiceUnavailable, "Busy", soon(3)...))
		return
	case !ok && len(req.Body()) > 0:
		l.settle(req, o, refuse(sip.StatusUnsupportedMediaType, "Unsupported Media Type",
			sip.NewHeader("Accept", fragmentType)))
		return
	}
	l.settle(req, o, refuse(sip.StatusOK, "OK"))
	state, _, _ := strings.Cut(value(req, "Subscription-State"), ";")
	ended := strings.EqualFold(strings.TrimSpace(state), "terminated")
	switch {
	case !l.referring:
	case ok && status >= 200:
		l.referOver(Referred{Status: status, Accepted: true, Final: true})
	case ended: // it says no more, and never said that somebody answered
		l.referOver(Referred{Status: sip.StatusTemporarilyUnavailable, Accepted: true, Final: true})
	case ok:
		l.tell(Referred{Status: status, Accepted: true})
	}
}

// fragment reads the status line that a NOTIFY carries.
func fragment(req *sip.Request) (status int, ok bool) {
	body, ct := req.Body(), req.ContentType()
	if ct == nil || len(body) > maxFragment {
		return 0, false
	}
	media, _, _ := strings.Cut(ct.Value(), ";")
	if !strings.EqualFold(strings.TrimSpace(media), fragmentType) {
		return 0, false
	}
	line, _, _ := bytes.Cut(body, []byte("\n"))
	rest, ok := bytes.CutPrefix(line, []byte("SIP/2.0 "))
	if !ok || len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' && rest[3] != '\r' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(rest[:3]), 10, 16)
	return int(n), err == nil && n >= 100 && n <= 699
}
