package trace

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func TestNoSecretStaysInAMessage(t *testing.T) {
	for _, c := range []struct{ what, in, want string }{
		{
			"digest: whose it is stays",
			"REGISTER sip:x SIP/2.0\nAuthorization: Digest username=\"1003\", realm=\"demo, \\\"x\\\"\", nonce=\"n\", response=\"5ec7e7\"\n\n",
			"REGISTER sip:x SIP/2.0\nAuthorization: Digest username=\"1003\", realm=\"demo, \\\"x\\\"\", response=***\n\n",
		},
		{
			"another scheme", "INVITE sip:x SIP/2.0\nproxy-authorization : Basic c2VjcmV0\n\n",
			"INVITE sip:x SIP/2.0\nproxy-authorization : ***\n\n",
		},
		{
			"passwords of URIs",
			"INVITE sip:a:pw1@h SIP/2.0\nContact: \"x\" <sips:b:pw2@h>,sip:c:pw3@h\nVia: SIP/2.0/UDP h:5060;branch=z\n\n",
			"INVITE sip:a:***@h SIP/2.0\nContact: \"x\" <sips:b:***@h>,sip:c:***@h\nVia: SIP/2.0/UDP h:5060;branch=z\n\n",
		},
		{
			"key in an INFO",
			"INFO sip:x SIP/2.0\nContent-Type: application/dtmf-relay\nContent-Length: 24\n\nSignal=7\nDuration=160\n",
			"INFO sip:x SIP/2.0\nContent-Type: application/dtmf-relay\nContent-Length: 24\n\nSignal=*\nDuration=160\n",
		},
		{
			"the other body of keys", "INFO sip:x SIP/2.0\nc: application/dtmf\nl: 1\n\n7",
			"INFO sip:x SIP/2.0\nc: application/dtmf\nl: 3\n\n***",
		},
		{
			"keys of SRTP",
			"INVITE sip:x SIP/2.0\nContent-Type: application/sdp\nContent-Length: 60\n\nv=0\na=crypto:1 S inline:AAAA|2^20;inline:BBBB\nk=clear:CCCC\n",
			"INVITE sip:x SIP/2.0\nContent-Type: application/sdp\nContent-Length: 53\n\nv=0\na=crypto:1 S inline:***|2^20;inline:***\nk=***\n",
		},
		{"nothing to hide", "SIP/2.0 200 OK\nCall-ID: a@h\n\n", "SIP/2.0 200 OK\nCall-ID: a@h\n\n"},
		{"no end", "SIP/2.0 200 OK\nAuthorization: x", "SIP/2.0 200 OK\nAuthorization: ***"},
	} {
		got := string(Clean([]byte(crlf(c.in))))
		want := crlf(c.want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", c.what, diff)
		}
	}
}

// FuzzSecretsGo: what is cleaned once is clean, and no response of a digest stays.
// Whatever is no text must not stop the switch from showing a message.
func TestCleanOfWhatIsNoText(t *testing.T) {
	text := append(bytes.Repeat([]byte{0xff, 0xfe}, 8), "SIP:user:secret@host\r\n"...)
	in := append([]byte("OPTIONS sip:x SIP/2.0\r\nTo: "), text...)
	if out := Clean(in); bytes.Contains(out, []byte("secret")) || !bytes.Contains(out, []byte("@host")) {
		t.Errorf("%q", out)
	}
}

func FuzzSecretsGo(f *testing.F) {
	f.Add([]byte(crlf("INVITE sip:a:pw@h SIP/2.0\nAuthorization: Digest username=\"a\", response=\"canary\"\n\nbody")))
	f.Add([]byte("INFO sip:x SIP/2.0\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=7\r\n"))
	f.Add([]byte("SIP/2.0 200 OK\r\nContent-Type: application/sdp\r\nContent-Length: 9\r\n\r\na=crypto:1 X inline:k|1;inline:l\r\n"))
	f.Add([]byte("\xff\xff\xff SIP:\xfe:@\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		once := Clean(b)
		if !bytes.Equal(before, b) || len(once) > 16*len(b)+64 {
			t.Fatalf("it wrote into the message, or %d bytes became %d", len(b), len(once))
		}
		m := Message{Text: once}
		_ = m.Title()
		head, _, _ := bytes.Cut(once, []byte("\r\n\r\n"))
		for line := range bytes.SplitSeq(head, []byte("\r\n")) {
			name, value, ok := bytes.Cut(bytes.ToLower(line), []byte(":"))
			if ok && strings.TrimRight(string(name), " \t") == "authorization" && !bytes.Contains(value, []byte(masked)) {
				t.Fatalf("%q", line)
			}
		}
	})
}

func BenchmarkMessage(b *testing.B) {
	text := []byte(crlf("INVITE sip:10000@127.0.0.1:5060 SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1;rport\n" +
		"Max-Forwards: 70\nFrom: <sip:138@127.0.0.1>;tag=1\nTo: <sip:10000@127.0.0.1>\nCall-ID: 1@127.0.0.1\nCSeq: 1 INVITE\n" +
		"Contact: <sip:138@127.0.0.1:5070>\nContent-Type: application/sdp\nContent-Length: 150\n\nv=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\n" +
		"c=IN IP4 127.0.0.1\nt=0 0\nm=audio 40000 RTP/AVP 8 101\na=rtpmap:8 PCMA/8000\na=rtpmap:101 telephone-event/8000\na=sendrecv\n"))
	s := New(Config{Bytes: 32 << 20, CallBytes: 64 << 10, Calls: 5000})
	s.Begin("c", "1", "2")
	s.Claim("c", Leg{CallID: "1@127.0.0.1", Role: Caller})
	b.ReportAllocs()
	for b.Loop() {
		s.SIP(Sighting{Transport: "udp", CallID: "1@127.0.0.1", Call: true, Text: text})
	}
}
