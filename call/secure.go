package call

import (
	"bytes"
	"crypto/rand"
	"strings"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/call/sipua"
	"tierline/media"
	"tierline/media/handshake"
	"tierline/media/ice"
	"tierline/routing/trunk"
)

// security is our side of what protects a leg; each leg has a secret of its own.
func (s *Switch) security(policy sdp.Policy) sdp.Security {
	f := s.cfg.Media.Fingerprint()
	out := sdp.Security{Policy: policy, Fingerprint: sdp.Fingerprint{Hash: f.Hash, Sum: f.Sum}}
	_, _ = rand.Read(out.Secret[:]) // never fails (crypto/rand)
	return out
}

// policyOf is what a trunk's document says.
func policyOf(t trunk.Trunk) sdp.Policy {
	policy, _ := sdp.ParsePolicy(t.SRTP) // nothing is never
	return policy
}

// private tells whether the hop is called by an encrypted transport.
func (h hop) private() bool {
	uri := strings.ToLower(h.uri)
	return h.transport == "tls" || strings.HasPrefix(uri, "sips:") || strings.Contains(uri, ";transport=tls")
}

// forPhone is our side towards one phone of an agent. A phone that speaks
// through a WebSocket is a browser.
func (s *Switch) forPhone(local sdp.LocalOptions, policy sdp.Policy, b acd.Binding) sdp.LocalOptions {
	local.Security = s.security(policy)
	switch strings.ToLower(b.Transport) {
	case "ws":
		local.Security.Browser = true
	case "wss":
		local.Security.Browser, local.Security.Private = true, true
	case "tls":
		local.Security.Private = true
	}
	return local
}

// keep has later offers to the leg say what was agreed: a re-INVITE of ours
// must not take the encryption away.
func (p *party) keep(agreed sdp.Protection) {
	s := &p.local.Security
	s.Private = s.Private || !agreed.Plain()
	s.Browser = agreed.ICE != nil
}

// storedLeg is a party's dialog as the log keeps it. That is sealed wherever it is
// written down, and holds the passwords of phones too: so keys that were agreed in
// SDP stay there, and another process goes on with them. Those of a handshake are
// in no SDP; it has to be made again.
func (p *party) storedLeg(d sipua.Dialog) ([]byte, error) {
	if bytes.Contains(d.LocalSDP, cryptoLine()) && bytes.Contains(d.RemoteSDP, cryptoLine()) {
		d.Secret = p.local.Security.Secret[:]
	} else {
		d.LocalSDP, d.RemoteSDP = sdp.Redact(d.LocalSDP), sdp.Redact(d.RemoteSDP)
	}
	return d.MarshalBinary() //nolint:wrapcheck // says what it is about
}

// invitedLeg is that of somebody who calls and will be answered with a body;
// early: or may not be for long.
func (p *party) invitedLeg(in Invitation, body []byte, early bool) ([]byte, error) {
	d := in.Dialog()
	if d.LocalSDP = body; !early {
		d.Invite = nil
	}
	return p.storedLeg(d)
}

func cryptoLine() []byte { return []byte("a=crypto:") }

// keyed tells whether the keys of a leg's sound are known.
func keyed(d sipua.Dialog) bool { return len(d.Secret) == len(sdp.Security{}.Secret) }

// sameKeys tells whether all keys of a body stand in another one.
func sameKeys(body, told []byte) bool {
	for line := range bytes.Lines(body) {
		if bytes.HasPrefix(line, cryptoLine()) && !bytes.Contains(told, bytes.TrimSpace(line)) {
			return false
		}
	}
	return true
}

// agreeAgain makes a party speak as another process has agreed with its peer. Who
// offered decides what our key is.
func (p *party) agreeAgain(d sipua.Dialog) error {
	body, err := p.answer(d.RemoteSDP)
	if err == nil && sameKeys(body, d.LocalSDP) {
		return nil
	}
	return p.accept(d.RemoteSDP)
}

// protection is what was agreed in the words of the media.
func protection(p sdp.Protection, resumed bool) media.Security {
	out := media.Security{Send: p.Send, Receive: p.Receive, Resumed: resumed}
	if p.DTLS != nil {
		out.DTLS = &media.DTLS{Client: p.DTLS.Client}
		for _, f := range p.DTLS.Peer {
			out.DTLS.Peer = append(out.DTLS.Peer, handshake.Fingerprint{Hash: f.Hash, Sum: f.Sum})
		}
	}
	if p.ICE != nil {
		out.ICE = &ice.Credentials{Ufrag: p.ICE.Ufrag, Password: p.ICE.Password, RemoteUfrag: p.ICE.RemoteUfrag}
	}
	return out
}
