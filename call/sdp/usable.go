package sdp

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// finish works out what each line means and picks the one to use.
func (p *parser) finish() (*Session, error) {
	s := &p.s
	s.Lines = len(p.sections)
	s.media = make([]Media, 0, s.Lines)
	s.index = -1
	for _, sec := range p.sections {
		sec.inherit(&p.security)
		sec.bundled = sec.mid != "" && slices.Contains(p.bundle, sec.mid)
		if err := p.complete(sec); err != nil {
			return nil, err
		}
		s.media = append(s.media, sec.Media)
	}
	for i := range s.media {
		if m := &s.media[i]; m.usable() && (s.Audio == nil || s.Audio.Port == 0 && m.Port != 0) {
			s.Audio, s.index = m, i
		}
	}
	return s, nil
}

// complete judges an audio line that we could use. Lines of other kinds are
// going to be refused; what they say doesn't matter.
func (p *parser) complete(sec *section) *Error {
	if !sec.audio() || sec.protocol() == unspoken {
		return nil
	}
	if !sec.explicit {
		sec.Direction = p.direction
	}
	if err := sec.formats(); err != nil {
		return err
	}
	if sec.Ptime == 0 {
		sec.Ptime = defaultPtime
	}
	if sec.maxPtime != 0 {
		sec.Ptime = min(sec.Ptime, sec.maxPtime)
	}
	if sec.Port == 0 || sec.checks() {
		return nil
	}
	if sec.Port < lowestPort {
		return unacceptable(sec.line, "port below %d", lowestPort)
	}
	c := sec.conn
	if c.line == 0 {
		c = p.conn
	}
	switch {
	case c.line == 0:
		return unacceptable(sec.line, "no address for this line")
	case c.bad != "":
		return unacceptable(c.line, "%s", c.bad)
	}
	sec.Addr = c.addr
	sec.RTCP = rtcpAddress(sec)
	return nil
}

// formats reads the payload types and what they mean.
func (sec *section) formats() *Error {
	var seen [128]bool
	for _, number := range sec.numbers {
		pt, err := strconv.ParseUint(number, 10, 7)
		if err != nil {
			return unacceptable(sec.line, "a payload type is not a number from 0 to 127")
		}
		if seen[pt] {
			continue
		}
		seen[pt] = true
		f, ok := sec.maps[uint8(pt)]
		if !ok {
			f = static(uint8(pt))
		}
		sec.Formats = append(sec.Formats, f)
	}
	return nil
}

// static returns what a payload type means without an rtpmap: RFC 3551 as far
// as we speak it.
func static(pt uint8) Format {
	f := Format{PT: pt, Rate: codecRate, Channels: 1}
	switch pt {
	case PCMU:
		f.Name = "PCMU"
	case PCMA:
		f.Name = "PCMA"
	case Opus:
		f.Name, f.Rate, f.Channels = opusName, 48000, 2
	case G722:
		f.Name = "G722" // sampled at 16 kHz; its clock of 8 kHz is an old mistake (RFC 3551 §4.5.2)
	}
	return f
}

// rtcpAddress is the next port, or what a=rtcp says if that can be trusted.
func rtcpAddress(sec *section) netip.AddrPort {
	if sec.Addr.IsUnspecified() {
		return netip.AddrPort{}
	}
	if sec.RTCPMux {
		return netip.AddrPortFrom(sec.Addr, uint16(sec.Port))
	}
	next := netip.AddrPort{}
	if sec.Port < 65535 {
		next = netip.AddrPortFrom(sec.Addr, uint16(sec.Port)+1)
	}
	number, rest, _ := strings.Cut(strings.TrimSpace(sec.rtcp), " ")
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil || port < lowestPort {
		return next
	}
	addr := sec.Addr
	if rest != "" {
		c := parseConnection(rest)
		if c.bad != "" || c.addr.IsUnspecified() {
			return next
		}
		addr = c.addr
	}
	return netip.AddrPortFrom(addr, uint16(port))
}

const (
	codecRate = 8000
	eventName = "TELEPHONE-EVENT"
	opusName  = "OPUS"
)

func (m *Media) audio() bool { return strings.EqualFold(m.Kind, "audio") }

// usable tells whether we could talk over this line.
func (m *Media) usable() bool {
	if !m.audio() || m.protocol() == unspoken {
		return false
	}
	for _, codec := range [...]uint8{PCMA, PCMU, G722, Opus} {
		if _, ok := m.format(codec); ok {
			return true
		}
	}
	return false
}

// format finds the payload type by which the line knows one of our codecs.
func (m *Media) format(codec uint8) (uint8, bool) {
	want := static(codec)
	for _, f := range m.Formats {
		if f.Name == want.Name && f.Rate == want.Rate && f.Channels == want.Channels {
			return f.PT, true
		}
	}
	return 0, false
}

// eventPT finds the payload type of telephone events, 0 if there are none.
// Which events are meant (fmtp) doesn't matter: everybody has 0-15.
func (m *Media) eventPT() uint8 {
	for _, f := range m.Formats {
		if f.Name == eventName && f.Rate == codecRate {
			return f.PT
		}
	}
	return 0
}
