package sipua_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/sipua"
)

// pracks acknowledges a provisional answer.
func (p *peer) pracks(m *msg, body string) {
	p.b.Helper()
	p.remote = param(m.get("To"), "tag")
	p.target = strings.Trim(strings.Split(m.get("Contact"), ">")[0], "<")
	p.send(ask{method: "PRACK", headers: []string{"RAck: " + m.get("RSeq") + " " + m.get("CSeq")}, body: body})
}

// earlyAnswer has an INVITE answered by 183, then by 200 after a second.
func (b *bench) earlyAnswer(ev *events) chan *sipua.Leg {
	legs := make(chan *sipua.Leg, 1)
	b.desk.invite = func(in *sipua.Incoming) {
		if err := in.Progress([]byte(ourSDP), ev.on); err != nil {
			b.Errorf("progress: %v", err)
		}
		wantErr(b, in.Progress(nil, ev.on), sipua.ErrOver)
		time.Sleep(time.Second)
		l, err := in.Answer([]byte("v=0 other"), ev.on)
		if err != nil {
			b.Errorf("answer: %v", err)
		}
		_, err = in.Answer(nil, ev.on)
		wantErr(b, err, sipua.ErrOver)
		legs <- l
	}
	return legs
}

func TestEarlyAnswer(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		legs := b.earlyAnswer(ev)
		p := b.peer
		p.send(ask{method: "INVITE", body: offerSDP})
		p.next("100")
		early := p.next("183")
		if early.body != ourSDP || early.get("Require") != "" || early.get("RSeq") != "" {
			t.Errorf("%+v", early)
		}
		ok := p.next("200") // what stood in the 183 stands here again (RFC 3261 §13.2.1)
		if ok.body != ourSDP {
			t.Errorf("%q", ok.body)
		}
		p.accepted(ok)
		next[sipua.Confirmed](t, ev)
		if d := (<-legs).Dialog(); string(d.LocalSDP) != ourSDP {
			t.Errorf("local SDP %q", d.LocalSDP)
		}
	})
}

func TestReliableEarlyAnswer(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		b.earlyAnswer(ev)
		p := b.peer
		p.send(ask{method: "INVITE", body: offerSDP, headers: []string{"Supported: timer, 100rel"}})
		p.next("100")
		early := p.next("183")
		if early.body != ourSDP || early.get("Require") != "100rel" {
			t.Errorf("%+v", early)
		}
		// The PRACK is lost: the 183 comes again, and no 200 before it.
		began := time.Now()
		for _, at := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond} {
			again := p.next("183")
			if d := time.Since(began); d != at || again.get("RSeq") != early.get("RSeq") {
				t.Errorf("again after %v: %+v", d, again.headers)
			}
		}
		p.remote = param(early.get("To"), "tag")
		for _, bad := range []string{"1 1 INVITE", early.get("RSeq") + " 2 INVITE", early.get("RSeq") + " 1 BYE", "x y INVITE", ""} {
			p.send(ask{method: "PRACK", headers: []string{"RAck: " + bad}})
			p.next("481")
		}
		p.pracks(early, "")
		p.next("200")
		next[sipua.Pracked](t, ev)
		ok := p.next("200")
		if ok.body != "" || !strings.Contains(ok.get("CSeq"), "INVITE") {
			t.Errorf("%+v", ok)
		}
		p.remote, p.target = param(ok.get("To"), "tag"), "sip:10000@10.0.0.1"
		p.send(ask{method: "ACK", cseq: 1})
		next[sipua.Confirmed](t, ev)
		p.silence(time.Minute)
		ev.none(t)
	})
}

// Proxies give up a call that shows no sign of life (RFC 3261 §13.3.1.1).
func TestEarlyAnswerIsNotRepeatedForMinutes(t *testing.T) {
	for _, can := range []bool{false, true} {
		onBench(t, func(b *bench) {
			ev := newEvents()
			b.desk.invite = func(in *sipua.Incoming) {
				if err := in.Progress([]byte(ourSDP), ev.on); err != nil {
					b.Errorf("progress: %v", err)
				}
			}
			p := b.peer
			var headers []string
			if can {
				headers = []string{"Supported: 100rel"}
			}
			p.send(ask{method: "INVITE", body: offerSDP, headers: headers})
			p.next("100")
			early := p.next("183")
			began := time.Now()
			if can {
				p.pracks(early, "")
				p.next("200")
			}
			for i := range 3 {
				again := p.next("183")
				if d := time.Since(began); d != time.Duration(i+1)*time.Minute || (again.body == "") != can {
					t.Errorf("again after %v: %q", d, again.body)
				}
				if can {
					p.pracks(again, "")
					p.next("200")
				}
			}
			if !can {
				p.silence(59 * time.Second)
				return
			}
			// He has vanished without a CANCEL.
			last := p.next("183")
			for last.what() == "183" {
				last = p.within(time.Minute)
			}
			if last.what() != "504" {
				t.Errorf("%s", last.start)
			}
		})
	}
}

func TestNobodyAcknowledgesEarlyAnswer(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		b.earlyAnswer(ev)
		p := b.peer
		p.send(ask{method: "INVITE", body: offerSDP, headers: []string{"Require: 100rel"}})
		p.next("100")
		var last *msg
		for last == nil || last.what() == "183" {
			last = p.within(time.Minute)
		}
		if last.what() != "504" {
			t.Errorf("%s", last.start)
		}
		p.remote = param(last.get("To"), "tag")
		p.send(ask{method: "ACK", cseq: 1, branch: "z9hG4bKpeer10.0.0.2:5060.1"})
		next[sipua.NoAck](t, ev)
		synctest.Wait()
		if s := b.ua.Stats(); s.Legs != 0 || s.Transactions != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// An offer of ours needs an answer: the PRACK brings it.
func TestEarlyOffer(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		legs := b.earlyAnswer(ev)
		p := b.peer
		p.send(ask{method: "INVITE", headers: []string{"Supported: 100rel"}})
		p.next("100")
		early := p.next("183")
		p.pracks(early, "v=0 answer")
		p.next("200")
		if got := next[sipua.Pracked](t, ev); string(got.SDP) != "v=0 answer" {
			t.Errorf("%+v", got)
		}
		// The caller offers something else before he is answered.
		p.send(ask{method: "UPDATE", body: offerSDP})
		_ = next[sipua.Reinvited](t, ev).Reply(200, []byte(ourSDP+"a=x\r\n"))
		p.next("200")
		ok := p.next("200")
		if ok.body != "" {
			t.Errorf("%q", ok.body)
		}
		p.send(ask{method: "ACK", cseq: 1})
		next[sipua.Confirmed](t, ev)
		if d := (<-legs).Dialog(); string(d.LocalSDP) != ourSDP+"a=x\r\n" || string(d.RemoteSDP) != offerSDP {
			t.Errorf("%+v", d)
		}
	})
	onBench(t, func(b *bench) {
		b.desk.invite = func(in *sipua.Incoming) {
			if in.Reliable() {
				t.Error("reliable")
			}
			wantErr(t, in.Progress([]byte(ourSDP), nil), sipua.ErrInput)
			_ = in.Reject(486, "Busy Here", 0, nil)
		}
		b.peer.send(ask{method: "INVITE"})
		b.peer.next("100")
		b.peer.next("486")
		b.peer.ack()
	})
}

// Who requires it gets his ringing reliably, one after another; what waits when
// the answer comes is never sent.
func TestReliableRinging(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		b.desk.invite = func(in *sipua.Incoming) {
			for range 3 {
				_ = in.Ringing()
			}
			time.Sleep(time.Second)
			_, _ = in.Answer([]byte(ourSDP), ev.on)
		}
		p := b.peer
		p.send(ask{method: "INVITE", body: offerSDP, headers: []string{"Require: 100rel"}})
		p.next("100")
		first := p.next("180")
		p.pracks(first, "")
		p.next("200")
		second := p.next("180")
		n, _ := strconv.Atoi(first.get("RSeq"))
		if second.get("RSeq") != fmt.Sprint(n+1) {
			t.Errorf("RSeq %s after %d", second.get("RSeq"), n)
		}
		p.next("180") // again
		ok := p.next("200")
		if !strings.Contains(ok.get("CSeq"), "INVITE") || ok.body != ourSDP {
			t.Errorf("%+v", ok)
		}
		p.pracks(second, "") // it crossed the answer
		p.next("200")
		p.send(ask{method: "ACK", cseq: 1})
		next[sipua.Confirmed](t, ev)
		ev.none(t)
	})
}

// ringing calls the peer and returns its INVITE.
func (b *bench) ringing(ev *events) (*sipua.Leg, *msg) {
	b.Helper()
	l, err := b.ua.Dial(request(), ev.on)
	if err != nil {
		b.Fatal(err)
	}
	inv := b.peer.next("INVITE")
	if !strings.Contains(inv.get("Supported"), "100rel") {
		b.Errorf("Supported %q", inv.get("Supported"))
	}
	return l, inv
}

func TestWeAcknowledgeProvisionals(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		l, inv := b.ringing(ev)
		p := b.peer
		rel := func(status, rseq int, tag, body string) {
			p.reply(inv, status, tag, body, "Require: 100rel", fmt.Sprintf("RSeq: %d", rseq), "Record-Route: <sip:10.0.0.2;lr>")
		}
		rel(183, 7, "a", offerSDP)
		pr := p.next("PRACK")
		if pr.get("RAck") != "7 1 INVITE" || pr.get("CSeq") != "2 PRACK" || param(pr.get("To"), "tag") != "a" ||
			pr.get("Route") != "<sip:10.0.0.2;lr>" {
			t.Errorf("%+v", pr.headers)
		}
		p.reply(pr, 200, "", "")
		if r := next[sipua.Ringing](t, ev); r.Status != 183 || string(r.SDP) != offerSDP || r.Fork != "a" {
			t.Errorf("%+v", r)
		}
		rel(183, 7, "a", offerSDP) // again
		rel(180, 9, "a", "")       // 8 is missing
		rel(180, 3, "b", "")       // another fork counts by itself
		if pr = p.next("PRACK"); pr.get("RAck") != "3 1 INVITE" || pr.get("CSeq") != "2 PRACK" {
			t.Errorf("%+v", pr.headers)
		}
		p.reply(pr, 200, "", "")
		if r := next[sipua.Ringing](t, ev); r.Fork != "b" {
			t.Errorf("%+v", r)
		}
		rel(180, 8, "a", "")
		pr = p.next("PRACK")
		if pr.get("CSeq") != "3 PRACK" {
			t.Errorf("%+v", pr.headers)
		}
		p.reply(pr, 200, "", "")
		next[sipua.Ringing](t, ev)
		// The peer changes its early media.
		p.callID, p.tag, p.remote = inv.get("Call-ID"), "a", param(inv.get("From"), "tag")
		p.send(ask{method: "UPDATE", body: offerSDP})
		_ = next[sipua.Reinvited](t, ev).Reply(200, []byte(ourSDP))
		p.next("200")
		p.send(ask{method: "INFO"})
		p.next("403")
		p.tag = "c"
		p.send(ask{method: "UPDATE", body: offerSDP})
		p.next("481")
		// The answer has no SDP: it was told already.
		p.reply(inv, 200, "a", "")
		p.next("ACK")
		if a := next[sipua.Answered](t, ev); string(a.SDP) != offerSDP || a.Dialog.LocalCSeq != 3 {
			t.Errorf("%+v", a)
		}
		l.Hangup(16, "")
		bye := p.next("BYE")
		if bye.get("CSeq") != "4 BYE" {
			t.Errorf("%+v", bye.headers)
		}
		p.reply(bye, 200, "", "")
	})
}
