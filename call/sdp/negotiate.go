package sdp

import (
	"fmt"
	"net/netip"
	"strings"

	"tierline/media/keying"
)

// Offer writes a description that offers all our codecs.
func Offer(o LocalOptions) []byte {
	s := &o.Security
	a := audio{event: o.eventPT(), direction: o.Direction}
	var keys bool
	if a.protocol, keys, a.tls = s.offers(); keys {
		a.cryptos = s.offered()
	}
	if a.tls {
		a.mux, a.setup = true, "actpass"
		if s.Browser {
			a.ice, a.mid, a.bundled = s.ice(""), "0", true
		}
	}
	for _, codec := range o.Codecs {
		a.formats = append(a.formats, static(codec))
	}
	var b strings.Builder
	writeHead(&b, o, a)
	writeAudio(&b, o, a)
	return []byte(b.String())
}

// Answer answers an offer: our first codec that it has, by its numbers; its
// direction turned round; every other line refused. The error is an [*Error].
func Answer(offer *Session, o LocalOptions) (body []byte, n Negotiated, err error) {
	m, bad := offer.pick(&o.Security)
	if bad != nil {
		return nil, Negotiated{}, bad
	}
	n, bad = negotiate(m, o, o.Codecs, o.Direction)
	if bad != nil {
		return nil, Negotiated{}, bad
	}
	answered := o
	if n.Disabled {
		answered.Port = 0
	}
	a, bad := answerLine(m, &n, &o.Security)
	if bad != nil {
		return nil, Negotiated{}, bad
	}
	var b strings.Builder
	writeHead(&b, o, a)
	for i := range offer.media {
		l := &offer.media[i]
		if l == m {
			writeAudio(&b, answered, a)
			continue
		}
		fmt.Fprintf(&b, "m=%s 0 %s %s\r\n", l.Kind, l.Protocol, l.firstFormat)
		if l.mid != "" {
			b.WriteString("a=mid:" + l.mid + "\r\n")
		}
	}
	return []byte(b.String()), n, nil
}

// answerLine is what we write in answer to a line, with its protection, which
// goes into n too.
func answerLine(m *Media, n *Negotiated, s *Security) (audio, *Error) {
	f := static(n.Codec)
	f.PT = n.PT
	a := audio{
		protocol: m.Protocol, formats: []Format{f}, event: n.EventPT, mux: n.RTCPMux,
		direction: direction(n.Send, n.Receive), mid: m.mid, bundled: m.bundled,
	}
	if n.Disabled {
		return a, nil
	}
	var tag string
	var bad *Error
	if n.Protection, tag, bad = s.answerTo(m); bad != nil {
		return a, bad
	}
	a.ice = n.Protection.ICE
	switch p := n.Protection; {
	case p.DTLS != nil:
		a.tls, a.setup = true, "passive"
		if p.DTLS.Client {
			a.setup = "active"
		}
	case p.Send.Suite != keying.None:
		a.cryptos = []crypto{{tag: tag, keys: p.Send}}
	}
	return a, nil
}

// Accept takes the answer to what Offer wrote from the same options. The error
// is an [*Error].
func Accept(answer *Session, offered LocalOptions) (Negotiated, error) {
	if answer.Lines != 1 {
		return Negotiated{}, unacceptable(0, "an answer with %d media lines to an offer with one", answer.Lines)
	}
	m := answer.Audio
	if m == nil {
		return Negotiated{}, answer.nothingUsable()
	}
	if m.Port == 0 {
		return Negotiated{}, unacceptable(m.line, "the audio line was refused")
	}
	n, bad := negotiate(m, offered, m.order(offered.Codecs), offered.Direction)
	if bad != nil {
		return Negotiated{}, bad
	}
	if n.PT != n.Codec {
		return Negotiated{}, unacceptable(m.line, "answers with a payload type that was not offered")
	}
	if n.Protection, bad = offered.Security.accepts(m); bad != nil {
		return Negotiated{}, bad
	}
	if _, _, mux := offered.Security.offers(); n.RTCPMux && !mux {
		n.RTCPMux, n.RTCP = false, netip.AddrPort{} // not offered
	}
	return n, nil
}

// order sorts our codecs as the line lists them: in an answer the peer's first
// choice counts.
func (m *Media) order(codecs []uint8) []uint8 {
	out := make([]uint8, 0, len(codecs))
	for _, f := range m.Formats {
		for _, c := range codecs {
			if pt, ok := m.format(c); ok && pt == f.PT {
				out = append(out, c)
			}
		}
	}
	return out
}

// negotiate turns the peer's line round to our view. codecs stand in the order
// that decides; wish is the direction we want ourselves.
func negotiate(m *Media, o LocalOptions, codecs []uint8, wish Direction) (Negotiated, *Error) {
	n := Negotiated{RTCPMux: m.RTCPMux, EventPT: m.eventPT(), Ptime: m.Ptime, Disabled: m.Port == 0}
	_, n.Opus = m.format(Opus)
	if o.NoEvents {
		n.EventPT = 0
	}
	found := false
	for _, c := range codecs {
		if n.PT, found = m.format(c); found {
			n.Codec = c
			break
		}
	}
	if !found {
		return Negotiated{}, unacceptable(m.line, "none of our codecs")
	}
	if n.Disabled {
		n.Hold = true
		return n, nil
	}
	hears := m.Direction.receives()
	switch {
	case m.checks(): // it will find us; where it is turns out then
	case m.Addr.IsUnspecified():
		hears = false
	default:
		n.Remote, n.RTCP = netip.AddrPortFrom(m.Addr, uint16(m.Port)), m.RTCP
		if err := reachable(n.Remote, o, m.line); err != nil {
			return Negotiated{}, err
		}
	}
	n.Hold = !hears
	n.Send = hears && wish.sends()
	n.Receive = m.Direction.sends() && wish.receives()
	return n, nil
}

// reachable refuses destinations that our address can't reach, and those by
// which a stranger would have us talk to ourselves.
func reachable(remote netip.AddrPort, o LocalOptions, line int) *Error {
	ip := o.IP.Unmap()
	switch {
	case remote.Addr().Is4() != ip.Is4():
		return unacceptable(line, "an address of the other IP version")
	case remote.Addr().IsLoopback() && !ip.IsLoopback():
		return unacceptable(line, "a loopback address from outside")
	case remote == netip.AddrPortFrom(ip, uint16(o.Port)):
		return unacceptable(line, "our own address")
	}
	return nil
}

func (s *Session) nothingUsable() *Error {
	for i := range s.media {
		m := &s.media[i]
		switch {
		case !m.audio():
			continue
		case m.protocol() == unspoken:
			return unacceptable(m.line, "a transport protocol that is not spoken here")
		}
		return unacceptable(m.line, "none of our codecs")
	}
	return unacceptable(0, "no audio line")
}
