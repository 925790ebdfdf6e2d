package call

import (
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

// StoredLeg is a dialog as the log keeps it: without the keys of its sound.
// Whoever goes on with the leg makes new ones in its re-INVITE, which it has to
// send anyway: the counters that belong to the old keys are gone with the
// process that held them.
func StoredLeg(d sipua.Dialog) ([]byte, error) {
	d.LocalSDP, d.RemoteSDP = sdp.Redact(d.LocalSDP), sdp.Redact(d.RemoteSDP)
	return d.MarshalBinary()
}

// protection is what was agreed in the words of the media.
func protection(p sdp.Protection) media.Security {
	out := media.Security{Send: p.Send, Receive: p.Receive}
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
