package sipua_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/sipua"
)

func TestUpdateOffers(t *testing.T) {
	onBench(t, func(b *bench) {
		l, ev := b.called()
		p := b.peer
		up := p.text(ask{method: "UPDATE", body: offerSDP + "a=sendonly\r\n"})
		up = strings.Replace(up, "sip:caller@10.0.0.2:5060", "sip:moved@10.0.0.2:5060", 1)
		p.write(up)
		p.write(up)
		r := next[sipua.Reinvited](t, ev)
		p.send(ask{method: "UPDATE", body: offerSDP})
		if no := p.next("500"); no.get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		p.send(ask{method: "INVITE", body: offerSDP})
		p.next("500")
		wantErr(t, r.Reply(100, nil), sipua.ErrInput)
		if err := r.Reply(200, []byte(ourSDP)); err != nil {
			t.Fatal(err)
		}
		if ok := p.next("200"); ok.body != ourSDP || ok.get("Contact") == "" {
			t.Errorf("%+v", ok)
		}
		wantErr(t, r.Reply(200, nil), sipua.ErrReplied)
		p.write(up) // the answer was lost
		p.next("200")
		if d := l.Dialog(); d.Target != "sip:moved@10.0.0.2:5060" || !strings.Contains(string(d.RemoteSDP), "sendonly") {
			t.Errorf("%+v", d)
		}
		// Refused: nothing changes.
		p.send(ask{method: "UPDATE", body: "v=0"})
		_ = next[sipua.Reinvited](t, ev).Reply(488, nil)
		p.next("488")
		if d := l.Dialog(); !strings.Contains(string(d.RemoteSDP), "sendonly") {
			t.Errorf("%s", d.RemoteSDP)
		}
		p.send(ask{method: "UPDATE", headers: []string{"Content-Type: text/plain", "Content-Encoding: gzip"}})
		p.next("415")
		// Nobody answers; then the call ends meanwhile.
		p.send(ask{method: "UPDATE", body: offerSDP})
		r = next[sipua.Reinvited](t, ev)
		p.silence(time.Minute)
		wantErr(t, r.Reply(200, nil), sipua.ErrReplied)
		p.send(ask{method: "UPDATE", body: offerSDP})
		next[sipua.Reinvited](t, ev)
		l.Hangup(16, "")
		p.next("487")
		p.reply(p.next("BYE"), 200, "", "")
		synctest.Wait()
		if s := b.ua.Stats(); s.Transactions != 0 || s.Legs != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestUpdateMeetsOurOffer(t *testing.T) {
	onBench(t, func(b *bench) {
		l, _ := b.called()
		p := b.peer
		l.Reinvite([]byte(ourSDP), nil)
		re := p.next("INVITE")
		p.send(ask{method: "UPDATE", body: offerSDP})
		p.next("491")
		p.send(ask{method: "UPDATE"}) // without an offer it may
		p.next("200")
		p.reply(re, 200, "", offerSDP)
		p.next("ACK")
	})
}

func TestShowByUpdate(t *testing.T) {
	onBench(t, func(b *bench) {
		l, ev := b.dialTimed("Allow: INVITE, UPDATE")
		if err := l.Show(sipua.Identity{Number: "1002"}); err != nil {
			t.Fatal(err)
		}
		up := b.peer.next("UPDATE")
		if up.get("P-Asserted-Identity") != "<sip:1002@10.0.0.1>" || up.body != "" {
			t.Errorf("%+v", up.headers)
		}
		b.peer.reply(up, 200, "", "")
		b.peer.silence(time.Minute)
		ev.none(t)
	})
}
