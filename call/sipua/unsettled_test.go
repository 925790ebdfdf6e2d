package sipua_test

import (
	"strings"
	"testing"
	"time"

	"tierline/call/sipua"
)

// dies closes the UA without a word to anybody; another one is at its address.
func (b *bench) dies(d sipua.Dialog) (*sipua.UA, sipua.Dialog) {
	b.Helper()
	text, err := d.MarshalBinary()
	if err != nil {
		b.Fatal(err)
	}
	var kept sipua.Dialog
	if err = kept.UnmarshalBinary(text); err != nil || len(kept.Invite) == 0 {
		b.Fatalf("%+v, %v", kept, err)
	}
	b.ua.Close()
	b.ua = b.open(ourAddr, &desk{})
	return b.ua, kept
}

// early is a caller who was told 183 by a process that is dead.
func (b *bench) early(headers ...string) (*sipua.UA, sipua.Dialog) {
	b.Helper()
	legs := make(chan *sipua.Leg, 1)
	b.desk.invite = func(in *sipua.Incoming) {
		if err := in.Progress([]byte(ourSDP), newEvents().on); err != nil {
			b.Errorf("progress: %v", err)
		}
		legs <- in.Leg()
	}
	p := b.peer
	p.send(ask{
		method: "INVITE", body: offerSDP, branch: "z9hG4bKearly",
		headers: append(headers, "Record-Route: <sip:10.0.0.2;lr>", "Authorization: Digest secret"),
	})
	p.next("100")
	early := p.next("183")
	if early.get("RSeq") != "" {
		p.pracks(early, "")
		p.next("200")
	}
	d := (<-legs).Dialog()
	if strings.Contains(string(d.Invite), "secret") || strings.Contains(string(d.Invite), "m=audio") {
		b.Errorf("more is kept than an answer needs: %s", d.Invite)
	}
	return b.dies(d)
}

// TestAnotherProcessAnswers: a caller who isn't answered yet when a process dies
// is answered by another one, in the dialog that he knows.
func TestAnotherProcessAnswers(t *testing.T) {
	for name, headers := range map[string][]string{"plain": nil, "reliably": {"Require: 100rel"}} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				heir, d := b.early(headers...)
				in, err := heir.ResumeInvite(d, true)
				if err != nil {
					t.Fatal(err)
				}
				p, ev := b.peer, newEvents()
				p.next("100")
				time.Sleep(time.Minute + time.Second) // a sign of life, if it needn't be numbered
				if headers == nil {
					p.next("183")
				}
				if _, err = in.Answer([]byte("v=0 other"), ev.on); err != nil {
					t.Fatal(err)
				}
				ok := p.next("200")
				if ok.body != ourSDP || param(ok.get("To"), "tag") != d.LocalTag || ok.get("Record-Route") == "" ||
					!strings.Contains(ok.get("Via"), "z9hG4bKearly") {
					t.Errorf("%+v", ok)
				}
				p.cseq = 1 // that of the INVITE
				p.accepted(ok)
				p.cseq = 2
				next[sipua.Confirmed](t, ev)
				p.send(ask{method: "BYE"})
				p.next("200")
				next[sipua.Hungup](t, ev)
			})
		})
	}
}

func TestAnotherProcessRefuses(t *testing.T) {
	onBench(t, func(b *bench) {
		heir, d := b.early()
		in, err := heir.ResumeInvite(d, true)
		if err != nil {
			t.Fatal(err)
		}
		if err = in.Reject(503, "Service Unavailable", 3, nil); err != nil {
			t.Fatal(err)
		}
		p := b.peer
		p.next("100")
		if no := p.next("503"); param(no.get("To"), "tag") != d.LocalTag {
			t.Errorf("%+v", no)
		}
		p.send(ask{method: "ACK", cseq: 1, branch: "z9hG4bKearly"})
		p.silence(time.Minute)
	})
}

func TestCallerGivesUpAtAnotherProcess(t *testing.T) {
	onBench(t, func(b *bench) {
		heir, d := b.early("Supported: 100rel")
		in, err := heir.ResumeInvite(d, true)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = heir.ResumeInvite(d, true); err == nil {
			t.Error("it goes on twice")
		}
		over := make(chan bool, 1)
		in.OnCancel(func() { over <- true })
		p := b.peer
		p.next("100")
		p.send(ask{method: "CANCEL", cseq: 1, branch: "z9hG4bKearly", totag: "-"})
		p.next("200")
		p.next("487")
		<-over
		if _, err = in.Answer(nil, newEvents().on); err == nil {
			t.Error("answered who has given up")
		}
	})
}

// TestAbandonedInvite: who gives a call to another process says no word any more.
func TestAbandonedInvite(t *testing.T) {
	onBench(t, func(b *bench) {
		legs := make(chan *sipua.Leg, 1)
		b.desk.invite = func(in *sipua.Incoming) {
			_ = in.Ringing()
			legs <- in.Leg()
		}
		b.peer.send(ask{method: "INVITE", body: offerSDP})
		b.peer.next("100")
		b.peer.next("180")
		(<-legs).Abandon()
		b.peer.silence(10 * time.Minute)
		if s := b.ua.Stats(); s.Legs != 0 || s.Transactions != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestAnotherProcessCancels: what rings because of a process that is dead is
// stopped, though its gateway has asked for a password; its refusal is
// acknowledged.
func TestAnotherProcessCancels(t *testing.T) {
	for _, challenged := range []bool{false, true} {
		onBench(t, func(b *bench) {
			r := request()
			r.Seed, r.Username, r.Password, r.Realm = "a seed", "u", "p", "r"
			l, err := b.ua.Dial(r, newEvents().on)
			if err != nil {
				t.Fatal(err)
			}
			p := b.peer
			inv := p.next("INVITE")
			if challenged {
				p.reply(inv, 401, "x", "", `WWW-Authenticate: Digest realm="r", nonce="n", algorithm=MD5, qop="auth"`)
				p.next("ACK")
				inv = p.next("INVITE")
			}
			p.reply(inv, 180, p.tag, "")
			heir, d := b.dies(l.Dialog())
			if err = heir.CancelInvite(d); err != nil {
				t.Fatal(err)
			}
			cancel := p.next("CANCEL")
			if cancel.get("Via") != inv.get("Via") || cancel.get("Authorization") != "" {
				t.Errorf("%+v", cancel)
			}
			p.reply(cancel, 200, p.tag, "")
			p.reply(inv, 487, p.tag, "")
			if ack := p.next("ACK"); ack.get("Via") != inv.get("Via") {
				t.Errorf("%+v", ack)
			}
			p.silence(time.Minute)
		})
	}
}

func TestWhatIsNoInviteIsRefused(t *testing.T) {
	onBench(t, func(b *bench) {
		for _, text := range []string{"", "nonsense", "SIP/2.0 200 OK\r\n\r\n", "BYE sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n"} {
			d := sipua.Dialog{Transport: "udp", Invite: []byte(text)}
			if _, err := b.ua.ResumeInvite(d, false); err == nil {
				t.Errorf("resumed %q", text)
			}
			if b.ua.CancelInvite(d) == nil {
				t.Errorf("cancelled %q", text)
			}
		}
	})
}
