package sipua_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/sipua"
)

// notify says how the call goes that the peer was asked to make.
func (p *peer) notify(state, body string) {
	p.b.Helper()
	headers := []string{"Event: refer", "Subscription-State: " + state}
	if body != "" {
		headers = append(headers, "Content-Type: message/sipfrag;version=2.0")
	}
	text := p.text(ask{method: "NOTIFY", headers: headers})
	p.write(strings.Replace(text, "Content-Length: 0\r\n\r\n", fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body), 1))
}

const elsewhere = "sip:87651000@10.0.0.9"

func TestReferTakenOver(t *testing.T) {
	onBench(t, func(b *bench) {
		l, ev := b.called()
		p := b.peer
		if err := l.Refer(elsewhere); err != nil {
			t.Fatal(err)
		}
		r := p.next("REFER")
		if r.get("Refer-To") != "<"+elsewhere+">" || !strings.HasPrefix(r.get("Referred-By"), "<sip:") {
			t.Errorf("%+v", r.headers)
		}
		p.reply(r, 202, "", "")
		if got := next[sipua.Referred](t, ev); !got.Accepted || got.Final {
			t.Errorf("after 202: %+v", got)
		}
		p.notify("active;expires=60", "SIP/2.0 180 Ringing\r\n")
		p.next("200")
		if got := next[sipua.Referred](t, ev); got.Final || got.Status != 180 {
			t.Errorf("while it rings: %+v", got)
		}
		p.notify("terminated;reason=noresource", "SIP/2.0 200 OK")
		p.next("200")
		if got := next[sipua.Referred](t, ev); !got.Final || !got.Accepted || got.Status != 200 {
			t.Errorf("at the end: %+v", got)
		}
		p.notify("terminated", "SIP/2.0 200 OK") // again: nobody asks any more
		p.next("200")
		l.Hangup(16, "")
		p.reply(p.next("BYE"), 200, "", "")
		synctest.Wait()
		ev.none(t)
	})
}

func TestReferGoesWrong(t *testing.T) {
	for name, c := range map[string]struct {
		answer       int
		state, body  string
		status       int
		accepted     bool
		beforeAnswer bool
	}{
		"refused":                         {answer: 405, status: 405},
		"declined":                        {answer: 603, status: 603},
		"busy":                            {answer: 202, state: "terminated", body: "SIP/2.0 486 Busy Here", status: 486, accepted: true},
		"ended without a word":            {answer: 202, state: "terminated;reason=timeout", status: 480, accepted: true},
		"ended while it rang":             {answer: 202, state: "terminated", body: "SIP/2.0 180 Ringing", status: 480, accepted: true},
		"known before REFER was answered": {answer: 202, state: "terminated", body: "SIP/2.0 404 Gone", status: 404, accepted: true, beforeAnswer: true},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				l, ev := b.called()
				p := b.peer
				if err := l.Refer(elsewhere); err != nil {
					t.Fatal(err)
				}
				r := p.next("REFER")
				if c.beforeAnswer {
					p.notify(c.state, c.body)
					p.next("200")
				}
				p.reply(r, c.answer, "", "")
				if c.answer < 300 && !c.beforeAnswer {
					next[sipua.Referred](t, ev)
					p.notify(c.state, c.body)
					p.next("200")
				}
				got := next[sipua.Referred](t, ev)
				if !got.Final || got.Status != c.status || got.Accepted != c.accepted {
					t.Errorf("%+v", got)
				}
				synctest.Wait()
				ev.none(t)
			})
		})
	}
}

func TestReferUnanswered(t *testing.T) {
	onBench(t, func(b *bench) {
		l, ev := b.called()
		if err := l.Refer(elsewhere); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if got := next[sipua.Referred](t, ev); !got.Final || got.Accepted || got.Status != 408 {
			t.Errorf("%+v", got)
		}
	})
}

func TestNotifyThatIsNone(t *testing.T) {
	onBench(t, func(b *bench) {
		l, ev := b.called()
		p := b.peer
		p.notify("terminated", "SIP/2.0 200 OK") // nobody asked
		p.next("405")
		if err := l.Refer(elsewhere); err != nil {
			t.Fatal(err)
		}
		p.reply(p.next("REFER"), 202, "", "")
		next[sipua.Referred](t, ev)
		for _, body := range []string{"SIP/2.0 20", "SIP/2.0 2000 OK", "HTTP/1.1 200 OK", "SIP/2.0 999 X", "200", strings.Repeat("x", 3000)} {
			p.notify("active", body)
			p.next("415")
		}
		p.send(ask{method: "NOTIFY", headers: []string{"Event: presence", "Subscription-State: active"}})
		p.next("481")
		synctest.Wait()
		ev.none(t)
	})
}

func TestReferRefusesWhatIsNoAddress(t *testing.T) {
	onBench(t, func(b *bench) {
		l, _ := b.called()
		for _, to := range []string{"", "tel:110", "sip:", "sip:a@b>\r\nX: y", "sip:a b@c", "<sip:a@b>"} {
			if err := l.Refer(to); !errors.Is(err, sipua.ErrInput) {
				t.Errorf("Refer(%q) = %v", to, err)
			}
		}
		l.Hangup(16, "")
		b.peer.reply(b.peer.next("BYE"), 200, "", "")
		if err := l.Refer(elsewhere); !errors.Is(err, sipua.ErrOver) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// A target that says nothing is given up after the patience that it was given;
// should it wake up, it is told that nobody wants it any more.
func TestTargetWithoutASignOfLife(t *testing.T) {
	onBench(t, func(b *bench) {
		r := request()
		r.Patience = 4 * time.Second
		began := time.Now()
		_, ev := b.dial(r)
		p := b.peer
		inv := p.next("INVITE")
		if got := next[sipua.Failed](t, ev); got.Status != 503 || time.Since(began) != 4*time.Second {
			t.Errorf("%+v after %v", got, time.Since(began))
		}
		p.drain(time.Millisecond) // the INVITE again
		p.reply(inv, 180, p.tag, "")
		cancel := p.next("CANCEL")
		p.reply(cancel, 200, p.tag, "")
		p.reply(inv, 487, p.tag, "")
		p.next("ACK")
		synctest.Wait()
		ev.none(t)
	})
	onBench(t, func(b *bench) { // it says that it tries: then it may ring
		r := request()
		r.Patience = 4 * time.Second
		_, ev := b.dial(r)
		p := b.peer
		inv := p.next("INVITE")
		p.reply(inv, 100, "", "")
		time.Sleep(time.Minute)
		p.reply(inv, 200, p.tag, offerSDP)
		p.next("ACK")
		next[sipua.Answered](t, ev)
	})
	onBench(t, func(b *bench) { // it answers at last, with a call that nobody wants
		r := request()
		r.Patience = 4 * time.Second
		_, ev := b.dial(r)
		p := b.peer
		inv := p.next("INVITE")
		next[sipua.Failed](t, ev)
		p.drain(time.Millisecond)
		p.reply(inv, 200, p.tag, offerSDP)
		p.next("ACK")
		p.reply(p.next("BYE"), 200, "", "")
	})
}

// FuzzNotify tells a switch that waits for it how a call went.
func FuzzNotify(f *testing.F) {
	f.Add("SIP/2.0 200 OK", "terminated")
	f.Add("SIP/2.0 180 Ringing\r\nContact: <sip:a@b>\r\n", "active;expires=1")
	f.Add("", "")
	f.Add("SIP/2.0 200", ";;")
	f.Fuzz(func(t *testing.T, body, state string) {
		if strings.ContainsAny(state, "\r\n\x00") {
			return
		}
		onBench(t, func(b *bench) {
			l, ev := b.called()
			p := b.peer
			if err := l.Refer(elsewhere); err != nil {
				t.Fatal(err)
			}
			p.reply(p.next("REFER"), 202, "", "")
			next[sipua.Referred](t, ev)
			p.notify(state, body)
			time.Sleep(time.Second)
			synctest.Wait()
			p.drain(time.Millisecond)
			p.send(ask{method: "OPTIONS"}) // the call lives on
			p.next("200")
			if b.ua.Stats().Faults != 0 {
				t.Error("it panicked")
			}
		})
	})
}
