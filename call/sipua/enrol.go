package sipua

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tierline/call/registration"
)

// Enrol registers a contact of ours at a carrier and waits for the end of that,
// or of ctx. It answers one challenge.
func (u *UA) Enrol(ctx context.Context, r registration.Request) registration.Result {
	out := registration.Result{CallID: r.CallID, CSeq: r.CSeq}
	l, req, f, err := u.enrolment(r) //nolint:contextcheck // connections are everybody's
	if err != nil {
		out.Err = err
		return out
	}
	out.CallID = l.d.CallID
	answers := make(chan *sip.Response, 2)
	on := func(res *sip.Response, _ error) {
		if res == nil || res.StatusCode >= 200 {
			answers <- res
		}
	}
	for tried := false; ; tried = true {
		tx := u.request(req, f, on)
		var res *sip.Response
		select {
		case res = <-answers:
		case <-ctx.Done():
			tx.silence()
		}
		out.CSeq = l.d.LocalCSeq
		if res != nil && !tried && l.secret != nil {
			if again := l.answerChallenge(&l.d, req, f, res); again != nil {
				req = again
				continue
			}
		}
		if res != nil {
			readEnrolled(&out, res, r)
		}
		return out
	}
}

// enrolment composes a REGISTER. No leg comes of it.
func (u *UA) enrolment(r registration.Request) (*Leg, *sip.Request, *flow, error) {
	who := "sip:" + r.User + "@" + bracketed(r.Domain)
	l, _, err := u.newOutbound(DialRequest{
		Target: "sip:" + bracketed(r.Domain), Transport: r.Hop.Transport, ServerName: serverOf(r.Line), From: who, To: who,
		Username: r.Username, Password: r.Password, Realm: r.Realm,
	})
	if err != nil {
		return nil, nil, nil, err
	}
	if r.CallID != "" {
		l.d.CallID = r.CallID
	}
	l.d.LocalCSeq, l.d.Peer = r.CSeq+1, r.Hop.Addr
	_, host, _ := strings.Cut(l.d.Contact, "@")
	l.d.Contact = "sip:" + r.User + "@" + host + ";" + lineParam + "=" + r.Token
	f, err := u.flowTo(l.ep, r.Hop.Addr, l.d.ServerName)
	if err != nil {
		return nil, nil, nil, err
	}
	p, err := l.d.path()
	if err != nil {
		return nil, nil, nil, err
	}
	req, err := u.write(&l.d, p, f, sip.REGISTER, l.d.LocalCSeq)
	if err != nil {
		return nil, nil, nil, err
	}
	req.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(int(r.Expires/time.Second))))
	req.AppendHeader(sip.NewHeader("Allow", allowed))
	return l, req, f, nil
}

// lineParam is the parameter of our contacts that says which registration a
// call comes by.
const lineParam = "line"

func bracketed(host string) string {
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		return "[" + host + "]"
	}
	return host
}

// serverOf is whom a registrar has to prove to be over TLS.
func serverOf(l registration.Line) string {
	if l.Name != "" {
		return l.Name
	}
	var uri sip.Uri
	if sip.ParseUri(l.Registrar, &uri) != nil {
		return ""
	}
	return strings.Trim(uri.Host, "[]")
}

// readEnrolled reads what a registrar grants: the time of our own contact, for
// others may be registered beside it.
func readEnrolled(out *registration.Result, res *sip.Response, r registration.Request) {
	whole := func(name string) time.Duration { return time.Duration(seconds(value(res, name))) * time.Second }
	out.Status, out.Reason = res.StatusCode, printable(res.Reason)
	out.MinExpires, out.RetryAfter = whole("Min-Expires"), whole("Retry-After")
	out.Expires = r.Expires
	if h := res.GetHeader("Expires"); h != nil {
		out.Expires = whole("Expires")
	}
	for _, h := range res.Headers() {
		c, ok := h.(*sip.ContactHeader)
		if !ok || lineOf(&c.Address) != r.Token {
			continue
		}
		for _, p := range c.Params {
			if strings.EqualFold(p.K, "expires") {
				out.Expires = time.Duration(seconds(p.V)) * time.Second
			}
		}
	}
}

// lineOf reads the line of a URI of ours; "" if it has none.
func lineOf(uri *sip.Uri) string {
	for _, p := range uri.UriParams {
		if strings.EqualFold(p.K, lineParam) {
			return p.V
		}
	}
	return ""
}
