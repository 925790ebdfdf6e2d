package sipua_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/sipua"
)

func TestImplicitAck(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		b.desk.invite = func(in *sipua.Incoming) { _, _ = in.Answer([]byte(ourSDP), ev.on) }
		p := b.peer
		p.send(ask{method: "INVITE", body: offerSDP})
		p.next("100")
		p.remote = param(p.next("200").get("To"), "tag")
		p.send(ask{method: "INVITE", body: offerSDP}) // the ACK is lost
		next[sipua.Confirmed](t, ev)
		_ = next[sipua.Reinvited](t, ev).Reply(200, []byte(ourSDP))
		p.next("100")
		p.next("200")
		p.ack()
		p.silence(time.Minute)
	})
}

func TestWithinDialog(t *testing.T) {
	onBench(t, func(b *bench) {
		_, ev := b.called()
		p := b.peer
		info := p.text(ask{method: "INFO", headers: []string{"Content-Type: application/dtmf-relay"}})
		info = strings.Replace(info, "Content-Length: 0\r\n\r\n", "Content-Length: 8\r\n\r\nSignal=5", 1)
		p.write(info)
		p.write(info)
		p.next("200")
		p.next("200")
		if i := next[sipua.Info](t, ev); i.Key != '5' {
			t.Errorf("%+v", i)
		}
		p.send(ask{method: "INFO"}) // a sign of life, without type and body
		p.next("200")
		opts := p.text(ask{method: "OPTIONS"})
		p.write(opts)
		p.next("200")
		p.write(opts) // its answer was lost
		p.next("200")
		for _, m := range []string{"NOTIFY", "SUBSCRIBE", "MESSAGE", "REGISTER"} {
			p.send(ask{method: m})
			if no := p.next("405"); !strings.Contains(no.get("Allow"), "INVITE") {
				t.Errorf("%s: Allow %q", m, no.get("Allow"))
			}
		}
		p.send(ask{method: "FROB"})
		p.next("501")
		p.send(ask{method: "INFO", cseq: 2})
		p.next("500")
		p.send(ask{method: "INVITE", body: offerSDP, without: []string{"Contact"}})
		p.next("400")
		p.send(ask{method: "BYE", headers: []string{"Require: teleport"}})
		p.next("420")
		ev.none(t)
		p.send(ask{method: "BYE"})
		p.next("200")
		next[sipua.Hungup](t, ev)
		p.send(ask{method: "INFO"})
		p.next("481")
	})
}

// Right names from the wrong place, or wrong names from the right one.
func TestStrangersInDialog(t *testing.T) {
	onBench(t, func(b *bench) {
		_, ev := b.called()
		p := b.peer
		thief := b.join("10.0.0.66:5060")
		thief.callID, thief.tag, thief.remote, thief.cseq = p.callID, p.tag, p.remote, 50
		for _, m := range []string{"BYE", "INFO", "INVITE", "OPTIONS", "UPDATE"} {
			thief.send(ask{method: m, body: offerSDP})
			thief.next("481")
		}
		thief.send(ask{method: "ACK", cseq: 1})
		thief.silence(time.Second)
		for _, change := range []func(a *ask){
			func(a *ask) { a.totag = "wrong" },
			func(*ask) { p.tag = "wrong" },
			func(*ask) { p.callID = "wrong" },
		} {
			tag, id := p.tag, p.callID
			a := ask{method: "BYE"}
			change(&a)
			p.send(a)
			p.next("481")
			a.method, a.cseq = "ACK", 1
			p.send(a)
			p.silence(time.Second)
			p.tag, p.callID = tag, id
		}
		ev.none(t)
		p.send(ask{method: "BYE"})
		p.next("200")
		next[sipua.Hungup](t, ev)
	})
}

func TestNAT(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		legs := make(chan *sipua.Leg, 1)
		b.desk.invite = func(in *sipua.Incoming) {
			l, _ := in.Answer([]byte(ourSDP), ev.on)
			legs <- l
		}
		p := b.peer
		inv := p.text(ask{method: "INVITE", body: offerSDP})
		inv = strings.Replace(inv, "Via: SIP/2.0/UDP 10.0.0.2:5060;", "Via: SIP/2.0/UDP 192.168.0.9:7777;RPORT;received=6.6.6.6;", 1)
		p.write(strings.Replace(inv, "sip:caller@10.0.0.2:5060", "sip:caller@192.168.0.9:7777", 1))
		via := p.next("100").get("Via")
		if !strings.Contains(via, ";rport=5060") || !strings.Contains(via, ";received=10.0.0.2") || strings.Contains(via, "6.6.6.6") {
			t.Errorf("Via %q", via)
		}
		p.accepted(p.next("200"))
		next[sipua.Confirmed](t, ev)
		(<-legs).Hangup(16, "")
		bye := p.next("BYE") // where it came from, not what its Contact says
		if bye.start != "BYE sip:caller@192.168.0.9:7777 SIP/2.0" {
			t.Error(bye.start)
		}
		p.reply(bye, 200, "", "")
	})
}

func TestFloodOfInfo(t *testing.T) {
	onBench(t, func(b *bench) {
		gate := make(chan struct{})
		slow := newEvents()
		b.desk.invite = func(in *sipua.Incoming) {
			_, _ = in.Answer([]byte(ourSDP), func(ev sipua.LegEvent) { <-gate; slow.on(ev) })
		}
		p := b.peer
		p.send(ask{method: "INVITE", body: offerSDP})
		p.next("100")
		p.accepted(p.next("200"))
		synctest.Wait()
		got := map[string]int{}
		for range 200 {
			p.tell("application/dtmf", "5")
			got[p.within(time.Second).what()]++
		}
		if got["200"] != 64 || got["503"] != 136 {
			t.Errorf("%v", got)
		}
		p.send(ask{method: "BYE"}) // always gets through
		p.next("200")
		close(gate)
		next[sipua.Confirmed](t, slow)
		for range 64 {
			next[sipua.Info](t, slow)
		}
		next[sipua.Hungup](t, slow)
	})
}
