package media

import (
	"net/netip"
	"time"

	"tierline/media/rtcp"
	"tierline/media/rtp"
)

// rtpArrived takes one datagram from the RTP socket. It may write to b.
func (l *Leg) rtpArrived(b []byte, from netip.AddrPort, now time.Duration) {
	if reason, dropped := l.accept(b, from, now); dropped {
		l.work.count.drop(reason)
	}
}

func (l *Leg) accept(b []byte, from netip.AddrPort, now time.Duration) (Drop, bool) {
	switch {
	case l.failed:
		return DropFailed, true
	case l.params.Ptime == 0:
		return DropEarly, true
	}
	if reason, dropped, taken := l.establish(b, from, now); taken {
		return reason, dropped
	}
	switch {
	case rtcp.Is(b) && l.params.RTCPMux:
		l.rtcpArrived(b, from, now)
		return 0, false
	case rtcp.Is(b):
		return DropUnwanted, true
	}
	if !l.source.eligible(from.Addr()) { // what strangers send is not even parsed
		return l.stranger(), true
	}
	b, reason, dropped := l.open(b, false)
	if dropped {
		return reason, true
	}
	h, begin, end, err := l.work.reader.Parse(b)
	if err != nil {
		l.malformed++
		return DropMalformed, true
	}
	latched := l.source.latched
	if !l.source.accept(from, now) {
		return l.stranger(), true
	}
	l.lively = now
	if l.out.hush.on() {
		l.out.heard.Store(int64(now))
	}
	if l.source.latched != latched {
		l.out.aim(l.source.destination())
	}
	if !l.params.Receive {
		return DropHeld, true
	}
	return l.arrived(b, h, begin, end, now)
}

// stranger counts a packet from the wrong source. While there is no right one
// everybody is silenced, not strange.
func (l *Leg) stranger() Drop {
	if !l.source.remote.IsValid() {
		return DropHeld
	}
	l.strangers++
	return DropStranger
}

// arrived takes a packet from the right source in the right direction.
func (l *Leg) arrived(b []byte, h rtp.Header, begin, end int, now time.Duration) (Drop, bool) {
	k := kindOther
	switch {
	case begin == end:
	case h.PayloadType == l.params.PT:
		k = kindAudio
	case l.params.EventPT != 0 && h.PayloadType == l.params.EventPT:
		k = kindEvent
	}
	if !l.reception.Packet(h, now, k == kindAudio && l.params.Codec != Opus) {
		return DropUnsequenced, true
	}
	l.narrow.done = false
	k = l.listen(k, h, b[begin:end], now)
	if l.seat != nil {
		return l.seat.take(k, h, b[begin:end], now)
	}
	if l.peer == nil {
		return k.dropped()
	}
	result := l.peer.out.forward(&passing{
		from: l, header: h, datagram: b, begin: begin, end: end, kind: k, codec: l.params.Codec, at: now,
	})
	switch result {
	case forwardGone:
		l.peer = nil
	case forwardRefused:
		return DropReplaced, true
	case forwardFailed:
		return DropUnsendable, true
	case forwardDone:
	}
	return k.dropped()
}

// dropped says why packets of a kind go no further, if so.
func (k kind) dropped() (Drop, bool) {
	if k == kindClaimed {
		return DropClaimed, true
	}
	return DropUnwanted, k == kindOther
}

// rtcpArrived takes one control datagram.
func (l *Leg) rtcpArrived(b []byte, from netip.AddrPort, now time.Duration) {
	if l.failed || l.params.Ptime == 0 {
		l.work.count.drop(DropEarly)
		return
	}
	if !l.source.eligible(from.Addr()) {
		l.strangers++
		l.work.count.drop(DropStranger)
		return
	}
	b, reason, dropped := l.open(b, true)
	if dropped {
		l.work.count.drop(reason)
		return
	}
	r, err := rtcp.Parse(b, l.out.ssrc)
	if err != nil {
		l.malformed++
		l.work.count.drop(DropMalformed)
		return
	}
	l.lively = now
	l.control.heard(r, from, now)
}
