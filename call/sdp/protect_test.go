package sdp

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tierline/media/keying"
)

const (
	key30   = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz" // of RFC 4568
	printed = "sha-256 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF"
)

// browserOffer is what Chromium offers, shortened.
var browserOffer = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" +
	"a=group:BUNDLE 0\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS x\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n" +
	"a=candidate:1 1 udp 2113937151 4e6e2d2e-1b2c-4e0c-9d7e-0d6d1c1f0a10.local 50000 typ host generation 0\r\n" +
	"a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=ice-options:trickle\r\na=fingerprint:" + printed + "\r\n" +
	"a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n" +
	"a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\n" +
	"a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n"

func protected(p Policy) LocalOptions {
	o := ours
	o.Security = Security{Policy: p, Secret: [32]byte{1, 2, 3}, Fingerprint: Fingerprint{Hash: "sha-256", Sum: make([]byte, 32)}}
	return o
}

// answerWith answers an offer and says with what protection.
func answerWith(t *testing.T, offer string, p Policy) (string, Negotiated, error) {
	t.Helper()
	s, err := Parse([]byte(offer))
	if err != nil {
		t.Fatal(err)
	}
	b, n, err := Answer(s, protected(p))
	return string(b), n, err
}

func TestProtectionOfOffers(t *testing.T) {
	crypto := "a=crypto:7 AES_CM_128_HMAC_SHA1_32 inline:" + key30
	cases := []struct {
		what   string
		offer  string
		policy Policy
		want   string // a line of our answer, or the reason of a refusal
	}{
		{"keys where none are spoken", body("m=audio 4000 RTP/SAVP 8", crypto), Never, "only plain RTP"},
		{"keys", body("m=audio 4000 RTP/SAVP 8", crypto), Optional, "a=crypto:7 AES_CM_128_HMAC_SHA1_32 inline:"},
		{"keys for who likes them", body("m=audio 4000 RTP/AVP 8", crypto), Optional, "a=crypto:7"},
		{"keys for who must have them", body("m=audio 4000 RTP/AVP 8", crypto), Required, "a=crypto:7"},
		{"keys for who does not speak them", body("m=audio 4000 RTP/AVP 8", crypto), Never, "m=audio 20000 RTP/AVP 8"},
		{"feedback profile", body("m=audio 4000 RTP/SAVPF 8", crypto), Required, "m=audio 20000 RTP/SAVPF 8"},
		{"none where they must be", body("m=audio 4000 RTP/AVP 8"), Required, "keys are required"},
		{"none where they may be", body("m=audio 4000 RTP/AVP 8"), Optional, "m=audio 20000 RTP/AVP 8"},
		{
			"both, keys second", body("m=audio 4000 RTP/AVP 8", "m=audio 4002 RTP/SAVP 8", crypto), Optional,
			"m=audio 0 RTP/AVP 8\r\nm=audio 20000 RTP/SAVP",
		},
		{
			"both, none wanted", body("m=audio 4002 RTP/SAVP 8", crypto, "m=audio 4000 RTP/AVP 8"), Never,
			"m=audio 0 RTP/SAVP 8\r\nm=audio 20000 RTP/AVP",
		},
		{
			"first suite unknown", body("m=audio 4000 RTP/SAVP 8", "a=crypto:1 F8_128_HMAC_SHA1_80 inline:"+key30, crypto),
			Required, "a=crypto:7",
		},
		{
			"only an unknown suite", body("m=audio 4000 RTP/SAVP 8", "a=crypto:1 F8_128_HMAC_SHA1_80 inline:"+key30),
			Optional, "an unknown crypto suite",
		},
		{"short key", body("m=audio 4000 RTP/SAVP 8", "a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:"+key30), Optional, "does not fit"},
		{"no keys at all", body("m=audio 4000 RTP/SAVP 8"), Optional, "no keys that we can use"},
		{"a lifetime that lasts, an identifier", body("m=audio 4000 RTP/SAVP 8", crypto+"|2^20|1:4"), Required, "|1:4\r\n"},
		{"an identifier alone", body("m=audio 4000 RTP/SAVP 8", crypto+"|258:2"), Required, "|258:2\r\n"},
		{"an identifier out of range", body("m=audio 4000 RTP/SAVP 8", crypto+"|258:1"), Required, "identifier out of range"},
		{"a lifetime of a minute", body("m=audio 4000 RTP/SAVP 8", crypto+"|2^11"), Required, "does not last"},
		{"no encryption", body("m=audio 4000 RTP/SAVP 8", crypto+" UNENCRYPTED_SRTP"), Required, "session parameter"},
		{"parameters without effect", body("m=audio 4000 RTP/SAVP 8", crypto+" KDR=0 WSH=128 -X"), Required, "a=crypto:7"},
		{"two keys", body("m=audio 4000 RTP/SAVP 8", crypto+"|2^20|1:4;inline:"+key30+"|2^20|2:4"), Required, "not one inline key"},
		{"browser", browserOffer, Optional, "m=audio 20000 UDP/TLS/RTP/SAVPF 8 126\r\n"},
		{"browser, our role", browserOffer, Required, "a=setup:passive\r\n"},
		{"browser, our candidate", browserOffer, Required, "a=candidate:1 1 UDP 2130706431 192.0.2.1 20000 typ host\r\n"},
		{"browser, our part in its bundle", browserOffer, Required, "a=group:BUNDLE 0\r\na=ice-lite\r\n"},
		{"browser where none is wanted", browserOffer, Never, "only plain RTP"},
		{
			"a handshake without ICE that the peer leaves to us",
			body("m=audio 4000 UDP/TLS/RTP/SAVP 8", "a=fingerprint:"+printed, "a=setup:passive"), Required, "a=setup:active\r\n",
		},
		{
			"a fingerprint that proves nothing",
			body("m=audio 4000 UDP/TLS/RTP/SAVP 8", "a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB"),
			Required, "no keys that we can use",
		},
	}
	for _, c := range cases {
		body, n, err := answerWith(t, c.offer, c.policy)
		if err != nil {
			body = err.Error()
		}
		if !strings.Contains(body, c.want) {
			t.Errorf("%s: want %q in\n%s", c.what, c.want, body)
		}
		if err == nil && n.Protection.Plain() == (strings.Contains(body, "a=crypto") || strings.Contains(body, "a=fingerprint")) {
			t.Errorf("%s: agreed %+v", c.what, n.Protection)
		}
	}
}

func TestKeysOfAnAnswer(t *testing.T) {
	offer := body("m=audio 4000 RTP/SAVP 8", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+key30)
	_, n, err := answerWith(t, offer, Required)
	if err != nil {
		t.Fatal(err)
	}
	theirs, _ := base64.StdEncoding.DecodeString(key30)
	if diff := cmp.Diff(keying.Key{Suite: keying.AESCM128SHA80, Master: theirs}, n.Protection.Receive); diff != "" {
		t.Error(diff)
	}
	_, again, _ := answerWith(t, offer, Required)
	if !bytes.Equal(n.Protection.Send.Master, again.Protection.Send.Master) {
		t.Error("our key changes although the peer's doesn't")
	}
	other := strings.Replace(offer, key30, "AAAA"+key30[4:], 1)
	if _, changed, _ := answerWith(t, other, Required); bytes.Equal(n.Protection.Send.Master, changed.Protection.Send.Master) {
		t.Error("our key stays although the peer has a new one")
	}
}

func TestBrowserIsFoundByICE(t *testing.T) {
	_, n, err := answerWith(t, browserOffer, Optional)
	if err != nil {
		t.Fatal(err)
	}
	if p := n.Protection; n.Remote.IsValid() || !n.Send || n.Hold || !n.RTCPMux || p.ICE == nil || p.ICE.RemoteUfrag != "EsAw" ||
		len(p.ICE.Ufrag) < 4 || len(p.ICE.Password) < 22 || p.DTLS == nil || p.DTLS.Client || p.DTLS.Peer[0].String() != printed {
		t.Errorf("%+v, %+v", n, p)
	}
}

func TestOfferOfADisabledLineStaysRefusable(t *testing.T) {
	if _, n, err := answerWith(t, body("m=audio 0 RTP/AVP 8"), Required); err != nil || !n.Disabled {
		t.Errorf("%+v, %v", n, err)
	}
}

// Whatever one side offers and the other accepts: both hold the same keys.
func TestBothSidesHoldTheSameKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) LocalOptions {
			o := protected(Policy(rapid.IntRange(0, 2).Draw(t, label+" policy")))
			o.Security.Secret[0] = rapid.Byte().Draw(t, label+" secret")
			o.Security.Private = rapid.Bool().Draw(t, label+" private")
			o.Security.Browser = rapid.Bool().Draw(t, label+" browser")
			if rapid.Bool().Draw(t, label+" without certificate") {
				o.Security.Fingerprint = Fingerprint{}
			}
			return o
		}
		a, b := draw("a"), draw("b")
		b.IP = a.IP.Next()
		offer, err := Parse(Offer(a))
		if err != nil {
			t.Fatal(err)
		}
		body, theirs, err := Answer(offer, b)
		if err != nil {
			browser := a.Security.Browser && a.Security.Policy != Never
			if a.Security.Policy != Required && !browser && b.Security.Policy == Optional {
				t.Fatalf("no agreement although nobody insists: %v", err)
			}
			return
		}
		answer, err := Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		mine, err := Accept(answer, a)
		if err != nil {
			t.Fatalf("%v\n%s", err, body)
		}
		p, q := mine.Protection, theirs.Protection
		if diff := cmp.Diff([]keying.Key{p.Send, p.Receive}, []keying.Key{q.Receive, q.Send}); diff != "" {
			t.Fatal(diff)
		}
		if (p.DTLS == nil) != (q.DTLS == nil) || p.DTLS != nil && p.DTLS.Client == q.DTLS.Client {
			t.Fatalf("roles %+v and %+v", p.DTLS, q.DTLS)
		}
		if required := a.Security.Policy == Required || b.Security.Policy == Required; required && p.Plain() {
			t.Fatal("plain although required")
		}
	})
}

func TestRedactedBodiesHoldNoKeys(t *testing.T) {
	o := protected(Required)
	secret := string(Offer(o))
	shown := string(Redact([]byte(secret)))
	for line := range strings.Lines(secret) {
		if key, ok := strings.CutPrefix(line, "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:"); ok && strings.Contains(shown, strings.TrimSpace(key)) {
			t.Error("a key is shown")
		}
	}
	if strings.Count(shown, "inline:***") != int(keying.Offered) || strings.Count(shown, "\n") != strings.Count(secret, "\n") {
		t.Errorf("shown as\n%s", shown)
	}
	if shown = string(Redact([]byte(browserOffer))); strings.Contains(shown, "P2uYro0UCOQ4zxjKXaWCBui1") || !strings.Contains(shown, "a=ice-pwd:***\r\n") {
		t.Errorf("shown as\n%s", shown)
	}
	plain := []byte(body("m=audio 4000 RTP/AVP 8"))
	if !bytes.Equal(plain, Redact(plain)) {
		t.Error("a body without keys is changed")
	}
}

func TestOpusInOfferAndAnswer(t *testing.T) {
	o := ours
	o.Codecs = []uint8{Opus}
	text := string(Offer(o))
	if !strings.Contains(text, "m=audio 20000 RTP/AVP 111 101\r\na=rtpmap:111 opus/48000/2\r\n") {
		t.Errorf("offered as\n%s", text)
	}
	s, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	theirs := ours
	theirs.IP, theirs.Codecs = ours.IP.Next(), []uint8{Opus, PCMA}
	_, n, err := Answer(s, theirs)
	if err != nil || n.Codec != Opus || n.PT != 111 || !n.Opus || n.EventPT != 101 {
		t.Errorf("%+v, %v", n, err)
	}
	if _, _, err = Answer(s, ours); err == nil {
		t.Error("Opus is agreed on although it isn't ours")
	}
	// A browser names it, and is answered in A-law.
	if _, n, err = answerWith(t, browserOffer, Optional); err != nil || n.Codec != PCMA || !n.Opus {
		t.Errorf("%+v, %v", n, err)
	}
}
