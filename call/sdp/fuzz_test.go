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
		_, _ = Accept(s, ours)
		answer, n, err := Answer(s, ours)
		if err != nil {
			return
		}
		if n.Send && (!n.Remote.IsValid() || n.Remote.Port() < 1024 || n.Remote.Addr().IsMulticast()) {
			t.Fatalf("would send to %v", n.Remote)
		}
		again, err := Parse(answer)
		if err != nil || again.Lines != s.Lines {
			t.Fatalf("our answer: %v\n%s", err, answer)
		}
	})
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
