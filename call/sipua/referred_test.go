package sipua_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/sipua"
)

const referTo = "Refer-To: <sip:1002@10.0.0.1>"

// told checks a NOTIFY about a REFER and answers it.
func (p *peer) told(event, state, line string, answer int) {
	p.b.Helper()
	n := p.next("NOTIFY")
	got := [...]string{n.get("Event"), n.get("Subscription-State"), n.body, n.get("Content-Type")}
	want := [...]string{event, state, "SIP/2.0 " + line + "\r\n", "message/sipfrag;version=2.0"}
	if got != want {
		p.b.Errorf("NOTIFY %q, want %q", got, want)
	}
	p.reply(n, answer, "", "")
}

func TestPeerRefers(t *testing.T) {
	onBench(t, func(b *bench) {
		_, ev := b.called()
		p := b.peer
		p.send(ask{method: "REFER", headers: []string{
			"Refer-To: \"Wang\" <sip:1002@10.0.0.1;x=y?Replaces=abc%40d%3Bto-tag%3D1%3Bfrom-tag%3D2&X=1>",
			"Referred-By: <sip:1001@10.0.0.2>",
		}})
		r := next[sipua.ReferredIn](t, ev)
		want := sipua.DialogID{CallID: "abc@d", LocalTag: "1", RemoteTag: "2"}
		if r.Target != "sip:1002@10.0.0.1;x=y" || r.Number != "1002" || r.ReferredBy != "sip:1001@10.0.0.2" ||
			r.Replaces == nil || r.Replaces.DialogID != want || r.Replaces.EarlyOnly {
			t.Errorf("%+v %+v", r, r.Replaces)
		}
		p.send(ask{method: "REFER", headers: []string{referTo}})
		p.next("491")
		if err := r.Reply(202); err != nil {
			t.Fatal(err)
		}
		p.next("202")
		p.told("refer", "active;expires=180", "100 Trying", 200)
		_ = r.Reply(180)
		p.told("refer", "active;expires=180", "180 Ringing", 200)
		_ = r.Reply(200)
		p.told("refer", "terminated;reason=noresource", "200 OK", 200)
		wantErr(t, r.Reply(200), sipua.ErrReplied)
		// The next one's NOTIFYs name it. It fails, and one answer says: no more.
		p.send(ask{method: "REFER", cseq: 7, headers: []string{referTo}})
		r = next[sipua.ReferredIn](t, ev)
		_ = r.Reply(202)
		p.next("202")
		p.told("refer;id=7", "active;expires=180", "100 Trying", 481)
		synctest.Wait()
		_ = r.Reply(486)
		p.silence(time.Minute)
		ev.none(t)
	})
}

func TestPeerRefersAndIsRefused(t *testing.T) {
	onBench(t, func(b *bench) {
		_, ev := b.called()
		p := b.peer
		for _, bad := range []struct{ header, status string }{
			{"X: y", "400"},
			{referTo + "\r\n" + referTo, "400"},
			{"Refer-To: <sip:1002@10.0.0.1?Replaces=abc>", "400"},
			{"Refer-To: \"", "400"},
			{"Refer-To: <http://a>", "416"},
			{"Refer-To: <sip:1002@10.0.0.1;method=BYE>", "501"},
		} {
			p.send(ask{method: "REFER", headers: []string{bad.header}})
			if no := p.within(time.Minute); no == nil || no.what() != bad.status {
				t.Errorf("%s: %+v, want %s", bad.header, no, bad.status)
			}
		}
		refer := p.text(ask{method: "REFER", headers: []string{referTo}})
		p.write(refer)
		p.write(refer) // again, before there is an answer
		synctest.Wait()
		r := next[sipua.ReferredIn](t, ev)
		wantErr(t, r.Reply(99), sipua.ErrInput)
		_ = r.Reply(603)
		if no := p.next("603"); no.start != "SIP/2.0 603 Decline" {
			t.Error(no.start)
		}
		p.write(refer) // the answer was lost
		p.next("603")
		wantErr(t, r.Reply(202), sipua.ErrReplied)
		p.silence(time.Minute)
		ev.none(t)
	})
}

// Many phones hang up as soon as they have asked.
func TestPeerRefersAndHangsUp(t *testing.T) {
	onBench(t, func(b *bench) {
		_, ev := b.called()
		p := b.peer
		p.send(ask{method: "REFER", headers: []string{referTo, "Refer-Sub: false"}})
		p.send(ask{method: "BYE"})
		p.next("200")
		r := next[sipua.ReferredIn](t, ev)
		next[sipua.Hungup](t, ev)
		if err := r.Reply(202); err != nil {
			t.Error(err)
		}
		if ok := p.next("202"); ok.get("Refer-Sub") != "false" {
			t.Errorf("%+v", ok.headers)
		}
		if err := r.Reply(200); err != nil {
			t.Error(err)
		}
		p.silence(time.Minute)
	})
}

// Nobody answers: nothing stays behind, and nothing is sent too late.
func TestReferForgotten(t *testing.T) {
	onBench(t, func(b *bench) {
		_, ev := b.called()
		p := b.peer
		p.send(ask{method: "REFER", headers: []string{referTo}})
		r := next[sipua.ReferredIn](t, ev)
		p.silence(time.Minute)
		wantErr(t, r.Reply(202), sipua.ErrReplied)
		if s := b.ua.Stats(); s.Transactions != 0 {
			t.Errorf("%d transactions", s.Transactions)
		}
	})
}

func TestShow(t *testing.T) {
	onBench(t, func(b *bench) {
		l, ev := b.calling()
		p := b.peer
		wantErr(t, l.Show(sipua.Identity{Number: "a@b"}), sipua.ErrInput)
		wantErr(t, l.Show(sipua.Identity{Number: "1", Name: "a\nb"}), sipua.ErrInput)
		if err := l.Show(sipua.Identity{Number: "13800138000", Name: `Li "Lei"`}); err != nil {
			t.Fatal(err)
		}
		re := p.next("INVITE")
		if got, want := re.get("P-Asserted-Identity"), `"Li \"Lei\"" <sip:13800138000@10.0.0.1>`; got != want {
			t.Errorf("identity %q, want %q", got, want)
		}
		if re.body != ourSDP {
			t.Errorf("offer %q", re.body)
		}
		moved := strings.Replace(offerSDP, "4000", "4002", 1)
		p.reply(re, 200, "", moved)
		p.next("ACK")
		if got := next[sipua.Refreshed](t, ev); string(got.SDP) != moved {
			t.Errorf("answer %q", got.SDP)
		}
		l.Hangup(16, "")
		wantErr(t, l.Show(sipua.Identity{Number: "1"}), sipua.ErrOver)
	})
}
