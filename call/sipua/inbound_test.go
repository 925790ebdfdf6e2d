package sipua_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/call/sipua"
)

func TestInboundCall(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		var got sipua.Incoming
		b.desk.invite = func(in *sipua.Incoming) {
			got = *in
			if err := in.Ringing(); err != nil {
				t.Error(err)
			}
			time.Sleep(3 * time.Second)
			if _, err := in.Answer([]byte(ourSDP), ev.on); err != nil {
				t.Error(err)
			}
		}
		p := b.peer
		p.send(ask{method: "INVITE", body: offerSDP, headers: []string{
			`P-Asserted-Identity: "x" <sip:+8613812345678@10.0.0.2>, <tel:1>`, "User-Agent: phone", "Privacy: none",
			"Record-Route: <sip:10.0.0.2;lr>",
		}})
		p.next("100")
		ringing := p.next("180")
		ok := p.next("200")
		if tag := param(ok.get("To"), "tag"); tag != param(ringing.get("To"), "tag") || len(tag) != 32 {
			t.Errorf("tags %q and %q", ringing.get("To"), ok.get("To"))
		}
		if ok.at != 3*time.Second || ok.body != ourSDP || ok.get("Content-Type") != "application/sdp" {
			t.Errorf("200 after %v: %+v", ok.at, ok)
		}
		if ok.get("Contact") != "<sip:tierline@10.0.0.1:5060>" || ok.get("Record-Route") != "<sip:10.0.0.2;lr>" {
			t.Errorf("Contact %q, Record-Route %q", ok.get("Contact"), ok.get("Record-Route"))
		}
		p.accepted(ok)
		if c := next[sipua.Confirmed](t, ev); c.SDP != nil {
			t.Errorf("the ACK brought %q", c.SDP)
		}
		want := sipua.Incoming{
			CallID: "call-10.0.0.2:5060", From: "13812345678", FromName: `Li "Lei"`, FromURI: "sip:13812345678@10.0.0.2",
			To: "10000", RequestUser: "10000", RequestURI: "sip:10000@10.0.0.1", PAI: "+8613812345678",
			Transport: "udp", UserAgent: "phone", Authorization: []string{}, Offer: []byte(offerSDP),
		}
		want.Source = got.Source
		if got.Local.String() != "10.0.0.1" {
			t.Errorf("came to %s", got.Local)
		}
		if d := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool {
			return p.String() == "leg" || p.String() == "srv" || p.String() == "Source" || p.String() == "Local"
		}, cmp.Ignore())); d != "" {
			t.Error(d)
		}
		p.send(ask{method: "BYE", headers: []string{`Reason: SIP;cause=200, Q.850;cause=16;text="bye; now"`, `Reason: Q.850;cause=17`}})
		p.next("200")
		if h := next[sipua.Hungup](t, ev); h.Q850 != 17 {
			t.Errorf("hung up with %+v", h)
		}
		if s := b.ua.Stats(); s.Legs != 0 || s.In["INVITE"] != 1 || s.Out["200"] != 2 {
			t.Errorf("stats %+v", s)
		}
		p.silence(time.Minute)
	})
}

func TestAnswerIsRepeatedUntilAck(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		b.desk.invite = func(in *sipua.Incoming) { _, _ = in.Answer([]byte(ourSDP), ev.on) }
		p := b.peer
		p.send(ask{method: "INVITE", body: offerSDP})
		p.next("100")
		var at []time.Duration
		for len(at) < 11 {
			at = append(at, p.next("200").at/time.Millisecond)
		}
		// T1 doubling to T2 (RFC 3261 §13.3.1.4).
		want := []time.Duration{0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500}
		if d := cmp.Diff(want, at); d != "" {
			t.Error(d)
		}
		bye := p.next("BYE")
		if bye.at != 32*time.Second || !strings.Contains(bye.get("Reason"), "Q.850;cause=102") {
			t.Errorf("BYE after %v: %q", bye.at, bye.get("Reason"))
		}
		p.reply(bye, 200, "", "")
		next[sipua.NoAck](t, ev)
		synctest.Wait()
		ev.none(t)
		if s := b.ua.Stats(); s.Legs != 0 || s.Repeated != 10 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestCancel(t *testing.T) {
	onBench(t, func(b *bench) {
		var in *sipua.Incoming
		calls := 0
		b.desk.invite = func(i *sipua.Incoming) {
			in = i
			in.OnCancel(func() { calls++ })
			_ = in.Ringing()
		}
		p := b.peer
		p.send(ask{method: "INVITE", body: offerSDP, branch: "z9hG4bKc"})
		p.next("100")
		tag := param(p.next("180").get("To"), "tag")
		// A stranger who knows the branch can't cancel.
		other := b.join("10.0.0.9:5060")
		other.callID, other.tag = p.callID, p.tag
		other.addr = p.addr // the same Via
		other.write(strings.Replace(other.text(ask{method: "CANCEL", branch: "z9hG4bKc", cseq: 1}),
			"branch=z9hG4bKc", "branch=z9hG4bKc;rport", 1))
		other.next("481")
		p.send(ask{method: "CANCEL", branch: "z9hG4bKc", cseq: 1})
		ok := p.next("200")
		gone := p.next("487")
		if param(ok.get("To"), "tag") != tag || param(gone.get("To"), "tag") != tag {
			t.Errorf("tags %q %q, want %s", ok.get("To"), gone.get("To"), tag)
		}
		// Without an ACK the refusal is repeated.
		if again := p.next("487"); again.at != 500*time.Millisecond {
			t.Errorf("repeated after %v", again.at)
		}
		p.send(ask{method: "ACK", branch: "z9hG4bKc", cseq: 1, totag: tag})
		synctest.Wait()
		if calls != 1 {
			t.Errorf("OnCancel called %d times", calls)
		}
		in.OnCancel(func() { calls++ })
		synctest.Wait()
		if calls != 2 {
			t.Error("a late OnCancel was not called")
		}
		_, err := in.Answer([]byte(ourSDP), nil)
		wantErr(t, err, sipua.ErrOver)
		wantErr(t, in.Ringing(), sipua.ErrOver)
		wantErr(t, in.Reject(486, "Busy", 0, nil), sipua.ErrOver)
		// The INVITE again, late: absorbed.
		p.send(ask{method: "INVITE", body: offerSDP, branch: "z9hG4bKc", cseq: 1})
		p.silence(time.Minute)
		if s := b.ua.Stats(); s.Legs != 0 || s.Transactions != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestCancelAfterAnswerChangesNothing(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		b.desk.invite = func(in *sipua.Incoming) {
			in.OnCancel(func() { t.Error("cancelled") })
			_, _ = in.Answer([]byte(ourSDP), ev.on)
		}
		p := b.peer
		p.send(ask{method: "INVITE", body: offerSDP, branch: "z9hG4bKc"})
		p.next("100")
		ok := p.next("200")
		p.send(ask{method: "CANCEL", branch: "z9hG4bKc", cseq: 1})
		p.next("200")
		p.accepted(ok)
		next[sipua.Confirmed](t, ev)
		p.send(ask{method: "BYE"})
		p.next("200")
		next[sipua.Hungup](t, ev)
	})
}

func TestByeBeforeAck(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		b.desk.invite = func(in *sipua.Incoming) { _, _ = in.Answer([]byte(ourSDP), ev.on) }
		p := b.peer
		p.send(ask{method: "INVITE", body: offerSDP})
		p.next("100")
		p.remote = param(p.next("200").get("To"), "tag")
		p.send(ask{method: "BYE"})
		p.next("200")
		next[sipua.Confirmed](t, ev) // the BYE shows that our 200 arrived
		next[sipua.Hungup](t, ev)
		p.silence(time.Minute) // the 200 is not repeated
	})
}

func TestByeInsteadOfCancel(t *testing.T) {
	onBench(t, func(b *bench) {
		cancelled := make(chan struct{})
		b.desk.invite = func(in *sipua.Incoming) {
			in.OnCancel(func() { close(cancelled) })
			_ = in.Ringing()
		}
		p := b.peer
		p.send(ask{method: "INVITE", body: offerSDP, branch: "z9hG4bKb"})
		p.next("100")
		p.remote = param(p.next("180").get("To"), "tag")
		p.send(ask{method: "BYE"})
		p.next("200")
		p.next("487")
		p.send(ask{method: "ACK", branch: "z9hG4bKb", cseq: 1})
		<-cancelled
	})
}

func TestRepeatedInvite(t *testing.T) {
	onBench(t, func(b *bench) {
		calls := 0
		answer := make(chan struct{})
		ev := newEvents()
		b.desk.invite = func(in *sipua.Incoming) {
			calls++
			_ = in.Ringing()
			<-answer
			_, _ = in.Answer([]byte(ourSDP), ev.on)
		}
		p := b.peer
		inv := p.text(ask{method: "INVITE", body: offerSDP})
		p.write(inv)
		p.next("100")
		p.next("180")
		p.write(inv)
		p.next("180") // the last answer again
		close(answer)
		ok := p.next("200")
		p.write(inv)
		p.silence(100 * time.Millisecond) // the 200 has a timer of its own
		p.accepted(ok)
		next[sipua.Confirmed](t, ev)
		p.write(inv)
		p.silence(10 * time.Second)
		// The same call by another way is not a second call.
		p.remote, p.target = "-", "sip:10000@10.0.0.1"
		p.send(ask{method: "INVITE", body: offerSDP, cseq: 1})
		p.next("482")
		if calls != 1 {
			t.Errorf("%d calls", calls)
		}
		p.remote = param(ok.get("To"), "tag")
		p.send(ask{method: "BYE"})
		p.next("200")
		next[sipua.Hungup](t, ev)
	})
}

func TestLateOffer(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		legs := make(chan *sipua.Leg, 1)
		b.desk.invite = func(in *sipua.Incoming) {
			if in.Offer != nil {
				t.Errorf("offer %q", in.Offer)
			}
			l, _ := in.Answer([]byte(ourSDP), ev.on)
			legs <- l
		}
		p := b.peer
		p.send(ask{method: "INVITE"})
		p.next("100")
		ok := p.next("200")
		if ok.body != ourSDP {
			t.Errorf("our offer is %q", ok.body)
		}
		p.remote = param(ok.get("To"), "tag")
		p.send(ask{method: "ACK", cseq: 1, body: offerSDP})
		if c := next[sipua.Confirmed](t, ev); string(c.SDP) != offerSDP {
			t.Errorf("answer %q", c.SDP)
		}
		if d := (<-legs).Dialog(); string(d.RemoteSDP) != offerSDP || string(d.LocalSDP) != ourSDP {
			t.Errorf("dialog %+v", d)
		}
	})
}

func TestHangupWaitsForAck(t *testing.T) {
	onBench(t, func(b *bench) {
		ev := newEvents()
		b.desk.invite = func(in *sipua.Incoming) {
			l, _ := in.Answer([]byte(ourSDP), ev.on)
			l.Hangup(16, `normal "clearing"`)
			l.Hangup(17, "again")
		}
		p := b.peer
		p.send(ask{method: "INVITE", body: offerSDP})
		p.next("100")
		ok := p.next("200")
		p.silence(400 * time.Millisecond) // no BYE before the ACK
		p.accepted(ok)
		bye := p.next("BYE")
		if bye.get("Reason") != `Q.850;cause=16;text="normal \"clearing\""` {
			t.Errorf("Reason %q", bye.get("Reason"))
		}
		if bye.start != "BYE sip:caller@10.0.0.2:5060 SIP/2.0" {
			t.Errorf("start line %q", bye.start)
		}
		p.send(ask{method: "BYE"}) // crosses ours
		p.next("200")
		p.reply(bye, 200, "", "")
		next[sipua.Confirmed](t, ev)
		synctest.Wait()
		ev.none(t)
		p.silence(time.Minute)
	})
}

func TestReject(t *testing.T) {
	onBench(t, func(b *bench) {
		b.desk.invite = func(in *sipua.Incoming) {
			err := in.Reject(401, "Who Are You", 7, map[string][]string{"WWW-Authenticate": {"Digest a", "Digest b"}})
			if err != nil {
				t.Error(err)
			}
		}
		p := b.peer
		p.send(ask{method: "INVITE", body: offerSDP, branch: "z9hG4bKr"})
		p.next("100")
		no := p.next("401")
		if d := cmp.Diff([]string{"Digest a", "Digest b"}, no.all("WWW-Authenticate")); d != "" || no.get("Retry-After") != "7" {
			t.Error(d, no.get("Retry-After"))
		}
		p.send(ask{method: "ACK", branch: "z9hG4bKr", cseq: 1, totag: param(no.get("To"), "tag")})
		p.silence(time.Minute)

		b.desk.invite = func(in *sipua.Incoming) {
			wantErr(t, in.Reject(200, "OK", 0, nil), sipua.ErrInput)
			wantErr(t, in.Reject(400, "Bad\r\nX: y", 0, nil), sipua.ErrInput)
			wantErr(t, in.Reject(400, "Bad", 0, map[string][]string{"X": {"a\r\nb"}}), sipua.ErrInput)
			wantErr(t, in.Reject(400, "Bad", 0, map[string][]string{"X: y": {"a"}}), sipua.ErrInput)
			in.Leg().Hangup(17, "")
		}
		p.callID += "x"
		p.send(ask{method: "INVITE", body: offerSDP})
		p.next("100")
		p.next("486")
		// Nobody acknowledges: repeated for 32 s, then forgotten.
		if n := len(p.drain(time.Minute)); n != 10 {
			t.Errorf("repeated %d times", n)
		}
		if s := b.ua.Stats(); s.Legs != 0 || s.Transactions != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestHandlerPanicCostsOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, net: newNet(), desk: &desk{}, began: time.Now()}
		b.ua = b.open(ourAddr, b.desk)
		b.peer = b.join(peerAddr)
		p := b.peer
		b.desk.invite = func(*sipua.Incoming) { panic("bug") }
		p.send(ask{method: "INVITE", body: offerSDP, branch: "z9hG4bKr"})
		p.next("100")
		tag := param(p.next("500").get("To"), "tag")
		p.send(ask{method: "ACK", branch: "z9hG4bKr", cseq: 1, totag: tag})

		p.callID += "x"
		b.desk.invite = func(in *sipua.Incoming) {
			_, _ = in.Answer([]byte(ourSDP), func(sipua.LegEvent) { panic("bug") })
		}
		p.send(ask{method: "INVITE", body: offerSDP})
		p.next("100")
		p.accepted(p.next("200"))
		p.reply(p.next("BYE"), 200, "", "")
		b.desk.options = func() (int, int) { panic("bug") }
		p.remote = ""
		p.send(ask{method: "OPTIONS"})
		p.next("500")
		synctest.Wait()
		if s := b.ua.Stats(); s.Faults != 3 || s.Legs != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}
