package call

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
)

func naming(dialog string, early bool) *sipua.Replaces {
	return &sipua.Replaces{DialogID: sipua.DialogID{CallID: dialog}, EarlyOnly: early}
}

// talking puts a caller and agent 1001 into a call.
func (l *lab) talking() {
	l.t.Helper()
	l.phone.habits["1001"] = habit{after: time.Second, status: 200}
	l.dial("10000", "13800138000")
	time.Sleep(3 * time.Second)
	l.press("0")
	time.Sleep(2 * time.Second)
	l.saw("bridge")
	l.forgetLines()
}

// takeOver sends the INVITE of a trunk that names a dialog.
func (l *lab) takeOver(source string, r *sipua.Replaces) *caller {
	c := &caller{lab: l}
	l.sw.Invite(Invite{
		Invitation: c, CallID: "new", From: "13800138000", Number: "10000", Replaces: r,
		Source: netip.MustParseAddrPort(source), Offer: remoteSDP(30002),
	})
	synctest.Wait()
	return c
}

func TestCarrierReplacesTheCallersLeg(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		for _, no := range []struct {
			r      *sipua.Replaces
			status int
		}{
			{naming("nobody", false), 481}, {naming("caller", true), 486}, {naming("agent 1001", false), 603},
		} {
			if c := l.takeOver("192.0.2.9:5060", no.r); c.refused != no.status {
				t.Errorf("%v: %d, want %d", no.r, c.refused, no.status)
			}
		}
		l.forgetLines()
		c := l.takeOver("192.0.2.9:5060", naming("caller", false))
		l.want("5s answer", "5s hang up caller (16 replaced)")
		time.Sleep(time.Second)
		if a := l.agent("1001"); a.State != acd.AgentTalking {
			t.Errorf("agent is %v, want talking", a.State)
		}
		c.hangUp()
		time.Sleep(time.Second)
		l.saw("log call.agent_released", "log call.ended normal")
		l.gone()
	})
}

func TestAgentTakesHisCallToAnotherPhone(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		in := Invite{From: "1001", Number: "1001", URI: "sip:1001@tierline", Replaces: naming("agent 1001", false)}
		if c := l.prove(in, "guess"); c.refused != 401 {
			t.Errorf("wrong password: %d", c.refused)
		}
		in.From = "1002"
		if c := l.prove(in, "s3cret"); c.refused != 603 {
			t.Errorf("somebody else: %d", c.refused)
		}
		l.forgetLines()
		in.From = "1001"
		p := l.prove(in, "s3cret1")
		l.saw("answer", "hang up agent 1001 (16 replaced)")
		p.says(sipua.Hungup{})
		time.Sleep(time.Second)
		l.saw("log call.agent_released")
	})
}

func TestLostCallerIsNoAbandonedOne(t *testing.T) {
	inLab(t, func(l *lab) {
		c := l.dial("10000", "13800138000")
		time.Sleep(2 * time.Second)
		c.says(sipua.Hungup{Lost: true, Q850: 102})
		time.Sleep(time.Second)
		l.saw("log call.ended lost")
		l.gone()
	})
}

func TestSessionTooShortIsRefused(t *testing.T) {
	inLab(t, func(l *lab) {
		c := &caller{lab: l, interval: time.Second}
		l.sw.Invite(Invite{
			Invitation: c, From: "13800138000", Number: "10000", Source: netip.MustParseAddrPort("192.0.2.9:5060"),
			Offer: remoteSDP(30002),
		})
		synctest.Wait()
		l.never("log call.arrived")
		if l.sw.Live() != 0 || l.media.legs() != 0 {
			t.Errorf("%d calls and %d media legs are left", l.sw.Live(), l.media.legs())
		}
	})
}
