package sipua_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/sipua"
)

// A re-INVITE right behind the ACK is the usual hold of a phone that answers
// by itself; with a goroutine per message it comes first half of the time.
func TestReinviteRightBehindAck(t *testing.T) {
	onBench(t, func(b *bench) {
		p := b.peer
		for range 100 {
			ev := newEvents()
			b.desk.invite = func(in *sipua.Incoming) { _, _ = in.Answer([]byte(ourSDP), ev.on) }
			p.callID, p.remote, p.target = p.callID+"x", "", "sip:10000@10.0.0.1"
			p.send(ask{method: "INVITE", body: offerSDP})
			p.next("100")
			ok := p.next("200")
			p.remote = param(ok.get("To"), "tag")
			ack := p.text(ask{method: "ACK", cseq: p.cseq})
			re := p.text(ask{method: "INVITE", body: offerSDP + "a=sendonly\r\n", headers: nil})
			p.write(ack)
			p.write(re)
			next[sipua.Confirmed](t, ev)
			r := next[sipua.Reinvited](t, ev)
			if !strings.Contains(string(r.Offer), "sendonly") {
				t.Fatalf("offer %q", r.Offer)
			}
			if err := r.Reply(200, []byte(ourSDP)); err != nil {
				t.Fatal(err)
			}
			wantErr(t, r.Reply(488, nil), sipua.ErrReplied)
			p.next("100")
			p.next("200")
			p.ack()
			p.send(ask{method: "BYE"})
			p.next("200")
			next[sipua.Hungup](t, ev)
			ev.none(t)
		}
	})
}

func TestReinvited(t *testing.T) {
	onBench(t, func(b *bench) {
		l, ev := b.called()
		p := b.peer
		// Refused: nothing changes.
		p.send(ask{method: "INVITE", body: "v=0 nonsense", headers: nil, branch: "z9hG4bKx"})
		p.next("100")
		r := next[sipua.Reinvited](t, ev)
		if err := r.Reply(488, nil); err != nil {
			t.Error(err)
		}
		if no := p.next("488"); no.start != "SIP/2.0 488 Not Acceptable Here" {
			t.Error(no.start)
		}
		p.send(ask{method: "ACK", branch: "z9hG4bKx", cseq: p.cseq})
		if d := l.Dialog(); string(d.RemoteSDP) != offerSDP {
			t.Errorf("remote SDP %q", d.RemoteSDP)
		}
		// Without an offer, with a new Contact. A second one meanwhile waits.
		re := p.text(ask{method: "INVITE"})
		p.write(strings.Replace(re, "sip:caller@10.0.0.2:5060", "sip:moved@10.0.0.2:5070", 1))
		p.next("100")
		r = next[sipua.Reinvited](t, ev)
		if r.Offer != nil {
			t.Errorf("offer %q", r.Offer)
		}
		p.send(ask{method: "INVITE", body: offerSDP})
		if no := p.next("500"); no.get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		_ = r.Reply(200, []byte(ourSDP))
		if ok := p.next("200"); ok.body != ourSDP {
			t.Errorf("our offer %q", ok.body)
		}
		p.send(ask{method: "ACK", body: "v=0 answer", cseq: 3})
		if c := next[sipua.Confirmed](t, ev); string(c.SDP) != "v=0 answer" {
			t.Errorf("answer %q", c.SDP)
		}
		if d := l.Dialog(); d.Target != "sip:moved@10.0.0.2:5070" || string(d.RemoteSDP) != "v=0 answer" {
			t.Errorf("dialog %+v", d)
		}
		// Cancelled while we think about it.
		p.send(ask{method: "INVITE", body: offerSDP, branch: "z9hG4bKy", cseq: 9})
		p.next("100")
		r = next[sipua.Reinvited](t, ev)
		p.send(ask{method: "CANCEL", branch: "z9hG4bKy", cseq: 9})
		p.next("200")
		p.next("487")
		p.send(ask{method: "ACK", branch: "z9hG4bKy", cseq: 9})
		wantErr(t, r.Reply(200, []byte(ourSDP)), sipua.ErrReplied)
		// Hung up while we think about it.
		p.send(ask{method: "INVITE", body: offerSDP, branch: "z9hG4bKz", cseq: 10})
		p.next("100")
		r = next[sipua.Reinvited](t, ev)
		p.send(ask{method: "BYE", cseq: 11})
		p.next("200")
		p.next("487")
		p.send(ask{method: "ACK", branch: "z9hG4bKz", cseq: 10})
		next[sipua.Hungup](t, ev)
		wantErr(t, r.Reply(200, []byte(ourSDP)), sipua.ErrReplied)
		synctest.Wait()
		ev.none(t)
	})
}

func TestReinviteWithoutAck(t *testing.T) {
	onBench(t, func(b *bench) {
		_, ev := b.called()
		p := b.peer
		p.send(ask{method: "INVITE", body: offerSDP})
		p.next("100")
		_ = next[sipua.Reinvited](t, ev).Reply(200, []byte(ourSDP))
		for range 11 {
			p.next("200")
		}
		p.reply(p.next("BYE"), 200, "", "")
		next[sipua.NoAck](t, ev)
	})
}

type outcome struct {
	status int
	sdp    string
	at     time.Duration
}

func (b *bench) reinvite(l *sipua.Leg, sdp string) chan outcome {
	done := make(chan outcome, 1)
	l.Reinvite([]byte(sdp), func(status int, sdp []byte) { done <- outcome{status, string(sdp), time.Since(b.began)} })
	return done
}

func TestOurReinvite(t *testing.T) {
	onBench(t, func(b *bench) {
		l, ev := b.calling()
		p := b.peer
		first, second := b.reinvite(l, "v=0 hold"), b.reinvite(l, "v=0 resume")
		inv := p.next("INVITE")
		if inv.body != "v=0 hold" || inv.get("CSeq") != "2 INVITE" || param(inv.get("To"), "tag") != p.tag {
			t.Errorf("%+v", inv)
		}
		p.reply(inv, 100, "", "")
		p.reply(inv, 200, "", "v=0 held", "Contact: <sip:moved@10.0.0.2:5060>")
		ack := p.next("ACK")
		if ack.start != "ACK sip:moved@10.0.0.2:5060 SIP/2.0" || ack.get("CSeq") != "2 ACK" {
			t.Errorf("%+v", ack)
		}
		if o := <-first; o.status != 200 || o.sdp != "v=0 held" {
			t.Errorf("%+v", o)
		}
		inv2 := p.next("INVITE") // they wait for each other
		p.reply(inv, 200, "", "v=0 held", "Contact: <sip:moved@10.0.0.2:5060>")
		if again := p.next("ACK"); again.get("CSeq") != "2 ACK" {
			t.Errorf("%+v", again)
		}
		p.reply(inv2, 488, "", "")
		p.next("ACK")
		if o := <-second; o.status != 488 {
			t.Errorf("%+v", o)
		}
		if d := l.Dialog(); string(d.LocalSDP) != "v=0 hold" || string(d.RemoteSDP) != "v=0 held" {
			t.Errorf("dialog %+v", d)
		}
		// 481: the call is gone.
		third := b.reinvite(l, "v=0 hold")
		p.reply(p.next("INVITE"), 481, "", "")
		p.next("ACK")
		if o := <-third; o.status != 481 {
			t.Errorf("%+v", o)
		}
		p.reply(p.next("BYE"), 481, "", "")
		if h := next[sipua.Hungup](t, ev); !strings.Contains(h.Reason, "481") {
			t.Errorf("%+v", h)
		}
		if o := <-b.reinvite(l, "v=0 late"); o.status != 481 {
			t.Errorf("%+v", o)
		}
	})
}

func TestReinviteUnanswered(t *testing.T) {
	for _, provisional := range []bool{true, false} {
		onBench(t, func(b *bench) {
			l, ev := b.calling()
			p := b.peer
			done := b.reinvite(l, "v=0 hold")
			inv := p.next("INVITE")
			if provisional {
				p.reply(inv, 100, "", "")
			}
			if o := <-done; o.status != 408 || o.at != 32*time.Second {
				t.Errorf("%+v", o)
			}
			next[sipua.Hungup](t, ev)
			p.drain(time.Minute)
			if s := b.ua.Stats(); s.Legs != 0 || s.Transactions != 0 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

func TestGlare(t *testing.T) {
	for _, weCalled := range []bool{true, false} {
		onBench(t, func(b *bench) {
			p := b.peer
			var l *sipua.Leg
			var ev *events
			if weCalled {
				l, ev = b.calling()
				p.cseq = 100
			} else {
				l, ev = b.called()
			}
			done := b.reinvite(l, "v=0 ours")
			inv := p.next("INVITE")
			p.send(ask{method: "INVITE", body: offerSDP, branch: "z9hG4bKg"})
			if no := p.next("491"); no.get("CSeq") == "" {
				t.Error("no CSeq")
			}
			p.send(ask{method: "ACK", branch: "z9hG4bKg", cseq: p.cseq})
			p.reply(inv, 491, "", "")
			p.next("ACK")
			refused := time.Since(b.began)
			// Theirs comes first and is served while ours rests.
			p.send(ask{method: "INVITE", body: offerSDP})
			p.next("100")
			r := next[sipua.Reinvited](t, ev)
			_ = r.Reply(200, []byte(ourSDP))
			p.next("200")
			p.ack()
			again := p.next("INVITE")
			if again.body != "v=0 ours" {
				t.Errorf("body %q", again.body)
			}
			from, to := time.Duration(0), 2*time.Second
			if weCalled {
				from, to = 2100*time.Millisecond, 4*time.Second
			}
			if wait := again.at - refused; wait < from || wait > to {
				t.Errorf("tried again after %v", wait)
			}
			p.reply(again, 200, "", "v=0 theirs")
			p.next("ACK")
			if o := <-done; o.status != 200 {
				t.Errorf("%+v", o)
			}
		})
	}
}

func TestGlareWithoutEnd(t *testing.T) {
	onBench(t, func(b *bench) {
		l, _ := b.calling()
		p := b.peer
		done := b.reinvite(l, "v=0")
		for range 5 {
			p.reply(p.next("INVITE"), 491, "", "")
			p.next("ACK")
		}
		if o := <-done; o.status != 491 {
			t.Errorf("%+v", o)
		}
	})
}
