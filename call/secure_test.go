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

// The log is read by people, backed up and sent to other nodes.
func TestStoredLegHoldsNoKeys(t *testing.T) {
	o := sdp.LocalOptions{
		IP: netip.MustParseAddr("192.0.2.1"), Port: 4000, Codecs: sdp.DefaultCodecs(),
		Security: sdp.Security{Policy: sdp.Required, Secret: [32]byte{1}},
	}
	body := sdp.Offer(o)
	d := sipua.Dialog{CallID: "c", LocalSDP: body, RemoteSDP: body}
	b, err := StoredLeg(d)
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	for line := range strings.Lines(string(body)) {
		if _, key, ok := strings.Cut(strings.TrimSpace(line), "inline:"); ok {
			keys++
			if bytes.Contains(b, []byte(key)) {
				t.Errorf("stored with the key of %q", line)
			}
		}
	}
	if keys == 0 || !bytes.Equal(d.LocalSDP, body) {
		t.Error("no keys to hide, or hidden in the dialog itself")
	}
	var back sipua.Dialog
	if err := back.UnmarshalBinary(b); err != nil || back.CallID != "c" {
		t.Errorf("%+v, %v", back, err)
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
