package call

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
)

// farLeg is the media of whom we called last.
func (l *lab) farLeg() *fakeLeg {
	synctest.Wait()
	l.media.mu.Lock()
	defer l.media.mu.Unlock()
	return l.media.last
}

func TestCallerHearsWhatTheFarSidePlaysBeforeItAnswers(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits[deskAddress] = habit{after: 6 * time.Second, status: 200}
		c := l.service("4")
		time.Sleep(2 * time.Second) // it rings
		l.forgetLines()
		l.farSays(sipua.Ringing{Status: 183, SDP: []byte("nonsense")})
		l.farSays(sipua.Ringing{Status: 183, SDP: remoteSDP(40002), Fork: "a"})
		time.Sleep(time.Second)
		l.want() // nothing came yet: he hears it ring
		l.farSays(sipua.Ringing{Status: 183, SDP: remoteSDP(40004), Fork: "b"})
		leg := l.farLeg()
		if got := leg.params.Remote.Port(); got != 40004 {
			t.Errorf("listens to port %d, want the last one's", got)
		}
		leg.sends()
		time.Sleep(time.Second)
		l.want("3.6s bridge")
		time.Sleep(4 * time.Second)
		l.saw("unbridge", "bridge", "log call.transferred answered")
		c.hangUp()
		time.Sleep(time.Second)
		l.gone()
	})
}

func TestFarSideThatPlaysWhyItRefuses(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits[deskAddress] = habit{after: 6 * time.Second, status: 486}
		c := l.service("4")
		time.Sleep(2 * time.Second)
		l.farSays(sipua.Ringing{Status: 183, SDP: remoteSDP(40002)})
		l.farLeg().sends()
		time.Sleep(time.Second)
		l.saw("bridge")
		time.Sleep(6 * time.Second)
		l.saw("unbridge", "log call.transferred busy", "play 1s")
		c.hangUp()
		time.Sleep(time.Second)
		l.gone()
	})
}

// early dials a number whose callers aren't answered at once.
func (l *lab) early(number string, offer []byte, prack bool) *caller {
	c := &caller{lab: l, prack: prack}
	go l.sw.Invite(Invite{
		Invitation: c, From: "13800138000", Number: number, Source: netip.MustParseAddrPort("192.0.2.9:5060"), Offer: offer,
	})
	synctest.Wait()
	return c
}

func TestEarlyCallIsAnsweredWithTheAgent(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: 2 * time.Second, status: 200}
		c := l.early("10018", remoteSDP(30000), false)
		time.Sleep(3 * time.Second)
		l.saw("log call.arrived", "answer early", "play 1s")
		l.forgetLines()
		l.press("0")
		time.Sleep(time.Second)
		l.never("answer")
		time.Sleep(2 * time.Second)
		l.saw("music", "5s answer", "bridge")
		c.hangUp()
		time.Sleep(time.Second)
		l.saw("log call.ended normal")
		l.gone()
	})
}

func TestEarlyCallerGivesUp(t *testing.T) {
	inLab(t, func(l *lab) {
		c := l.early("10018", remoteSDP(30000), false)
		time.Sleep(3 * time.Second)
		l.press("0") // he waits for an agent
		time.Sleep(time.Second)
		c.mu.Lock()
		gaveUp := c.onCancel
		c.mu.Unlock()
		gaveUp()
		time.Sleep(time.Second)
		l.saw("humanabandoned")
		if c.refused != 0 {
			t.Errorf("refused with %d after his CANCEL", c.refused)
		}
		if ended := l.wrote(`"sip":487`); len(ended) != 1 {
			t.Errorf("recorded as %s", ended)
		}
		l.gone()
	})
}

// His answer to our offer, in the PRACK, is useless: he is told so.
func TestEarlyCallerWithBadAnswerIsRefused(t *testing.T) {
	inLab(t, func(l *lab) {
		c := l.early("10018", nil, true)
		time.Sleep(time.Second)
		c.says(sipua.Pracked{SDP: []byte("nonsense")})
		time.Sleep(time.Second)
		l.saw("refuse 488", "log call.ended bad_answer")
		l.gone()
	})
}

func TestEarlyCallerWhoVanishesWithoutCancel(t *testing.T) {
	inLab(t, func(l *lab) {
		c := l.early("10020", remoteSDP(30000), false) // he waits for an agent
		time.Sleep(earlyLongest + time.Second)
		l.saw("answer early", "5m0s answer")
		c.says(sipua.NoAck{})
		time.Sleep(time.Second)
		l.gone()
	})
}

func TestEarlyTransferIsAnsweredWithTheDestination(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits[deskAddress] = habit{after: 4 * time.Second, status: 200}
		c := l.early("10019", remoteSDP(30000), false)
		time.Sleep(500 * time.Millisecond)
		l.press("4")
		time.Sleep(8 * time.Second)
		l.saw("answer early", "call "+deskAddress, "5.5s answer", "log call.transferred answered")
		c.hangUp()
		time.Sleep(time.Second)
		l.gone()
	})
}

// An early caller without an offer gets ours; his answer comes with the PRACK.
func TestEarlyCallWithLateOffer(t *testing.T) {
	inLab(t, func(l *lab) {
		c := l.early("10018", nil, true)
		time.Sleep(time.Second)
		l.saw("answer early")
		l.never("play")
		c.says(sipua.Pracked{SDP: remoteSDP(30000)})
		time.Sleep(time.Second)
		l.saw("play 1s")
		c.says(sipua.NoAck{})
		time.Sleep(time.Second)
		l.saw("log call.ended no_ack")
		l.gone()
	})
	inLab(t, func(l *lab) {
		l.early("10018", nil, false) // he can't hear us before the answer
		time.Sleep(time.Second)
		l.saw("answer")
		l.never("answer early")
	})
}

func TestRefusalOfEarlyCalls(t *testing.T) {
	for _, c := range []struct {
		side         acd.Side
		q850, status int
	}{
		{acd.SideSwitch, 17, 486},
		{acd.SideSwitch, 34, 503},
		{acd.SideSwitch, 16, 480},
		{acd.SideSwitch, 1, 404},
		{acd.SideSwitch, 21, 603},
		{acd.SideCaller, 16, 487},
		{acd.SideCaller, 102, 504},
		{acd.SideCaller, 88, 480},
	} {
		if got := refusalOf(CauseOf(endBy(c.side, c.q850, "x"))); got != c.status {
			t.Errorf("cause %d: %d, want %d", c.q850, got, c.status)
		}
	}
}
