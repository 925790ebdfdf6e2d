package sipua_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/sipua"
)

const minutes = 60 * time.Second

// timed is an INVITE of the peer to a switch that wants a timer, answered.
func (b *bench) timed(want sipua.SessionTimer, headers ...string) (*msg, *events) {
	b.Helper()
	ev := newEvents()
	b.desk.invite = func(in *sipua.Incoming) {
		if in.Session(want) == nil {
			_, _ = in.Answer([]byte(ourSDP), ev.on)
		}
	}
	p := b.peer
	p.send(ask{method: "INVITE", body: offerSDP, headers: headers})
	p.next("100")
	return p.within(time.Minute), ev
}

// Who refreshes, and how often, by what the caller says (RFC 4028 §9).
func TestSessionTimerOfCallers(t *testing.T) {
	for name, c := range map[string]struct {
		want     time.Duration
		headers  []string
		expires  string
		requires string
	}{
		"nothing":                {30 * minutes, nil, "", ""},
		"only he wants it":       {0, []string{"Supported: timer", "Session-Expires: 600"}, "600;refresher=uas", ""},
		"only we want it":        {30 * minutes, []string{"Supported: 100rel, timer"}, "1800;refresher=uas", ""},
		"he refreshes":           {0, []string{"Supported: timer", "x: 600;refresher=uac"}, "600;refresher=uac", "timer"},
		"we want it shorter":     {5 * minutes, []string{"Supported: timer", "Session-Expires: 600"}, "300;refresher=uas", ""},
		"not below his least":    {5 * minutes, []string{"k: timer", "Session-Expires: 600", "Min-SE: 500"}, "500;refresher=uas", ""},
		"a proxy wants it":       {0, []string{"Session-Expires: 600;refresher=uac"}, "600;refresher=uas", ""},
		"nonsense":               {0, []string{"Supported: timer", "Session-Expires: soon"}, "", ""},
		"required":               {0, []string{"Require: timer", "Session-Expires: 600"}, "600;refresher=uas", ""},
		"too short of a proxy":   {0, []string{"Session-Expires: 60"}, "60;refresher=uas", ""},
		"somebody else's friend": {0, []string{"Supported: timer", "Session-Expires: 600;refresher=me"}, "600;refresher=uas", ""},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				ok, _ := b.timed(sipua.SessionTimer{Expires: c.want}, c.headers...)
				if ok.what() != "200" || ok.get("Session-Expires") != c.expires || ok.get("Require") != c.requires {
					t.Errorf("%s %q, required %q", ok.start, ok.get("Session-Expires"), ok.get("Require"))
				}
				b.peer.accepted(ok)
				b.peer.send(ask{method: "BYE"})
				b.peer.next("200")
			})
		})
	}
}

func TestSessionIntervalTooSmall(t *testing.T) {
	onBench(t, func(b *bench) {
		no, _ := b.timed(sipua.SessionTimer{Min: 2 * minutes}, "Supported: timer", "Session-Expires: 119")
		if no.what() != "422" || no.get("Min-SE") != "120" {
			t.Errorf("%s, Min-SE %q", no.start, no.get("Min-SE"))
		}
		b.peer.ack()
		synctest.Wait() // the leg goes after its answer
		if s := b.ua.Stats(); s.Legs != 0 {
			t.Errorf("%d legs", s.Legs)
		}
		for _, brief := range []string{"89", "1", "0", "0;refresher=uas"} {
			b.peer.callID += "x"
			b.peer.send(ask{method: "INVITE", body: offerSDP, headers: []string{"Supported: timer", "Session-Expires: " + brief}})
			if no = b.peer.next("422"); no.get("Min-SE") != "90" {
				t.Errorf("%s: Min-SE %q", brief, no.get("Min-SE"))
			}
			b.peer.ack()
		}
	})
}

// The peer refreshes by re-INVITE and by UPDATE; then it forgets the call.
func TestPeerRefreshesAndForgets(t *testing.T) {
	onBench(t, func(b *bench) {
		ok, ev := b.timed(sipua.SessionTimer{}, "Supported: timer", "Session-Expires: 120;refresher=uac")
		p := b.peer
		p.accepted(ok)
		next[sipua.Confirmed](t, ev)
		time.Sleep(60 * time.Second)
		p.send(ask{method: "UPDATE", headers: []string{"Supported: timer", "Session-Expires: 120;refresher=uac"}})
		if ok = p.next("200"); ok.get("Session-Expires") != "120;refresher=uac" || ok.get("Contact") == "" {
			t.Errorf("%+v", ok.headers)
		}
		time.Sleep(60 * time.Second)
		p.send(ask{method: "UPDATE", headers: []string{"Supported: timer", "Session-Expires: 60"}})
		p.next("422")
		p.send(ask{method: "INVITE", body: offerSDP, headers: []string{"Supported: timer", "Session-Expires: 120;refresher=uac"}})
		p.next("100")
		_ = next[sipua.Reinvited](t, ev).Reply(200, []byte(ourSDP))
		if ok = p.next("200"); ok.get("Session-Expires") != "120;refresher=uac" {
			t.Errorf("%+v", ok.headers)
		}
		p.ack()
		began := time.Now()
		bye := p.next("BYE")
		if d := time.Since(began); d != 88*time.Second { // 32 s before its end
			t.Errorf("given up after %v", d)
		}
		if got := bye.get("Reason"); got != `Q.850;cause=102;text="session expired"` {
			t.Errorf("reason %q", got)
		}
		p.reply(bye, 200, "", "")
		if h := next[sipua.Hungup](t, ev); !h.Lost || h.Q850 != 102 {
			t.Errorf("%+v", h)
		}
	})
}

// dialTimed calls the peer, who answers with these headers.
func (b *bench) dialTimed(headers ...string) (*sipua.Leg, *events) {
	b.Helper()
	ev := newEvents()
	r := request()
	r.Session = sipua.SessionTimer{Expires: 3 * minutes}
	l, err := b.ua.Dial(r, ev.on)
	if err != nil {
		b.Fatal(err)
	}
	p := b.peer
	inv := p.next("INVITE")
	if inv.get("Session-Expires") != "180" || !strings.Contains(inv.get("Supported"), "timer") {
		b.Errorf("%+v", inv.headers)
	}
	p.reply(inv, 200, "t", offerSDP, headers...)
	p.next("ACK")
	next[sipua.Answered](b, ev)
	return l, ev
}

func TestWeRefreshByUpdate(t *testing.T) {
	onBench(t, func(b *bench) {
		l, ev := b.dialTimed("Require: timer", "Session-Expires: 120;refresher=uac", "Allow: INVITE, UPDATE")
		p, began := b.peer, time.Now()
		for i := range 3 {
			up := p.next("UPDATE")
			if d := time.Since(began); d != time.Duration(i+1)*60*time.Second {
				t.Errorf("refresh %d after %v", i, d)
			}
			if up.get("Session-Expires") != "120;refresher=uac" || up.body != "" {
				t.Errorf("%+v", up.headers)
			}
			p.reply(up, 200, "", "", "Session-Expires: 120;refresher=uac")
		}
		// One is refused for a longer interval, one for now, one for good.
		p.reply(p.next("UPDATE"), 422, "", "", "Min-SE: 200")
		up := p.next("UPDATE")
		if up.get("Session-Expires") != "200;refresher=uac" || up.get("Min-SE") != "200" {
			t.Errorf("%+v", up.headers)
		}
		p.reply(up, 200, "", "", "Session-Expires: 200;refresher=uac")
		p.reply(p.next("UPDATE"), 500, "", "")
		p.reply(p.next("UPDATE"), 405, "", "")
		re := p.next("INVITE")
		if re.get("Session-Expires") != "200;refresher=uac" || re.body != ourSDP {
			t.Errorf("%+v", re.headers)
		}
		p.reply(re, 200, "", offerSDP) // without the header: the session doesn't expire any more
		p.next("ACK")
		p.silence(time.Hour)
		synctest.Wait()
		ev.none(t)
		l.Hangup(16, "")
		p.reply(p.next("BYE"), 200, "", "")
	})
}

func TestRefreshFails(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		reason string
		within time.Duration
	}{
		"the peer lost the dialog": {481, "UPDATE: 481", 0},
		"it only ever refuses":     {503, "session expired", 28 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				_, ev := b.dialTimed("Session-Expires: 120;refresher=uac", "Allow: UPDATE")
				p := b.peer
				var first time.Time
				for {
					m := p.within(2 * minutes)
					if m == nil {
						t.Fatal("no BYE")
					}
					if first.IsZero() {
						first = time.Now()
					}
					if m.what() == "BYE" {
						p.reply(m, 200, "", "")
						break
					}
					p.reply(m, c.status, "", "")
				}
				if d := time.Since(first); d != c.within {
					t.Errorf("ended after %v", d)
				}
				if h := next[sipua.Hungup](t, ev); !h.Lost || h.Reason != c.reason {
					t.Errorf("%+v", h)
				}
			})
		})
	}
}

func TestPeerWantsLongerSession(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		r := request()
		r.Session = sipua.SessionTimer{Expires: 3 * minutes}
		if _, err := b.ua.Dial(r, ev.on); err != nil {
			t.Fatal(err)
		}
		p := b.peer
		p.reply(p.next("INVITE"), 422, "t", "", "Min-SE: 600")
		p.next("ACK")
		inv := p.next("INVITE")
		if inv.get("Session-Expires") != "600" || inv.get("Min-SE") != "600" || inv.get("CSeq") != "2 INVITE" ||
			len(inv.all("Supported")) != 1 || inv.body != ourSDP {
			t.Errorf("%+v %q", inv.headers, inv.body)
		}
		p.reply(inv, 422, "t", "", "Min-SE: 900") // it never has enough
		p.next("ACK")
		if f := next[sipua.Failed](t, ev); f.Status != 422 {
			t.Errorf("%+v", f)
		}
	})
}

// Another process goes on with the timer, on our side and on the peer's.
func TestSessionTimerAfterResume(t *testing.T) {
	onBench(t, func(b *bench) {
		l, _ := b.dialTimed("Session-Expires: 180;refresher=uac", "Allow: UPDATE")
		enc, err := l.Dialog().MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var d sipua.Dialog
		if err = d.UnmarshalBinary(enc); err != nil {
			t.Fatal(err)
		}
		b.ua.Close()
		ua := b.open("10.0.0.9:5060", b.desk)
		ev := newEvents()
		ua.Resume(d, ev.on)
		p, began := b.peer, time.Now()
		p.next("ACK") // in case that the other process didn't come to it
		up := p.next("UPDATE")
		if d := time.Since(began); d > 31*time.Second {
			t.Errorf("refreshed after %v", d)
		}
		p.to = up.from
		p.reply(up, 200, "", "", "Session-Expires: 180;refresher=uas")
		p.silence(2 * time.Minute)
		if bye := p.next("BYE"); time.Since(began) < 148*time.Second {
			t.Errorf("ended after %v: %s", time.Since(began), bye.get("Reason"))
		} else {
			p.reply(bye, 200, "", "")
		}
		if h := next[sipua.Hungup](t, ev); !h.Lost {
			t.Errorf("%+v", h)
		}
	})
}
