package call

import (
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/sdp"
	"tierline/call/sipua"
	"tierline/media"
	"tierline/media/dtmf"
	"tierline/routing/trunk"
)

func TestListenFor(t *testing.T) {
	for _, c := range []struct {
		trunk trunk.Digits
		want  string
	}{
		{trunk.Digits{}, "rfc4733 info"},
		{trunk.Digits{RFC4733: true}, "rfc4733"},
		{trunk.Digits{Info: true, Inband: true}, "info inband"},
	} {
		got := ""
		for s := range dtmf.SourceCount {
			m := listenFor(c.trunk)
			if m.Accept(dtmf.Stroke{Source: s, Key: '1'}) {
				got += " " + s.String()
			}
		}
		if got != " "+c.want {
			t.Errorf("%+v:%s, want %s", c.trunk, got, c.want)
		}
	}
}

// The legs of a call are prepared for what its trunk has.
func TestDigitsAreNegotiated(t *testing.T) {
	inLab(t, func(l *lab) {
		for _, c := range []struct {
			trunk  trunk.Digits
			offer  string // "" has telephone events
			events bool
			inband bool
		}{
			{trunk.Digits{}, "", true, false},
			{trunk.Digits{RFC4733: true, Inband: true}, "", true, false},
			{trunk.Digits{RFC4733: true, Inband: true}, plainOffer, false, true},
			{trunk.Digits{RFC4733: true}, plainOffer, false, false},
			{trunk.Digits{Inband: true}, "", false, true},
		} {
			call := &Call{sw: l.sw, codecs: []uint8{8}}
			p, err := call.openParty(call.codecs, sdp.Never)
			if err != nil {
				t.Fatal(err)
			}
			p.digits(c.trunk)
			offer := []byte(c.offer)
			if c.offer == "" {
				offer = remoteSDP(30000)
			}
			if _, err = p.answer(offer); err != nil {
				t.Fatal(err)
			}
			leg := p.media.(*fakeLeg)
			if leg.params.EventPT != 0 != c.events || leg.params.Inband != c.inband {
				t.Errorf("%+v: %+v", c, leg.params)
			}
			leg.Close()
		}
	})
}

const plainOffer = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8\r\n"

// One key by INFO takes the caller on; the tone of it that follows in RTP, told
// again, is the same press.
func TestInfoReachesTheMenu(t *testing.T) {
	inLab(t, func(l *lab) {
		c := l.dial("10000", "13800138000")
		time.Sleep(1500 * time.Millisecond)
		c.says(sipua.Info{Key: '0', Held: 100 * time.Millisecond})
		synctest.Wait()
		l.media.last.on(media.Digit{Source: dtmf.Event, Code: '0'})
		synctest.Wait()
		if s := l.sw.Stats(); s.Digits["info"] != 1 || s.Digits["rfc4733"] != 0 {
			t.Errorf("keys: %v", s.Digits)
		}
		l.saw("answer", "log call.queued")
		c.hangUp()
	})
}
