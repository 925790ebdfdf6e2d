package sipua_test

import (
	//nolint:gosec // what phones speak

	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/call/sipua"
)

func (b *bench) dial(r sipua.DialRequest) (*sipua.Leg, *events) {
	b.Helper()
	ev := newEvents()
	l, err := b.ua.Dial(r, ev.on)
	if err != nil {
		b.Fatal(err)
	}
	return l, ev
}

func TestOutboundCall(t *testing.T) {
	onBench(t, func(b *bench) {
		r := request()
		r.FromName, r.To = `中国电信 "10000"`, "1001"
		r.Headers = map[string]string{"X-Call": "7", "Alert-Info": "<urn:x>"}
		l, ev := b.dial(r)
		p := b.peer
		inv := p.next("INVITE")
		if inv.start != "INVITE sip:1001@10.0.0.2:5060 SIP/2.0" || inv.body != ourSDP {
			t.Errorf("%q with %q", inv.start, inv.body)
		}
		if want := `"中国电信 \"10000\"" <sip:10000@10.0.0.1>;tag=` + p.remote; inv.get("From") != want {
			t.Errorf("From %q, want %q", inv.get("From"), want)
		}
		if inv.get("To") != "<sip:1001@10.0.0.2>" || inv.get("X-Call") != "7" || inv.get("CSeq") != "1 INVITE" {
			t.Errorf("%+v", inv.headers)
		}
		p.reply(inv, 100, "", "")
		// Any number of provisionals.
		for range 20 {
			p.reply(inv, 183, p.tag, offerSDP)
		}
		for range 20 {
			if r := next[sipua.Ringing](t, ev); r.Status != 183 || string(r.SDP) != offerSDP {
				t.Errorf("%+v", r)
			}
		}
		time.Sleep(10 * time.Minute) // a phone may ring as long as it likes
		p.reply(inv, 200, p.tag, offerSDP)
		ack := p.next("ACK")
		if ack.start != "ACK sip:phone@10.0.0.2:5060 SIP/2.0" || ack.get("CSeq") != "1 ACK" ||
			param(ack.get("To"), "tag") != p.tag || param(ack.get("Via"), "branch") == param(inv.get("Via"), "branch") {
			t.Errorf("%+v", ack)
		}
		a := next[sipua.Answered](t, ev)
		if string(a.SDP) != offerSDP {
			t.Errorf("answer %q", a.SDP)
		}
		if d := cmp.Diff(a.Dialog, l.Dialog(), cmp.Comparer(func(a, b sipua.Dialog) bool {
			x, _ := a.MarshalBinary()
			y, _ := b.MarshalBinary()
			return string(x) == string(y)
		})); d != "" {
			t.Error(d)
		}
		// The 200 again: the same ACK again.
		p.reply(inv, 200, p.tag, offerSDP)
		if again := p.next("ACK"); cmp.Diff(again.headers, ack.headers) != "" {
			t.Error("the repeated ACK differs")
		}
		l.Cancel() // too late, nothing
		l.Hangup(16, "")
		l.Hangup(16, "")
		bye := p.next("BYE")
		if bye.get("CSeq") != "2 BYE" || bye.get("Reason") != "Q.850;cause=16" {
			t.Errorf("%+v", bye)
		}
		p.reply(bye, 200, "", "")
		synctest.Wait()
		ev.none(t)
		if s := b.ua.Stats(); s.Legs != 0 || s.Transactions != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestNobodyAnswers(t *testing.T) {
	onBench(t, func(b *bench) {
		_, ev := b.dial(request())
		var at []time.Duration
		for range 7 {
			at = append(at, b.peer.next("INVITE").at/time.Millisecond)
		}
		if d := cmp.Diff([]time.Duration{0, 500, 1500, 3500, 7500, 15500, 31500}, at); d != "" {
			t.Error(d)
		}
		if f := next[sipua.Failed](t, ev); f.Status != 408 || time.Since(b.began) != 32*time.Second {
			t.Errorf("%+v after %v", f, time.Since(b.began))
		}
		b.peer.silence(time.Minute)
		if s := b.ua.Stats(); s.Legs != 0 || s.Transactions != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestCancelOurs(t *testing.T) {
	onBench(t, func(b *bench) {
		p := b.peer
		// Before anything was heard: wait for a provisional.
		l, ev := b.dial(request())
		inv := p.next("INVITE")
		l.Hangup(26, "elsewhere")
		p.silence(400 * time.Millisecond)
		p.reply(inv, 100, "", "")
		c := p.next("CANCEL")
		if param(c.get("Via"), "branch") != param(inv.get("Via"), "branch") || c.get("CSeq") != "1 CANCEL" ||
			c.get("To") != inv.get("To") || !strings.Contains(c.get("Reason"), "cause=26") {
			t.Errorf("%+v", c)
		}
		p.reply(c, 200, p.tag, "")
		p.reply(inv, 487, p.tag, "")
		p.next("ACK")
		if f := next[sipua.Failed](t, ev); f.Status != 487 {
			t.Errorf("%+v", f)
		}
		// The refusal again: the ACK again, at once.
		began := time.Now()
		p.reply(inv, 487, p.tag, "")
		if p.next("ACK"); time.Since(began) != 0 {
			t.Errorf("after %v", time.Since(began))
		}

		// While it rings, and then nothing is heard any more.
		l, ev = b.dial(request())
		inv = p.next("INVITE")
		p.reply(inv, 180, p.tag, "")
		next[sipua.Ringing](t, ev)
		l.Cancel()
		p.reply(p.next("CANCEL"), 200, p.tag, "")
		began = time.Now()
		if f := next[sipua.Failed](t, ev); f.Status != 487 || time.Since(began) != 32*time.Second {
			t.Errorf("%+v after %v", f, time.Since(began))
		}
		ev.none(t)

		// It rings too long.
		r := request()
		r.Timeout = 15 * time.Second
		_, ev = b.dial(r)
		inv = p.next("INVITE")
		p.reply(inv, 180, p.tag, "")
		next[sipua.Ringing](t, ev)
		c = p.next("CANCEL")
		if wait := c.at - inv.at; wait != 15*time.Second {
			t.Errorf("cancelled after %v", wait)
		}
		p.reply(c, 200, p.tag, "")
		p.reply(inv, 487, p.tag, "")
		p.next("ACK")
		if f := next[sipua.Failed](t, ev); f.Status != 408 {
			t.Errorf("%+v", f)
		}
	})
}

func TestAnswerCrossesCancel(t *testing.T) {
	onBench(t, func(b *bench) {
		p := b.peer
		for _, provisional := range []bool{true, false} {
			l, ev := b.dial(request())
			inv := p.next("INVITE")
			if provisional {
				p.reply(inv, 180, p.tag, "")
				next[sipua.Ringing](t, ev)
			}
			l.Cancel()
			if provisional {
				p.reply(p.next("CANCEL"), 481, p.tag, "")
			}
			p.reply(inv, 200, p.tag, offerSDP)
			p.next("ACK")
			bye := p.next("BYE")
			if bye.get("CSeq") != "2 BYE" || param(bye.get("To"), "tag") != p.tag {
				t.Errorf("%+v", bye)
			}
			p.reply(bye, 200, "", "")
			if f := next[sipua.Failed](t, ev); f.Status != 487 {
				t.Errorf("%+v", f)
			}
			synctest.Wait()
			ev.none(t)
			p.reply(inv, 200, p.tag, offerSDP) // its ACK was lost: only that again
			p.next("ACK")
			p.silence(time.Minute)
		}
	})
}

func TestFork(t *testing.T) {
	onBench(t, func(b *bench) {
		l, ev := b.dial(request())
		p := b.peer
		inv := p.next("INVITE")
		p.reply(inv, 180, "a", "")
		p.reply(inv, 180, "b", "")
		next[sipua.Ringing](t, ev)
		next[sipua.Ringing](t, ev)
		p.reply(inv, 200, "a", offerSDP)
		p.next("ACK")
		next[sipua.Answered](t, ev)
		p.reply(inv, 200, "b", offerSDP)
		if ack := p.next("ACK"); param(ack.get("To"), "tag") != "b" {
			t.Errorf("ACK for %q", ack.get("To"))
		}
		bye := p.next("BYE")
		if param(bye.get("To"), "tag") != "b" {
			t.Errorf("BYE for %q", bye.get("To"))
		}
		p.reply(bye, 200, "", "")
		p.silence(10 * time.Second)
		ev.none(t)
		l.Hangup(16, "")
		bye = p.next("BYE")
		if param(bye.get("To"), "tag") != "a" {
			t.Errorf("BYE for %q", bye.get("To"))
		}
		p.reply(bye, 200, "", "")
		// A third one after we have hung up.
		p.reply(inv, 200, "c", offerSDP)
		p.next("ACK")
		p.reply(p.next("BYE"), 200, "", "")
	})
}

func TestRefusals(t *testing.T) {
	onBench(t, func(b *bench) {
		p := b.peer
		tests := []struct {
			status  int
			headers []string
			want    sipua.Failed
		}{
			{486, nil, sipua.Failed{Status: 486, Reason: "X"}},
			{302, []string{"Contact: <sip:a@10.0.0.7>;q=0.5", "Contact: <sip:b@10.0.0.8:5070;transport=tcp>"}, sipua.Failed{
				Status: 302, Reason: "X", Contacts: []string{"sip:a@10.0.0.7", "sip:b@10.0.0.8:5070;transport=tcp"},
			}},
			{503, []string{"Retry-After: 18 (soon);duration=3"}, sipua.Failed{Status: 503, Reason: "X", RetryAfter: 18}},
			{503, []string{"Retry-After: -1"}, sipua.Failed{Status: 503, Reason: "X"}},
			{503, []string{"Retry-After: 99999999999999999999"}, sipua.Failed{Status: 503, Reason: "X"}},
			{603, []string{"Contact: <sip:x@10.0.0.2>"}, sipua.Failed{Status: 603, Reason: "X"}},
			// A challenge by somebody we have no credentials for.
			{401, []string{`WWW-Authenticate: Digest realm="evil", nonce="n"`}, sipua.Failed{Status: 401, Reason: "X"}},
		}
		for _, tt := range tests {
			_, ev := b.dial(request())
			inv := p.next("INVITE")
			p.reply(inv, tt.status, p.tag, "", tt.headers...)
			if d := cmp.Diff(tt.want, next[sipua.Failed](t, ev)); d != "" {
				t.Errorf("%d %v: %s", tt.status, tt.headers, d)
			}
			p.drain(time.Second)
		}
	})
}

func TestAnswerWithoutContact(t *testing.T) {
	onBench(t, func(b *bench) {
		p := b.peer
		l, ev := b.dial(request())
		p.reply(p.next("INVITE"), 200, p.tag, offerSDP, "Contact: *")
		p.next("ACK")
		next[sipua.Answered](t, ev)
		if d := l.Dialog(); d.Target != "sip:1001@10.0.0.2:5060" {
			t.Errorf("target %q", d.Target)
		}
		_, ev = b.dial(request())
		p.reply(p.next("INVITE"), 200, "", offerSDP) // without a tag it makes no dialog
		if f := next[sipua.Failed](t, ev); f.Status != 502 {
			t.Errorf("%+v", f)
		}
	})
}

func TestRoutes(t *testing.T) {
	onBench(t, func(b *bench) {
		p := b.peer
		proxy := b.join("10.0.0.5:5060")
		tests := map[string]struct {
			record        []string // as in the 200
			uri           string
			routes        []string
			viaProxy, raw bool
		}{
			"loose": {
				record: []string{"<sip:10.0.0.6;lr>, <sip:10.0.0.5;lr;x=y>"}, uri: "sip:phone@10.0.0.2:5060",
				routes: []string{"<sip:10.0.0.5;lr;x=y>", "<sip:10.0.0.6;lr>"}, viaProxy: true,
			},
			"strict": {
				record: []string{"<sip:10.0.0.6;lr>", "<sip:10.0.0.5>"}, uri: "sip:10.0.0.5",
				routes: []string{"<sip:10.0.0.6;lr>", "<sip:phone@10.0.0.2:5060>"}, viaProxy: true,
			},
			"name": {
				record: []string{"<sip:proxy.example;lr>"}, uri: "sip:phone@10.0.0.2:5060",
				routes: []string{"<sip:proxy.example;lr>"},
			},
			"none": {uri: "sip:phone@10.0.0.2:5060"},
		}
		for name, tt := range tests {
			l, ev := b.dial(request())
			inv := p.next("INVITE")
			var headers []string
			for _, r := range tt.record {
				headers = append(headers, "Record-Route: "+r)
			}
			p.reply(inv, 200, p.tag, offerSDP, headers...)
			at := p
			if tt.viaProxy {
				at = proxy
			}
			ack := at.next("ACK")
			next[sipua.Answered](t, ev)
			l.Hangup(16, "")
			bye := at.next("BYE")
			for _, m := range []*msg{ack, bye} {
				if uri := strings.Fields(m.start)[1]; uri != tt.uri {
					t.Errorf("%s: %q, want %q", name, uri, tt.uri)
				}
				if d := cmp.Diff(tt.routes, m.all("Route")); d != "" {
					t.Errorf("%s: %s", name, d)
				}
			}
			at.reply(bye, 200, "", "")
		}
	})
}

func TestDestination(t *testing.T) {
	onBench(t, func(b *bench) {
		p := b.peer
		r := request()
		r.Target, r.Destination = "sip:1001@192.168.1.7:5062;ob", peerAddr // a phone behind NAT
		l, ev := b.dial(r)
		inv := p.next("INVITE")
		if inv.start != "INVITE sip:1001@192.168.1.7:5062;ob SIP/2.0" {
			t.Error(inv.start)
		}
		p.reply(inv, 180, p.tag, "")
		next[sipua.Ringing](t, ev)
		p.reply(inv, 200, p.tag, offerSDP, "Contact: <sip:1001@192.168.1.7:5062;ob>")
		p.next("ACK")
		next[sipua.Answered](t, ev)
		l.Hangup(0, "")
		bye := p.next("BYE")
		if bye.start != "BYE sip:1001@192.168.1.7:5062;ob SIP/2.0" || bye.get("Reason") != "" {
			t.Error(bye.start, bye.get("Reason"))
		}
		p.reply(bye, 200, "", "")

		// The CANCEL and the ACK of a refusal go the same way.
		l, ev = b.dial(r)
		inv = p.next("INVITE")
		p.reply(inv, 180, p.tag, "")
		next[sipua.Ringing](t, ev)
		l.Cancel()
		p.reply(p.next("CANCEL"), 200, p.tag, "")
		p.reply(inv, 487, p.tag, "")
		p.next("ACK")
		next[sipua.Failed](t, ev)
	})
}
