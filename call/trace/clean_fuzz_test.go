package trace_test

import (
	"bytes"
	"testing"

	"tierline/call/trace"
)

// Whatever is no text must not stop the switch from showing a message.
func TestCleanOfWhatIsNoText(t *testing.T) {
	text := append(bytes.Repeat([]byte{0xff, 0xfe}, 8), "SIP:user:secret@host\r\n"...)
	in := append([]byte("OPTIONS sip:x SIP/2.0\r\nTo: "), text...)
	if out := trace.Clean(in); bytes.Contains(out, []byte("secret")) || !bytes.Contains(out, []byte("@host")) {
		t.Errorf("%q", out)
	}
}

func FuzzClean(f *testing.F) {
	f.Add([]byte("INVITE sip:a:b@c SIP/2.0\r\nTo: <sips:x:y@z>\r\nAuthorization: Digest response=\"1\"\r\n\r\n" +
		"v=0\r\na=crypto:1 X inline:k\r\n"))
	f.Add([]byte("\xff\xff\xff SIP:\xfe:@\r\n"))
	f.Add([]byte("Signal=1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		if out := trace.Clean(b); len(out) > 16*len(b)+64 || !bytes.Equal(b, before) {
			t.Errorf("%q became %q", before, out)
		}
	})
}
