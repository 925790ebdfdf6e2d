package sipua_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/registrar"
	"tierline/call/sipua"
)

const tortureDir = "../../testdata/sip/rfc4475"

// The answers to RFC 4475's messages; "" is silence. Where the parser gives
// up, what the answer must repeat is taken from the text.
func tortureAnswers() map[string]string {
	return map[string]string{
		"badaspec":   "400", // blanks in the angle brackets of To
		"badbranch":  "200", // an empty branch is none: RFC 2543 rules
		"baddate":    "200", // Date is not ours to judge
		"baddn":      "400", // a comma in an unquoted display name
		"badinv01":   "400", // Via with empty parameters and no second value behind its commas
		"badvers":    "505", // SIP/7.0
		"bcast":      "",    // a response to nobody
		"bext01":     "420", // Require of something unheard of
		"bigcode":    "",    // a response with a status beyond 699
		"clerr":      "400", // Content-Length beyond the end of the datagram
		"cparam01":   "200", // an unknown parameter of the Contact
		"cparam02":   "200", // an unknown parameter of the Contact URI
		"dblreq":     "200", // the REGISTER; what follows its end is ignored
		"esc01":      "200", // escapes in URIs
		"esc02":      "501", // escapes in a method make another method
		"escnull":    "404", // nobody has a NUL in his name
		"escruri":    "400", // headers in the request URI
		"insuf":      "400", // no Call-ID, From and To
		"intmeth":    "",    // valid, but an answer would have to echo a NUL
		"inv2543":    "400", // valid in 1999; no tag, Contact, Max-Forwards
		"invut":      "415", // a body of another type
		"longreq":    "200", // long, but not too long
		"ltgtruri":   "400", // angle brackets around the request URI
		"lwsdisp":    "200", // no blank between name and address
		"lwsruri":    "400", // blanks in the request URI
		"lwsstart":   "400", // two blanks in the start line
		"mcl01":      "400", // two Content-Length
		"mismatch01": "400", // CSeq of another method
		"mismatch02": "501", // an unknown method, CSeq of another
		"mpart01":    "405", // MESSAGE
		"multi01":    "400", // everything twice
		"ncl":        "400", // Content-Length: -999
		"noreason":   "",    // a response to nobody
		"novelsc":    "400", // a request URI of another kind
		"quotbal":    "400", // a quote that does not end, in To
		"regaut01":   "401", // an unknown scheme of authorisation is for the registrar to refuse
		"regbadct":   "400", // a Contact with headers but without angle brackets
		"regescrt":   "200", // and with them
		"scalar02":   "400", // a CSeq that is too big
		"scalarlg":   "",    // a response to nobody
		"sdp01":      "406", // SDP is what the peer does not accept
		"semiuri":    "200", // a semicolon in the user part
		"test":       "",    // a leftover of the RFC; no CSeq, no Via
		"transports": "200", // Via of five transports
		"trws":       "",    // blanks at the end of the start line
		"unkscm":     "416", // an unknown scheme
		"unksm2":     "404", // REGISTER for an ISBN
		"unreason":   "",    // a response to nobody
		"wsinv":      "481", // valid in spite of its blanks, in a dialog that is not there
		"zeromf":     "483", // Max-Forwards: 0
	}
}

func TestTorture(t *testing.T) {
	answers := tortureAnswers()
	files, err := filepath.Glob(tortureDir + "/*.dat")
	if err != nil || len(files) != 50 {
		t.Fatalf("%d messages, %v", len(files), err)
	}
	onBench(t, func(b *bench) {
		leg, ev := b.called() // a call that must not notice
		b.desk.invite = func(in *sipua.Incoming) { _, _ = in.Answer([]byte(ourSDP), nil) }
		b.desk.register = func(_ context.Context, q registrar.Request) registrar.Response {
			if len(q.Authorization) > 0 {
				return registrar.Response{Status: 401, Reason: "Who Are You", Challenge: []string{"Digest x"}}
			}
			return registrar.Response{Status: 200, Reason: "OK"}
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".dat")
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			b.net.Watch(func(from, _ netip.AddrPort, data []byte) {
				m := parseMsg(string(data))
				if from.String() == ourAddr && m.what() != "100" && got == "" {
					got = m.what()
				}
			})
			b.peer.write(string(raw))
			synctest.Wait()
			if want, ok := answers[name]; !ok || got != want {
				t.Errorf("%s: answered with %q, want %q", name, got, want)
			}
			b.net.Watch(nil)
			time.Sleep(time.Minute) // whatever it began ends
			b.peer.drain(time.Millisecond)
		}
		synctest.Wait()
		ev.none(t)
		if d := leg.Dialog(); d.RemoteCSeq != 1 {
			t.Errorf("the call noticed: %+v", d)
		}
	})
}
