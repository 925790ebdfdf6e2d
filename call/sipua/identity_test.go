package sipua_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tierline/call/sipua"
)

// What peers say of who calls, besides From (RFC 3323, RFC 3325).
func TestWhoCalls(t *testing.T) {
	const from = "From: <sip:13812345678@10.0.0.2>;tag=x"
	tests := map[string]struct {
		from     string
		headers  []string
		asserted string
		withheld bool
	}{
		"nothing":             {from: from},
		"a name with a comma": {from, []string{`P-Asserted-Identity: "Li, Lei" <sip:+8613812345678@ims>`}, "+8613812345678", false},
		"quotes in a name":    {from, []string{`P-Asserted-Identity: "a\", <sip:1@x>" <sip:+8613812345678@ims>`}, "+8613812345678", false},
		"tel behind a name":   {from, []string{`P-Asserted-Identity: <sip:lei@ims>, <tel:+8613812345678;phone-context=x>`}, "+8613812345678", false},
		"two headers":         {from, []string{"P-Asserted-Identity: <sip:lei@ims>", "P-Asserted-Identity: <tel:+86571>"}, "+86571", false},
		"a name only":         {from, []string{"P-Asserted-Identity: <sip:lei@ims>"}, "lei", false},
		"garbage":             {from, []string{`P-Asserted-Identity: ,"<,>;`}, "", false},
		"privacy of the id":   {from, []string{"P-Asserted-Identity: <sip:1@x>", "Privacy: critical;ID"}, "1", true},
		"privacy of the user": {from, []string{"Privacy: user , header"}, "", true},
		"of what isn't ours":  {from, []string{"Privacy: session;history"}, "", false},
		"none":                {from, []string{"Privacy: none"}, "", false},
		"in a second header":  {from, []string{"Privacy: none", "Privacy: header"}, "", true},
		"From says nobody":    {`From: "Anonymous" <sip:Anonymous@10.0.0.2>;tag=x`, nil, "", true},
		"nobody's host":       {"From: <sip:c8oqz84zk7z@anonymous.invalid>;tag=x", nil, "", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				got := make(chan *sipua.Incoming, 1)
				b.desk.invite = func(in *sipua.Incoming) {
					_ = in.Reject(404, "Not Found", 0, nil)
					got <- in
				}
				p := b.peer
				p.send(ask{method: "INVITE", body: offerSDP, without: []string{"From"}, headers: append(tt.headers, tt.from)})
				p.next("100")
				p.next("404")
				in := <-got
				if in.PAI != tt.asserted || in.Withheld != tt.withheld {
					t.Errorf("asserted %q, withheld %t", in.PAI, in.Withheld)
				}
			})
		})
	}
}

func TestCallsSayWhoCallsBesidesFrom(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		r := sipua.DialRequest{
			Target: "sip:1001@10.0.0.2", From: "sip:anonymous@anonymous.invalid", Asserted: "+8657187650000",
			Preferred: "sip:10000@ims.example.net", Private: true, SDP: []byte(ourSDP), Timeout: time.Minute,
		}
		l, err := b.ua.Dial(r, ev.on)
		if err != nil {
			t.Fatal(err)
		}
		m := b.peer.next("INVITE")
		for name, want := range map[string]string{
			"P-Asserted-Identity": "<sip:+8657187650000@10.0.0.1>", "P-Preferred-Identity": "<sip:10000@ims.example.net>",
			"Privacy": "id",
		} {
			if got := m.all(name); !slices.Equal(got, []string{want}) {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if got := m.get("From"); !strings.Contains(got, "<sip:anonymous@anonymous.invalid>") {
			t.Errorf("From: %s", got)
		}
		l.Hangup(16, "")
		r.Asserted = "1\r\nVia: x"
		if _, err := b.ua.Dial(r, ev.on); err == nil {
			t.Error("a line break went into a header")
		}
	})
}
