package call

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/call/sipua"
)

// keyedBody is an offer of keys; with tls also of a handshake alone.
func keyedBody(secret byte, tls bool) []byte {
	o := sdp.LocalOptions{
		IP: netip.MustParseAddr("192.0.2.1"), Port: 4000, Codecs: sdp.DefaultCodecs(),
		Security: sdp.Security{Policy: sdp.Required, Secret: [32]byte{secret}, Browser: tls},
	}
	if tls {
		o.Security.Fingerprint = sdp.Fingerprint{Hash: "sha-256", Sum: make([]byte, 32)}
	}
	return sdp.Offer(o)
}

// The log is sealed wherever it is written, and another process goes on with the
// keys. Whatever it has no use for isn't kept.
func TestStoredLegHoldsTheKeysOfItsSoundOnly(t *testing.T) {
	p := &party{}
	p.local.Security.Secret = [32]byte{1}
	for name, tt := range map[string]struct {
		ours, theirs []byte
		keyed        bool
	}{
		"keys in SDP":        {keyedBody(1, false), keyedBody(2, false), true},
		"a handshake":        {keyedBody(1, true), keyedBody(2, true), false},
		"not answered":       {keyedBody(1, false), nil, false},
		"answered by a hash": {keyedBody(1, false), keyedBody(2, true), false},
		"plain":              {remoteSDP(1), remoteSDP(2), false},
	} {
		b, err := p.storedLeg(sipua.Dialog{CallID: "c", LocalSDP: tt.ours, RemoteSDP: tt.theirs})
		if err != nil {
			t.Fatal(err)
		}
		var back sipua.Dialog
		if err := back.UnmarshalBinary(b); err != nil || keyed(back) != tt.keyed {
			t.Errorf("%s: %+v, %v", name, back, err)
		}
		for _, body := range [][]byte{tt.ours, tt.theirs} {
			for line := range strings.Lines(string(body)) {
				for _, mark := range []string{"inline:", "a=ice-pwd:"} {
					_, key, ok := strings.Cut(strings.TrimSpace(line), mark)
					if ok && bytes.Contains(b, []byte(key)) != tt.keyed {
						t.Errorf("%s: %q is in the log: %t", name, line, !tt.keyed)
					}
				}
			}
		}
	}
}

// agreed again: whoever had offered, our key and the peer's are what they were.
func TestALegSpeaksWithItsKeysAgain(t *testing.T) {
	for name, offered := range map[string]bool{"we had offered": true, "the peer had": false} {
		options := func(secret byte) sdp.LocalOptions {
			return sdp.LocalOptions{
				IP: netip.AddrFrom4([4]byte{192, 0, 2, secret}), Port: 4000, Codecs: sdp.DefaultCodecs(), Direction: sdp.SendRecv,
				Security: sdp.Security{Policy: sdp.Required, Secret: [32]byte{secret}, Private: true},
			}
		}
		before, peer := &party{media: &fakeLeg{}, local: options(1)}, &party{media: &fakeLeg{}, local: options(2)}
		asks, answers := before, peer
		if !offered {
			asks, answers = peer, before
		}
		body := sdp.Offer(asks.local)
		answer, err := answers.answer(body)
		if err != nil {
			t.Fatal(err)
		}
		if err = asks.accept(answer); err != nil {
			t.Fatal(err)
		}
		d := sipua.Dialog{LocalSDP: body, RemoteSDP: answer}
		if !offered {
			d.LocalSDP, d.RemoteSDP = answer, body
		}
		after := &party{media: &fakeLeg{}, local: options(1), resumed: true}
		if err = after.agreeAgain(d); err != nil {
			t.Fatal(err)
		}
		was, is := before.agreed.Protection, after.agreed.Protection
		if is.Send.Suite == 0 || !is.Send.Equal(was.Send) || !is.Receive.Equal(was.Receive) {
			t.Errorf("%s: was %+v, is %+v", name, was, is)
		}
	}
}

// What is offered to a phone depends on how it registered.
func TestOfferFitsThePhone(t *testing.T) {
	sw := &Switch{cfg: Config{Media: &fakeMedia{}}}
	local := sdp.LocalOptions{IP: netip.MustParseAddr("192.0.2.1"), Port: 4000, Codecs: sdp.DefaultCodecs()}
	for _, c := range []struct {
		transport string
		policy    sdp.Policy
		want      string
		keys      bool
	}{
		{"UDP", sdp.Never, "RTP/AVP 8", false},
		{"UDP", sdp.Optional, "RTP/AVP 8", false},
		{"TLS", sdp.Optional, "RTP/AVP 8", true},
		{"TLS", sdp.Never, "RTP/AVP 8", false},
		{"UDP", sdp.Required, "RTP/SAVP 8", true},
		{"WSS", sdp.Optional, "UDP/TLS/RTP/SAVPF 8", false},
		{"WS", sdp.Required, "UDP/TLS/RTP/SAVPF 8", false},
		{"WSS", sdp.Never, "RTP/AVP 8", false},
	} {
		text := string(sdp.Offer(sw.forPhone(local, c.policy, acd.Binding{Transport: c.transport})))
		if !strings.Contains(text, "m=audio 4000 "+c.want) || strings.Contains(text, "a=crypto") != c.keys {
			t.Errorf("%s, %s:\n%s", c.transport, c.policy, text)
		}
	}
}
