package sdp

import (
	"slices"
	"strings"

	"tierline/media/keying"
)

// Transport protocols of an audio line.
const (
	protocolAVP    = "RTP/AVP"
	protocolSAVP   = "RTP/SAVP"
	protocolSAVPF  = "RTP/SAVPF"
	protocolTLS    = "UDP/TLS/RTP/SAVP"
	protocolTLSAVF = "UDP/TLS/RTP/SAVPF"
)

// protocol says what a line is protected with, by its protocol alone.
type protocol uint8

const (
	unspoken  protocol = iota
	open               // plain, or keys for who understands them (RFC 8643)
	keyed              // keys, or a handshake
	handshake          // a handshake
)

func (m *Media) protocol() protocol {
	switch strings.ToUpper(m.Protocol) {
	case protocolAVP:
		return open
	case protocolSAVP, protocolSAVPF:
		return keyed
	case protocolTLS, protocolTLSAVF:
		return handshake
	}
	return unspoken
}

// security is what a line says of its protection.
type security struct {
	cryptos      []crypto
	objection    string // to the last crypto line that can't be used
	fingerprints []Fingerprint
	setup        Setup
	ufrag        string
	password     string
	lite         bool
}

// read takes an attribute, if it is one of ours.
func (s *security) read(name, value string) {
	switch name {
	case "crypto":
		if len(s.cryptos) == maxCryptos {
			return
		}
		if c, why := parseCrypto(value); why != "" {
			s.objection = why
		} else {
			s.cryptos = append(s.cryptos, c)
		}
	case "fingerprint":
		if f, ok := parseFingerprint(value); ok && len(s.fingerprints) < maxCryptos {
			s.fingerprints = append(s.fingerprints, f)
		}
	case "setup":
		s.setup = parseSetup(value)
	case "ice-ufrag":
		s.ufrag = checked(value, 4)
	case "ice-pwd":
		s.password = checked(value, 22)
	case "ice-lite":
		s.lite = true
	}
}

// checked returns a word of ICE, or nothing if it can't be one (RFC 8839 §5.4).
func checked(value string, least int) string {
	value = strings.TrimSpace(value)
	if len(value) < least || len(value) > 256 || !printable(value) {
		return ""
	}
	return value
}

// inherit fills in what only the session says.
func (s *security) inherit(of *security) {
	if len(s.fingerprints) == 0 {
		s.fingerprints = of.fingerprints
	}
	if s.setup == setupUnsaid {
		s.setup = of.setup
	}
	if s.ufrag == "" && s.password == "" {
		s.ufrag, s.password = of.ufrag, of.password
	}
	s.lite = s.lite || of.lite
}

// secure says that keys or a fingerprint were offered.
func (s *security) secure() bool {
	return len(s.cryptos) > 0 || s.objection != "" || len(s.fingerprints) > 0
}

// checks says that the peer looks for us by ICE: its address is the one that
// its checks come from. Between two lite sides nobody looks.
func (s *security) checks() bool {
	return len(s.fingerprints) > 0 && s.ufrag != "" && s.password != "" && !s.lite
}

// offers tells what stands in an offer of ours.
func (s *Security) offers() (protocol string, keys, tls bool) {
	tls = s.Fingerprint.valid()
	switch {
	case s.Policy == Never:
		return protocolAVP, false, false
	case s.Browser && tls:
		return protocolTLSAVF, false, true
	case s.Policy == Required:
		return protocolSAVP, true, tls
	case s.Private:
		return protocolAVP, true, tls
	}
	return protocolAVP, false, false
}

// offered returns the crypto lines of an offer of ours.
func (s *Security) offered() []crypto {
	out := make([]crypto, 0, keying.Offered)
	for suite := keying.None + 1; suite <= keying.Offered; suite++ {
		out = append(out, crypto{tag: string('0' + rune(suite)), keys: s.keys(suite, keying.Key{})})
	}
	return out
}

// answerTo finds the protection for a line that the peer offers.
func (s *Security) answerTo(m *Media) (p Protection, tag string, bad *Error) {
	said := &m.security
	if s.Policy == Never {
		if m.protocol() != open {
			return p, "", unacceptable(m.line, "only plain RTP is spoken here (keys offered: %t)", said.secure())
		}
		return p, "", nil
	}
	if m.protocol() != handshake && len(said.cryptos) > 0 {
		c := said.cryptos[0]
		return Protection{Receive: c.keys, Send: s.keys(c.keys.Suite, c.keys)}, c.tag, nil
	}
	if s.Fingerprint.valid() && len(said.fingerprints) > 0 && m.protocol() != unspoken {
		p.DTLS = &DTLS{Client: said.setup == setupPassive, Peer: said.fingerprints}
		if said.checks() {
			p.ICE = s.ice(said.ufrag)
		}
		return p, "", nil
	}
	switch {
	case m.protocol() == open && s.Policy == Optional:
		return p, "", nil
	case said.objection != "":
		return p, "", unacceptable(m.line, "%s", said.objection)
	case m.protocol() == open:
		return p, "", unacceptable(m.line, "plain RTP, and keys are required here")
	}
	return p, "", unacceptable(m.line, "no keys that we can use")
}

// accepts finds the protection that the peer chose from our offer.
func (s *Security) accepts(m *Media) (p Protection, bad *Error) {
	said := &m.security
	protocol, keys, tls := s.offers()
	if keys && len(said.cryptos) > 0 {
		return s.acceptsKeys(m, said.cryptos[0])
	}
	if tls && len(said.fingerprints) > 0 {
		p.DTLS = &DTLS{Client: said.setup == setupPassive, Peer: said.fingerprints}
		if s.Browser && said.checks() {
			p.ICE = s.ice("")
			p.ICE.RemoteUfrag = said.ufrag
		}
		return p, nil
	}
	switch {
	case m.protocol() != open && s.Policy == Never:
		return p, unacceptable(m.line, "only plain RTP is spoken here (keys offered: %t)", said.secure())
	case m.protocol() != open:
		return p, unacceptable(m.line, "answers without keys that we can use: %s", said.objection)
	case protocol != protocolAVP:
		return p, unacceptable(m.line, "plain RTP, and keys are required here")
	}
	return p, nil
}

func (s *Security) acceptsKeys(m *Media, c crypto) (Protection, *Error) {
	i := slices.IndexFunc(s.offered(), func(o crypto) bool { return o.tag == c.tag && o.keys.Suite == c.keys.Suite })
	if i < 0 {
		return Protection{}, unacceptable(m.line, "answers with a crypto suite that was not offered")
	}
	return Protection{Receive: c.keys, Send: s.keys(c.keys.Suite, keying.Key{})}, nil
}

// pick chooses the line to answer: one that fits our wish for protection, with
// protection if there is the choice; the one to refuse, with the reason,
// otherwise.
func (s *Session) pick(o *Security) (m *Media, bad *Error) {
	var open *Media
	for i := range s.media {
		l := &s.media[i]
		if !l.usable() || l.Port == 0 {
			continue
		}
		p, _, refused := o.answerTo(l)
		switch {
		case refused != nil:
			if bad == nil {
				bad = refused
			}
		case !p.Plain():
			return l, nil
		case open == nil:
			open = l
		}
	}
	switch {
	case open != nil:
		return open, nil
	case bad != nil:
		return nil, bad
	case s.Audio != nil: // switched off
		return s.Audio, nil
	}
	return nil, s.nothingUsable()
}

// Redact replaces the keys in a body, for whoever shows or stores one.
func Redact(body []byte) []byte {
	text := string(body)
	if !strings.Contains(text, inlineKey) && !strings.Contains(text, icePassword) &&
		!strings.Contains(text, keyManagement) && !strings.Contains(text, "k=") {
		return body
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		end := line[len(strings.TrimRight(line, "\r\n")):]
		for _, name := range []string{icePassword, keyManagement, "k="} {
			if strings.HasPrefix(line, name) {
				line = name + redacted + end
			}
		}
		for rest := line; ; { // a line may hold several (RFC 4568 §6.1)
			before, key, ok := strings.Cut(rest, inlineKey)
			b.WriteString(before)
			if !ok {
				break
			}
			over := strings.IndexAny(key, "|; \r\n")
			if over < 0 {
				over = len(key)
			}
			b.WriteString(inlineKey + redacted)
			rest = key[over:]
		}
	}
	return []byte(b.String())
}

const (
	inlineKey     = "inline:"
	icePassword   = "a=ice-pwd:"
	keyManagement = "a=key-mgmt:"
	redacted      = "***"
)
