package sdp

import (
	"errors"
	"runtime"
	"testing"
)

// FuzzAnswer reads any body and answers it: no panic, typed errors, and what
// we answer can be read again and has as many lines.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"",
		head,
		body("m=audio 4000 RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", "a=sendonly"),
		body("m=audio 4000 RTP/AVP 8", "c=IN"),
		body("m=audio 4000 RTP/AVP 8", "c=IN IP4"),
		body("m=audio 4000 RTP/AVP 8", "a=fmtp\x00:101 0-16"),
		body("m=audio 17002 RTP/AVP 4294967296"),
		body("m=audio -1 RTP/AVP 8"),
		body("m=video 9 UDP/TLS/RTP/SAVPF 96", "m=audio 4000/2 RTP/AVP 8", "a=rtcp:5000 IN IP4 192.0.2.9", "a=rtcp-mux"),
		"v=0\n\n\nm=audio 4000 RTP/AVP 8\nc=IN IP4 0.0.0.0",
		body("m=audio 4000 RTP/SAVP 8", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+key30+"|2^31|1:4 KDR=0"),
		body("m=audio 4000 RTP/AVP 8", "a=crypto:1 AEAD_AES_128_GCM inline:x|", "a=crypto:2 F8_128_HMAC_SHA1_80 inline:"+key30),
		browserOffer,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || e.Status != 400 && e.Status != 488 {
				t.Fatalf("error %v", err)
			}
			return
		}
		if s.Lines > maxLines {
			t.Fatalf("%d lines", s.Lines)
		}
		for _, policy := range []Policy{Never, Optional, Required} {
			fuzzAnswer(t, s, protected(policy))
		}
	})
}

func fuzzAnswer(t *testing.T, s *Session, o LocalOptions) {
	t.Helper()
	_, _ = Accept(s, o)
	answer, n, err := Answer(s, o)
	if err != nil {
		return
	}
	if o.Security.Policy == Required && n.Protection.Plain() && !n.Disabled {
		t.Fatalf("plain RTP where keys are required:\n%s", answer)
	}
	if n.Protection.ICE == nil && n.Send && (!n.Remote.IsValid() || n.Remote.Port() < 1024 || n.Remote.Addr().IsMulticast()) {
		t.Fatalf("would send to %v", n.Remote)
	}
	again, err := Parse(answer)
	if err != nil || again.Lines != s.Lines {
		t.Fatalf("our answer: %v\n%s", err, answer)
	}
}

// A body can't make us allocate more than a small multiple of its size.
func TestAllocationIsBounded(t *testing.T) {
	worst := body("m=audio 4000 RTP/AVP 8")
	for len(worst) < MaxSize-20 {
		worst += "a=rtpmap:8 A/8000\r\n"
	}
	var before, after runtime.MemStats
	const runs = 20
	runtime.ReadMemStats(&before)
	for range runs {
		if _, err := Parse([]byte(worst)); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / runs; each > uint64(16*len(worst)) {
		t.Errorf("%d bytes for a body of %d", each, len(worst))
	}
}
