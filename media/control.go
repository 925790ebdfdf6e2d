package media

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"tierline/media/rtcp"
)

// reportInterval is the minimum of RFC 3550 §6.2; two parties never need a
// longer one.
const reportInterval = 5 * time.Second

// reportAfter draws the time to the next report: 0.5 to 1.5 of the interval,
// of half of it for the first.
func reportAfter(first bool) time.Duration {
	d := reportInterval
	if first {
		d /= 2
	}
	return d/2 + rand.N(d)
}

// control is what a leg knows by RTCP.
type control struct {
	from         netip.AddrPort // where the peer's RTCP comes from
	lastSR       uint32         // middle bits of its last report's time …
	lastSRAt     time.Duration  // … and when it came
	remoteLost   int32
	remoteJitter uint32
	roundTrip    time.Duration
	told         bool   // the peer reported what it receives
	reported     uint64 // packets sent by the time of our last report
	said         bool   // we sent a report
}

// heard takes a report of the peer.
func (c *control) heard(r rtcp.Report, from netip.AddrPort, now time.Duration) {
	c.from = from
	if r.Sender {
		c.lastSR, c.lastSRAt = rtcp.Middle(r.NTP), now
	}
	if !r.HasBlock {
		return
	}
	c.told, c.remoteLost, c.remoteJitter = true, r.Block.Lost, r.Block.Jitter
	if d, ok := r.Block.RoundTrip(rtcp.Middle(rtcp.NTP(time.Now()))); ok {
		c.roundTrip = d
	}
}

// report sends our report, with a BYE when the leg closes.
func (l *Leg) report(now time.Duration, bye bool) {
	if l.reportAt == 0 {
		return
	}
	l.reportAt = now + reportAfter(false)
	if !bye {
		l.emit(Measured{l.quality()})
	}
	c := &l.control
	if bye && !c.said && l.out.sent() == 0 {
		return // nobody knows of us: RFC 3550 §6.3.7
	}
	r := rtcp.Report{SSRC: l.out.ssrc, NTP: rtcp.NTP(time.Now()), Bye: bye}
	l.out.report(&r, now, &c.reported)
	if l.reception.Started() {
		r.HasBlock = true
		fraction, lost := l.reception.Interval()
		r.Block = rtcp.Block{
			SSRC: l.reception.SSRC(), Fraction: fraction, Lost: lost,
			Highest: l.reception.Highest(), Jitter: l.reception.Jitter(),
		}
		if c.lastSRAt != 0 {
			r.Block.LastSR = c.lastSR
			r.Block.Delay = uint32((now - c.lastSRAt) << 16 / time.Second)
		}
	}
	b, err := rtcp.Marshal(r, l.engine.cname)
	if err != nil {
		l.engine.log.Error("write media report", "port", l.port, "err", err)
		return
	}
	if l.params.RTCPMux {
		c.said = l.out.control(b, 0, nil) || c.said
		return
	}
	if l.protection.hands != nil {
		return // it would need a handshake of its own (RFC 5764 §3)
	}
	if to := l.controlAddress(); to.IsValid() {
		address := makeSockaddr(to)
		c.said = l.out.control(b, l.rtcpFD, &address) || c.said
	}
}

// controlAddress is where our RTCP goes: the port after RTP, or behind a NAT
// where the peer's RTCP comes from.
func (l *Leg) controlAddress() netip.AddrPort {
	to := l.source.destination()
	if !to.IsValid() {
		return to
	}
	if l.control.from.Addr() == to.Addr() && to != l.params.Remote {
		return l.control.from
	}
	return netip.AddrPortFrom(to.Addr(), to.Port()+1)
}
