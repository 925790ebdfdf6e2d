package sipua

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// path is where the requests of a dialog go: the parsed target and route set.
type path struct {
	target sip.Uri
	routes []sip.Uri
}

func (d *Dialog) path() (p path, err error) {
	if err = sip.ParseUri(d.Target, &p.target); err != nil {
		return p, fmt.Errorf("remote target: %w", err)
	}
	p.routes = make([]sip.Uri, len(d.Routes))
	for i, r := range d.Routes {
		if err = sip.ParseUri(r, &p.routes[i]); err != nil {
			return p, fmt.Errorf("route: %w", err)
		}
	}
	return p, nil
}

// compose builds the next request of the dialog and finds its way. mu is
// held.
func (l *Leg) compose(method sip.RequestMethod) (*sip.Request, *flow, error) {
	l.pay()
	l.d.LocalCSeq++
	return l.ua.compose(&l.d, l.ep, method, l.d.LocalCSeq)
}

// compose builds a request within a dialog and finds its way.
func (u *UA) compose(d *Dialog, ep *endpoint, method sip.RequestMethod, seq uint32) (*sip.Request, *flow, error) {
	p, err := d.path()
	if err != nil {
		return nil, nil, err
	}
	f, err := u.way(d, ep, p)
	if err != nil {
		return nil, nil, err
	}
	req, err := u.write(d, p, f, method, seq)
	return req, f, err
}

// write builds a request within a dialog (RFC 3261 §12.2.1.1).
func (u *UA) write(d *Dialog, p path, f *flow, method sip.RequestMethod, seq uint32) (*sip.Request, error) {
	uri, routes := p.target, p.routes
	if len(routes) > 0 && !loose(&routes[0]) { // a strict router wants to be the target
		uri = routes[0]
		routes = append(routes[1:], p.target)
	}
	uri.Headers = nil
	from, err := address(d.LocalURI, d.LocalTag)
	if err != nil {
		return nil, err
	}
	to, err := address(d.RemoteURI, d.RemoteTag)
	if err != nil {
		return nil, err
	}
	req := sip.NewRequest(method, uri)
	req.AppendHeader(f.ep.via(u.branch()))
	for i := range routes {
		req.AppendHeader(&sip.RouteHeader{Address: routes[i]})
	}
	forwards, id := sip.MaxForwardsHeader(70), sip.CallIDHeader(d.CallID)
	for _, h := range []sip.Header{
		&forwards, from, &sip.ToHeader{Address: to.Address, Params: to.Params}, &id,
		&sip.CSeqHeader{SeqNo: seq, MethodName: method}, sip.NewHeader("Contact", "<"+d.Contact+">"),
	} {
		req.AppendHeader(h)
	}
	if u.userAgent != "" {
		req.AppendHeader(sip.NewHeader("User-Agent", u.userAgent))
	}
	req.SetBody(nil)
	return req, nil
}

func address(uri, tag string) (*sip.FromHeader, error) {
	h := &sip.FromHeader{}
	if err := sip.ParseUri(uri, &h.Address); err != nil {
		return nil, fmt.Errorf("address %q: %w", uri, err)
	}
	if tag != "" {
		h.Params = sip.HeaderParams{{K: "tag", V: tag}}
	}
	return h, nil
}

func loose(uri *sip.Uri) bool {
	for _, p := range uri.UriParams {
		if strings.EqualFold(p.K, "lr") {
			return true
		}
	}
	return false
}

// body adds SDP to a request.
func body(req *sip.Request, sdp []byte) {
	if len(sdp) > 0 {
		req.AppendHeader(sip.NewHeader("Content-Type", sdpType))
		req.SetBody(sdp)
	}
}

// way finds the next hop of a request in a dialog: the first route, else the
// flow if the dialog has one, else the remote target. A hop that is a name is
// not looked up: the peer's own address is the better guess, and calls must
// not hang on DNS.
func (u *UA) way(d *Dialog, ep *endpoint, p path) (*flow, error) {
	hop := &p.target
	if len(p.routes) > 0 {
		hop = &p.routes[0]
	}
	dst, network, ok := hopOf(hop, ep.network)
	if !ok {
		dst = d.Peer
	}
	if network != ep.network && !secure(ep.network) { // what began in private stays so
		if other := u.endpoint(network); other != nil {
			ep = other
		}
	}
	if len(p.routes) == 0 {
		if f := u.moved(d, ep); f != nil {
			return f, nil
		}
	}
	there := func(at netip.AddrPort) bool { return u.streams.existing(connKey{ep.network, at, d.ServerName}) != nil }
	if len(p.routes) == 0 && d.Flow.IsValid() && (ep.network == UDP || there(d.Flow)) {
		dst = d.Flow
	}
	if ep.network != UDP && dst.Addr() == d.Peer.Addr() && there(d.Peer) {
		dst = d.Peer // the connection that is there
	}
	return u.flowTo(ep, dst, d.nameOf(hop, there(dst)))
}

// nameOf is what the peer at the next hop has to prove over TLS: nothing on the
// connection that the dialog already has, on another one the domain of the hop,
// or if that is but an address the one that was called.
func (d *Dialog) nameOf(hop *sip.Uri, there bool) string {
	_, err := netip.ParseAddr(strings.Trim(hop.Host, "[]"))
	if there || err == nil && d.ServerName != "" {
		return d.ServerName
	}
	return strings.Trim(hop.Host, "[]")
}

// flowTo returns the flow from an endpoint to an address; name is whom the
// peer has to prove to be if a TLS connection must be made.
func (u *UA) flowTo(ep *endpoint, dst netip.AddrPort, name string) (*flow, error) {
	if !dst.IsValid() || dst.Port() == 0 {
		return nil, fmt.Errorf("no address to send to: %w", ErrInput)
	}
	f := &flow{ep: ep, dst: dst}
	if ep.network == UDP {
		return f, nil
	}
	if ep.network != TLS {
		name = ""
	}
	c, err := u.streams.to(ep, connKey{ep.network, dst, name})
	if err != nil {
		return nil, err
	}
	f.conn = c
	return f, nil
}

// hopOf reads address and transport of a URI. ok is false if its host is a
// name.
func hopOf(uri *sip.Uri, network string) (dst netip.AddrPort, transport string, ok bool) {
	asked := ""
	for _, p := range uri.UriParams {
		if strings.EqualFold(p.K, "transport") {
			asked = p.V
		}
	}
	transport = named(uri.Scheme, asked, network)
	ip, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	if err != nil {
		return netip.AddrPort{}, transport, false
	}
	port := uri.Port
	if port <= 0 || port >= 1<<16 {
		port = int(usualPort(transport))
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(port)), transport, true
}

// ask sends a request of the dialog other than INVITE and answers one
// challenge. done is called with the final response or an error. mu is held.
func (l *Leg) ask(req *sip.Request, f *flow, done func(*sip.Response, error)) {
	l.askIn(&l.d, req, f, done)
}

// askIn is ask in a dialog that may be an early one.
func (l *Leg) askIn(d *Dialog, req *sip.Request, f *flow, done func(*sip.Response, error)) {
	tried := false
	var on func(*sip.Response, error)
	on = func(res *sip.Response, err error) {
		if res != nil && res.StatusCode < 200 {
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if res != nil && !tried && l.secret != nil {
			if again := l.answerChallenge(d, req, f, res); again != nil {
				tried = true
				l.ua.request(again, f, on)
				return
			}
		}
		done(res, err)
	}
	l.ua.request(req, f, on)
}
