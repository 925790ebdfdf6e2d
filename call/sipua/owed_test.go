package sipua_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/call/sipua"
)

// picksUp dials a phone whose answer is to be acknowledged later.
func (b *bench) picksUp() (l *sipua.Leg, ev *events, inv *msg) {
	b.Helper()
	r := request()
	r.AckLater = true
	l, ev = b.dial(r)
	inv = b.peer.next("INVITE")
	b.peer.reply(inv, 200, b.peer.tag, offerSDP)
	next[sipua.Answered](b, ev)
	return l, ev, inv
}

func TestAnAnswerIsAcknowledgedWhenTheCallerSaysSo(t *testing.T) {
	onBench(t, func(b *bench) {
		l, ev, inv := b.picksUp()
		p := b.peer
		p.silence(10 * time.Second)
		p.reply(inv, 200, p.tag, offerSDP) // again, as nobody has said that it came
		p.silence(time.Second)
		l.Acknowledge()
		ack := p.next("ACK")
		if ack.get("CSeq") != "1 ACK" || param(ack.get("To"), "tag") != p.tag {
			t.Errorf("%+v", ack)
		}
		l.Acknowledge() // it is
		p.silence(time.Second)
		p.reply(inv, 200, p.tag, offerSDP) // the ACK was lost
		if again := p.next("ACK"); cmp.Diff(again.headers, ack.headers) != "" {
			t.Error("the repeated ACK differs")
		}
		l.Hangup(16, "")
		p.reply(p.next("BYE"), 200, "", "")
		l.Acknowledge() // nobody is there
		p.silence(time.Second)
		synctest.Wait()
		ev.none(t)
	})
}

func TestTheAckThatWaitsGoesBeforeWhateverFollows(t *testing.T) {
	tests := map[string]struct {
		do   func(l *sipua.Leg)
		then string
	}{
		"hang up":  {func(l *sipua.Leg) { l.Hangup(16, "") }, "BYE"},
		"an offer": {func(l *sipua.Leg) { l.Reinvite([]byte(ourSDP), func(int, []byte) {}) }, "INVITE"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				l, _, _ := b.picksUp()
				tt.do(l)
				if ack := b.peer.next("ACK"); ack.get("CSeq") != "1 ACK" {
					t.Errorf("%+v", ack)
				}
				if then := b.peer.next(tt.then); then.get("CSeq") != "2 "+tt.then {
					t.Errorf("%+v", then)
				}
			})
		})
	}
}

// TestAPhoneThatSomebodyElseCalledIsAcknowledgedFirst: the phone can't repeat its
// answer to whoever goes on from another address, and may refuse an offer as
// long as it waits for its ACK.
func TestAPhoneThatSomebodyElseCalledIsAcknowledgedFirst(t *testing.T) {
	onBench(t, func(b *bench) {
		l, _, _ := b.picksUp()
		d := l.Dialog()
		heir := b.open("10.0.0.3:5060", b.desk)
		heir.Resume(d, newEvents().on).Reinvite([]byte(ourSDP), func(int, []byte) {})
		if ack := b.peer.next("ACK"); ack.get("CSeq") != "1 ACK" || ack.from.String() != "10.0.0.3:5060" {
			t.Errorf("%+v", ack)
		}
		b.peer.next("INVITE")
		l.Abandon()
	})
}
