package sipua

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"tierline/call/resolve"
)

// lookupPatience is how long a request waits for DNS.
const lookupPatience = 6 * time.Second

// Resolve finds where a SIP URI leads to, and returns at once. on gets the hops,
// the best first, or why there are none.
func (u *UA) Resolve(target string, on func(hops []resolve.Hop, err error)) {
	go u.guarded("lookup", func() { on(u.hops(target)) })
}

// Report tells whether a hop of a name was any good; the next lookup puts those
// last that failed.
func (u *UA) Report(addr netip.AddrPort, good bool) { u.resolver.Report(addr, good) }

func (u *UA) hops(target string) ([]resolve.Hop, error) {
	var uri sip.Uri
	if !plain(target) || strings.ContainsAny(target, " <>") {
		return nil, ErrInput
	}
	if err := sip.ParseUri(target, &uri); err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	return u.find(&uri, "")
}

// find finds the hops of a URI. A transport that it names counts more than
// the one given.
func (u *UA) find(uri *sip.Uri, transport string) ([]resolve.Hop, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupPatience)
	defer cancel()
	q := resolve.Query{Host: uri.Host, Transport: transport}
	if uri.Port > 0 && uri.Port < 1<<16 {
		q.Port = uint16(uri.Port)
	}
	for _, p := range uri.UriParams {
		if strings.EqualFold(p.K, "transport") {
			q.Transport = named(uri.Scheme, p.V, transport)
		}
	}
	if uri.Scheme == "sips" {
		q.Transport = TLS
	}
	for _, network := range []string{UDP, TCP, TLS} {
		if ep := u.endpoint(network); ep != nil {
			q.Transports = append(q.Transports, network)
			q.IPv6 = q.IPv6 || ep.local.Addr().Is6()
		}
	}
	return u.resolver.Hops(ctx, q)
}

// lookup finds the best address of a URI for a transport.
func (u *UA) lookup(uri *sip.Uri, transport string) (netip.AddrPort, error) {
	hops, err := u.find(uri, transport)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return hops[0].Addr, nil
}
