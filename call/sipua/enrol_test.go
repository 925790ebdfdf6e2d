package sipua_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tierline/call/registration"
	"tierline/call/resolve"
	"tierline/call/sipua"
)

func enrolment() registration.Request {
	return registration.Request{
		Line: registration.Line{
			Registrar: "sip:" + peerAddr + ";transport=udp", Domain: "ims.test", User: "0571", Token: "ab12",
			Realm: "ims", Username: "u", Password: "p",
		},
		Hop:     resolve.Hop{Transport: sipua.UDP, Addr: netip.MustParseAddrPort(peerAddr)},
		Expires: time.Hour,
	}
}

// enrol begins and returns where the result will be.
func (b *bench) enrol(r registration.Request) chan registration.Result {
	out := make(chan registration.Result, 1)
	go func() {
		ctx, cancel := context.WithTimeout(b.Context(), 5*time.Second)
		defer cancel()
		out <- b.ua.Enrol(ctx, r)
	}()
	return out
}

func TestEnrol(t *testing.T) {
	onBench(t, func(b *bench) {
		p := b.peer
		got := b.enrol(enrolment())
		q := p.next("REGISTER")
		if q.start != "REGISTER sip:ims.test SIP/2.0" || q.get("Contact") != "<sip:0571@10.0.0.1:5060;line=ab12>" ||
			q.get("Expires") != "3600" || q.get("CSeq") != "1 REGISTER" || q.get("To") != "<sip:0571@ims.test>" ||
			!strings.HasPrefix(q.get("From"), "<sip:0571@ims.test>;tag=") {
			t.Errorf("%+v", q)
		}
		p.reply(q, 401, p.tag, "", `WWW-Authenticate: Digest realm="ims", nonce="n", qop="auth"`)
		again := p.next("REGISTER")
		if again.get("CSeq") != "2 REGISTER" || again.get("Call-ID") != q.get("Call-ID") ||
			!strings.Contains(again.get("Authorization"), `username="u"`) || !strings.Contains(again.get("Authorization"), `uri="sip:ims.test"`) {
			t.Errorf("%+v", again)
		}
		p.reply(again, 200, p.tag, "", "Contact: <sip:0571@10.0.0.9:5060>;expires=60, <sip:0571@10.0.0.1:5060;line=ab12>;expires=1800",
			"Expires: 7200")
		r := <-got
		if r.Status != 200 || r.Expires != 30*time.Minute || r.CSeq != 2 || r.CallID != q.get("Call-ID") || r.Err != nil {
			t.Errorf("%+v", r)
		}

		// The next one goes on where this one ended; the answer names no contact.
		next := enrolment()
		next.CallID, next.CSeq, next.Expires = r.CallID, r.CSeq, 0
		got = b.enrol(next)
		q = p.next("REGISTER")
		if q.get("CSeq") != "3 REGISTER" || q.get("Call-ID") != r.CallID || q.get("Expires") != "0" {
			t.Errorf("%+v", q)
		}
		p.reply(q, 200, p.tag, "", "Contact: <sip:0571@10.0.0.9:5060>;expires=60", "Expires: 0")
		if r = <-got; r.Status != 200 || r.Expires != 0 {
			t.Errorf("%+v", r)
		}
	})
}

func TestEnrolIsRefused(t *testing.T) {
	onBench(t, func(b *bench) {
		p := b.peer
		got := b.enrol(enrolment())
		p.reply(p.next("REGISTER"), 423, p.tag, "", "Min-Expires: 7200")
		if r := <-got; r.Status != 423 || r.MinExpires != 2*time.Hour {
			t.Errorf("%+v", r)
		}
		// Whoever asks for another realm gets no digest; nor does one who asks twice.
		got = b.enrol(enrolment())
		p.reply(p.next("REGISTER"), 401, p.tag, "", `WWW-Authenticate: Digest realm="evil", nonce="n"`)
		if r := <-got; r.Status != 401 {
			t.Errorf("%+v", r)
		}
		got = b.enrol(enrolment())
		for range 2 {
			p.reply(p.next("REGISTER"), 407, p.tag, "", `Proxy-Authenticate: Digest realm="ims", nonce="n"`)
		}
		if r := <-got; r.Status != 407 {
			t.Errorf("%+v", r)
		}
		got = b.enrol(enrolment())
		p.reply(p.next("REGISTER"), 503, p.tag, "", "Retry-After: 30")
		if r := <-got; r.Status != 503 || r.RetryAfter != 30*time.Second {
			t.Errorf("%+v", r)
		}
		began := time.Now()
		got = b.enrol(enrolment())
		p.next("REGISTER")
		if r := <-got; r.Status != 0 || time.Since(began) != 5*time.Second {
			t.Errorf("%+v after %v", r, time.Since(began))
		}
		p.drain(10 * time.Second) // sent again until then
		p.silence(time.Minute)
		bad := enrolment()
		bad.User = "a b"
		if r := b.ua.Enrol(t.Context(), bad); r.Err == nil {
			t.Errorf("%+v", r)
		}
		if s := b.ua.Stats(); s.Legs != 0 || s.Transactions != 0 {
			t.Errorf("left behind: %+v", s)
		}
	})
}

// An INVITE for a contact that we registered tells which.
func TestInviteForAContactOfOurs(t *testing.T) {
	onBench(t, func(b *bench) {
		lines := make(chan string, 1)
		b.desk.invite = func(in *sipua.Incoming) {
			lines <- in.Line + " " + in.RequestUser
			_ = in.Reject(404, "Not Found", 0, nil)
		}
		b.peer.send(ask{method: "INVITE", uri: "sip:0571@10.0.0.1:5060;line=ab12", body: offerSDP})
		if got := <-lines; got != "ab12 0571" {
			t.Error(got)
		}
	})
}
