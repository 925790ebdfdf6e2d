package sipua

import (
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// response builds an answer. It shares headers with the request, which nobody
// changes after it was received.
func (u *UA) response(req *sip.Request, status int, reason, tag string) *sip.Response {
	res := sip.NewResponse(status, reason)
	if via := req.Via(); via != nil {
		for _, h := range req.Headers() {
			if v, ok := h.(*sip.ViaHeader); ok {
				res.AppendHeader(v)
			}
		}
	}
	if h := req.From(); h != nil {
		res.AppendHeader(h)
	}
	if h := req.To(); h != nil {
		res.AppendHeader(tagged(h, status, tag))
	}
	if h := req.CallID(); h != nil {
		res.AppendHeader(h)
	}
	if h := req.CSeq(); h != nil {
		res.AppendHeader(h)
	}
	return res
}

func tagged(h *sip.ToHeader, status int, tag string) *sip.ToHeader {
	if status == sip.StatusTrying || tagOf(h.Params) != "" {
		return h
	}
	to := &sip.ToHeader{DisplayName: h.DisplayName, Address: h.Address}
	to.Params = append(make(sip.HeaderParams, 0, len(h.Params)+1), h.Params...)
	to.Params = append(to.Params, sip.HeaderKV{K: "tag", V: tag})
	return to
}

// back returns the flow of the answer to a request: over TCP the connection
// it came on, else its source, at the port of Via unless the peer asked for
// the source's with rport (RFC 3261 §18.2.2, RFC 3581).
func (o origin) back(req *sip.Request) *flow {
	f := &flow{ep: o.ep, conn: o.conn, dst: o.from}
	via := req.Via()
	if o.conn != nil || via == nil || via.Host == "" { // none: a port in words
		return f
	}
	if !via.Params.Has("rport") {
		port := uint16(5060)
		if via.Port > 0 && via.Port < 1<<16 {
			port = uint16(via.Port)
		}
		f.dst = netip.AddrPortFrom(o.from.Addr(), port)
	}
	return f
}

// keepEvery is how often a peer that offers it shall ping us, in seconds
// (RFC 6223).
const keepEvery = "90"

// note writes into the top Via where the request came from. Names of
// parameters become lower case on the way.
func note(req *sip.Request, o origin) {
	via, from := req.Via(), o.from
	if via == nil {
		return
	}
	for i, p := range via.Params {
		via.Params[i].K = strings.ToLower(strings.TrimSpace(p.K))
		if via.Params[i].K == "keep" && p.V == "" && o.conn != nil { // it offers to keep the connection alive
			via.Params[i].V = keepEvery
		}
	}
	via.Params.Remove("received") // only we know that
	host := strings.Trim(via.Host, "[]")
	if via.Params.Has("rport") {
		via.Params.Add("rport", number(uint32(from.Port())))
		via.Params.Add("received", from.Addr().String())
	} else if host != from.Addr().String() {
		via.Params.Add("received", from.Addr().String())
	}
}

// calm answers without keeping state: the same request gets the same answer.
func (u *UA) calm(req *sip.Request, o origin, r *refusal) {
	if req.Method == sip.ACK {
		return
	}
	res := u.response(req, r.status, r.reason, u.calmTag(req))
	for _, h := range r.extra {
		res.AppendHeader(h)
	}
	u.dress(res, nil)
	_, _ = o.back(req).send(res) // counted; the peer will ask again
}

// settle answers a request for good: repetitions get the same bytes.
func (u *UA) settle(req *sip.Request, o origin, res *sip.Response) {
	u.dress(res, res.Body())
	f := o.back(req)
	b, err := f.send(res)
	if err != nil {
		return
	}
	u.table.answered(transactionKey(req, req.Method), b, f)
}

// dress adds what all answers carry last.
func (u *UA) dress(res *sip.Response, body []byte) {
	if u.userAgent != "" {
		res.AppendHeader(sip.NewHeader("Server", u.userAgent))
	}
	res.SetBody(body)
}

// capabilities are the headers that say what we do.
func capabilities() []sip.Header {
	return []sip.Header{
		sip.NewHeader("Allow", allowed), sip.NewHeader("Accept", sdpType), sip.NewHeader("Supported", supported),
	}
}

// complete reports whether a request has what an answer needs.
func complete(req *sip.Request) bool {
	return req.Via() != nil && req.From() != nil && req.To() != nil && req.CallID() != nil && req.CSeq() != nil
}

// plainEnough is a cheap look at what identifies a request before it is
// counted or echoed.
func plainEnough(req *sip.Request) bool {
	return plain(req.CallID().Value()) && plain(req.From().Address.User) && plain(string(req.CSeq().MethodName))
}
