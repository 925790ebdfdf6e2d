package sipua

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tierline/call/registrar"
)

// register takes a REGISTER to the handler, on a goroutine of its own.
func (u *UA) register(key string, req *sip.Request, o origin) {
	to := req.To()
	if to.Address.Scheme != "sip" && to.Address.Scheme != "sips" || userOf(&to.Address) == "" {
		u.calm(req, o, refuse(sip.StatusNotFound, "Not Found"))
		return
	}
	s := &serverTx{key: key, method: sip.REGISTER, source: o.from.Addr(), flow: o.back(req)}
	if !u.table.addServer(s) {
		return // repeated while the first is in work
	}
	select {
	case u.registers <- struct{}{}:
	default:
		u.counters.drop(dropOverload)
		u.finishRegister(s, u.tooBusy(req))
		return
	}
	go func() {
		defer func() { <-u.registers }()
		res := u.response(req, sip.StatusInternalServerError, "Internal Error", u.calmTag(req))
		u.guarded("register", func() {
			ctx, cancel := u.limited(registerPatience)
			defer cancel()
			answer := u.handler.Register(ctx, registerRequest(req, o))
			if o.conn != nil && answer.Status == sip.StatusOK {
				u.streams.settle(o.conn, homes(req, o.conn.remote))
			}
			res = u.registered(req, answer)
		})
		u.finishRegister(s, res)
	}()
}

func (u *UA) tooBusy(req *sip.Request) *sip.Response {
	res := u.response(req, sip.StatusServiceUnavailable, "Busy", u.calmTag(req))
	for _, h := range overloaded() {
		res.AppendHeader(h)
	}
	return res
}

func (u *UA) finishRegister(s *serverTx, res *sip.Response) {
	if res.StatusCode == sip.StatusOK {
		u.dress(res, nil)
	} else { // anybody may ask: he doesn't learn whose program this is
		res.SetBody(nil)
	}
	b, err := s.flow.encode(res)
	u.table.finish(s, b) // before the peer can ask again
	if err == nil {
		_ = s.flow.write(b) // counted; the peer will ask again
	}
}

func registerRequest(req *sip.Request, o origin) registrar.Request {
	q := registrar.Request{
		User: userOf(&req.To().Address), Domain: req.To().Address.Host, Expires: expires(value(req, "Expires")),
		CallID: req.CallID().Value(), CSeq: req.CSeq().SeqNo, Authorization: values(req, "Authorization"),
		Method: string(req.Method), URI: req.Recipient.String(), Source: o.from, Transport: o.ep.network,
		UserAgent: value(req, "User-Agent"),
	}
	for _, h := range req.Headers() {
		c, ok := h.(*sip.ContactHeader)
		switch {
		case !ok:
		case c.Address.Wildcard:
			q.Star = true
		default:
			contact := registrar.Contact{URI: c.Address.String(), Expires: -1}
			for _, p := range c.Params {
				if strings.EqualFold(strings.TrimSpace(p.K), "expires") {
					contact.Expires = expires(p.V)
				}
			}
			q.Contacts = append(q.Contacts, contact)
		}
	}
	return q
}

// expires reads seconds; -1 if there are none. A number too big is the
// biggest.
func expires(s string) int {
	s = strings.TrimSpace(s)
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return -1
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(n)
}

func (u *UA) registered(req *sip.Request, r registrar.Response) *sip.Response {
	res := u.response(req, r.Status, r.Reason, u.calmTag(req))
	add := func(name string, vs ...string) {
		for _, v := range vs {
			if plain(v) {
				res.AppendHeader(sip.NewHeader(name, v))
			}
		}
	}
	add("WWW-Authenticate", r.Challenge...)
	add("Contact", r.Contacts...)
	if r.MinExpires > 0 {
		add("Min-Expires", strconv.Itoa(r.MinExpires))
	}
	for _, h := range retryAfter(r.RetryAfter) {
		res.AppendHeader(h)
	}
	if r.Status == sip.StatusOK {
		add("Date", time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	}
	return res
}
