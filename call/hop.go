package call

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"tierline/call/resolve"
	"tierline/call/sdp"
	"tierline/call/sipua"
)

// hop is a target and the whole address to call there.
type hop struct {
	target    string // without the number, for people
	uri       string
	addr      netip.AddrPort // one of the hosts that the target is a name of; none: look it up
	transport string         // of addr
}

// isName says whether DNS must be asked for where it is.
func (h hop) isName() bool { return !h.addr.IsValid() && !sourceOfURI(h.uri).IsValid() }

// signal is where its SIP comes from.
func (h hop) signal() netip.Addr {
	if h.addr.IsValid() {
		return h.addr.Addr()
	}
	return sourceOfURI(h.uri)
}

// tryNext calls the next target. Each try is a party of its own, so that what
// an earlier one still says is not taken for the present one's.
func (c *Call) tryNext(ctx context.Context, f *far) {
	for len(f.targets) > 0 {
		f.hop, f.targets = f.targets[0], f.targets[1:]
		if f.hop.isName() {
			c.findHosts(ctx, f)
			return
		}
		p := *f.party
		p.sip, p.dead, p.signal = nil, false, f.hop.signal()
		p.local.Security.Private = f.hop.private()
		f.party = &p
		d, err := c.sw.cfg.UA.Dial(sipua.DialRequest{
			Local:  c.home.sip,
			Target: f.hop.uri, Address: f.hop.addr, Transport: f.hop.transport, From: f.from,
			Asserted: f.asserted, Preferred: f.preferred, Private: f.withheld,
			SDP: sdp.Offer(p.local), Timeout: time.Until(f.limit), Patience: trunkPatience,
			Session: f.timer, Seed: newID(), // so that another process can cancel it
			Realm: f.account.Realm, Username: f.account.Username, Password: f.account.Password,
		}, c.signals(&p))
		if err == nil {
			c.attach(&p, d)
			c.keepLeg(&p)
			return
		}
		c.log.Warn("cannot call a target", "trunk", f.trunk, "err", err)
		c.sw.trunkFailed(f.trunk, f.hop.target+": "+err.Error())
		f.note(sipua.Failed{Status: 503, Trouble: err.Error()})
	}
	c.later(func() { c.farFailed(ctx, f, 503) })
}

// mostHosts is how many hosts of one name are tried.
const mostHosts = 6

// findHosts puts the hosts of a target that is a name in its place.
func (c *Call) findHosts(ctx context.Context, f *far) {
	named := f.hop
	c.sw.cfg.UA.Resolve(named.uri, func(found []resolve.Hop, err error) {
		c.later(func() {
			if f.over {
				return
			}
			if err != nil {
				c.log.Warn("cannot find a target", "trunk", f.trunk, "err", err)
				c.sw.trunkFailed(f.trunk, named.target+": "+err.Error())
				f.note(sipua.Failed{Status: 503, Trouble: err.Error()})
			}
			var hosts []hop
			for _, h := range found[:min(len(found), mostHosts)] {
				hosts = append(hosts, hop{target: named.target, uri: named.uri, addr: h.Addr, transport: h.Transport})
			}
			f.targets = append(hosts, f.targets...)
			c.tryNext(ctx, f)
		})
	})
}

// sourceOfURI is where a target's SIP comes from, if it is an address.
func sourceOfURI(uri string) netip.Addr {
	host := hostOf(uri)
	if at, err := netip.ParseAddrPort(host); err == nil {
		return at.Addr().Unmap()
	}
	at, _ := netip.ParseAddr(host) // a name
	return at.Unmap()
}

// hopFailed tries the next target if the number may be reached there.
func (c *Call) hopFailed(ctx context.Context, p *party, ev sipua.Failed) {
	f := p.far
	p.dead = true
	if f.hop.addr.IsValid() {
		c.sw.cfg.UA.Report(f.hop.addr, f.rang || alive(ev.Status))
	}
	f.note(ev)
	if blames(ev.Status) {
		c.sw.trunkFailed(f.trunk, fmt.Sprintf("%s: %s", f.hop.target, firstOf(ev.Trouble, fmt.Sprint(ev.Status))))
	}
	if !f.rang && ev.Status >= 500 && ev.Status < 600 && len(f.targets) > 0 && time.Now().Before(f.limit) {
		c.log.Info("target failed, trying the next", "trunk", f.trunk, "status", ev.Status)
		c.tryNext(ctx, f)
		return
	}
	c.farFailed(ctx, f, ev.Status)
}
