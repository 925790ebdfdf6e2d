package call

import (
	"testing"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
)

const (
	deskAddress  = "sip:87651000@192.0.2.9;transport=udp"
	movedAddress = "sip:87652000@192.0.2.9;transport=udp"
)

func TestTransferIsRungAndJoined(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits[deskAddress] = habit{after: 4 * time.Second, status: 200}
		c := l.service("4")
		time.Sleep(8 * time.Second)
		l.want(
			"0s log call.arrived ",
			"0s answer",
			"10ms play 1s",
			"500ms play 1s", // one moment
			"1.5s music",    // it rings
			"1.5s call "+deskAddress+" as 87650000",
			"5.5s bridge",
			"5.5s log call.transferred answered",
		)
		l.farSays(sipua.Hungup{Q850: 16})
		time.Sleep(500 * time.Millisecond)
		l.want("8.5s unbridge", "8.5s play 1s") // thanks
		c.hangUp()
		time.Sleep(time.Second)
		l.gone()
	})
}

func TestTransferThatFailsGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		habit  habit
		result string
		after  time.Duration
	}{
		"busy":      {habit{after: time.Second, status: 486}, "busy", 2 * time.Second},
		"declined":  {habit{after: time.Second, status: 603}, "busy", 2 * time.Second},
		"gone":      {habit{after: time.Second, status: 404}, "failed", 2 * time.Second},
		"no answer": {habit{}, "no_answer", 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.phone.habits[deskAddress] = c.habit
				call := l.service("4")
				time.Sleep(c.after + 2*time.Second)
				l.saw("call "+deskAddress, "log call.transferred "+c.result, "play 1s")
				l.never("bridge")
				call.hangUp()
				time.Sleep(time.Second)
				l.gone()
			})
		})
	}
}

func TestCallerHangsUpWhileHeIsTransferred(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits[deskAddress] = habit{}
		c := l.service("4")
		time.Sleep(3 * time.Second)
		c.hangUp()
		time.Sleep(time.Second)
		l.saw("call "+deskAddress, "hang up far", "log call.ended")
		l.gone()
	})
	inLab(t, func(l *lab) {
		l.phone.habits[deskAddress] = habit{after: time.Second, status: 200}
		c := l.service("4")
		time.Sleep(5 * time.Second)
		c.hangUp()
		time.Sleep(time.Second)
		l.saw("bridge", "unbridge", "hang up far", "log call.ended")
		l.gone()
	})
}

// What the caller dials himself is called only if both the destination and a
// trunk permit it.
func TestOpenDestination(t *testing.T) {
	for digits, called := range map[string]bool{
		"87653000":       true,  // our own city
		"13800138000":    false, // the trunk would, the destination not
		"0014155550100":  false,
		"00886912345678": false,
	} {
		inLab(t, func(l *lab) {
			l.phone.habits["sip:87653000@192.0.2.9;transport=udp"] = habit{after: time.Second, status: 200}
			l.service("9")
			time.Sleep(500 * time.Millisecond)
			l.press(digits + "#")
			time.Sleep(4 * time.Second)
			if called {
				l.saw("call sip:"+digits+"@", "bridge")
				return
			}
			l.never("call sip:")
			l.saw("log call.transferred failed", "play 1s")
		})
	}
}

func TestFarSwitchTakesTheCall(t *testing.T) {
	inLab(t, func(l *lab) {
		c := l.service("5")
		time.Sleep(time.Second)
		l.saw("music", "refer caller to sip:87652000@192.0.2.9")
		c.says(sipua.Referred{Status: 202, Accepted: true})
		c.says(sipua.Referred{Status: 180, Accepted: true})
		time.Sleep(5 * time.Second)
		l.never("hang up")
		c.says(sipua.Referred{Status: 200, Accepted: true, Final: true})
		time.Sleep(time.Second)
		l.saw("log call.transferred answered", "hang up caller", "log call.ended transferred")
		l.never("call sip:")
		l.gone()
	})
}

// A far switch that refuses is not the end: we call ourselves.
func TestFarSwitchRefusesAndTheCallIsBridged(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits[movedAddress] = habit{after: time.Second, status: 200}
		c := l.service("5")
		time.Sleep(time.Second)
		c.says(sipua.Referred{Status: 405, Final: true})
		time.Sleep(3 * time.Second)
		l.saw("refer caller", "call "+movedAddress, "bridge", "log call.transferred answered")
		l.never("hang up") // they talk: the flow waits
		c.hangUp()
		time.Sleep(time.Second)
		l.gone()
	})
}

func TestFarSwitchReportsHowItWent(t *testing.T) {
	inLab(t, func(l *lab) {
		c := l.service("5")
		time.Sleep(time.Second)
		c.says(sipua.Referred{Status: 202, Accepted: true})
		c.says(sipua.Referred{Status: 486, Accepted: true, Final: true})
		time.Sleep(500 * time.Millisecond)
		l.saw("refer caller", "log call.transferred busy", "play 1s")
		l.never("hang up")
		c.hangUp()
		time.Sleep(time.Second)
		l.gone()
	})
}

// One that accepts and then keeps silent doesn't keep the caller for ever.
func TestFarSwitchKeepsSilent(t *testing.T) {
	inLab(t, func(l *lab) {
		c := l.service("5")
		time.Sleep(time.Second)
		c.says(sipua.Referred{Status: 202, Accepted: true})
		time.Sleep(40 * time.Second)
		l.saw("refer caller", "log call.transferred no_answer", "play 1s")
		c.says(sipua.Referred{Status: 200, Accepted: true, Final: true}) // too late
		time.Sleep(500 * time.Millisecond)
		l.never("transferred answered")
	})
}

// ready makes a second agent ready, whose phone has a fixed contact.
func (l *lab) ready(agent string) {
	l.t.Helper()
	_, _, err := l.log.Propose(l.t.Context(), acd.AgentCommanded{Agent: agent, Command: acd.GoReady, By: "test"})
	if err != nil {
		l.t.Fatal(err)
	}
}

// Two phones ring; who picks up first has the call, and the other one stops.
func TestRingGroup(t *testing.T) {
	inLab(t, func(l *lab) {
		l.ready("1002")
		l.phone.habits["1001"] = habit{}
		l.phone.habits["1002"] = habit{after: 2 * time.Second, status: 200}
		c := l.service("0")
		time.Sleep(4 * time.Second)
		l.saw("invite 1001", "call.connected 1002group", "hang up agent 1001 (26 answered elsewhere)")
		l.saw("invite 1002", "bridge")
		if a := l.agent("1001"); a.State != acd.AgentReady {
			t.Errorf("the loser is %v, want ready", a.State)
		}
		c.hangUp()
		time.Sleep(time.Second)
		l.gone()
	})
}

// Both pick up in the same moment: the log decides, and the loser is let go.
func TestBothOfARingGroupPickUp(t *testing.T) {
	inLab(t, func(l *lab) {
		l.ready("1002")
		l.log.slow = 300 * time.Millisecond
		l.phone.habits["1001"] = habit{after: 2 * time.Second, status: 200}
		l.phone.habits["1002"] = habit{after: 2100 * time.Millisecond, status: 200}
		c := l.service("0")
		time.Sleep(5 * time.Second)
		l.saw("invite", "call.connected 1001group", "hang up agent 1002 (26 answered elsewhere)")
		l.saw("bridge")
		if a := l.agent("1002"); a.State != acd.AgentReady {
			t.Errorf("the loser is %v, want ready", a.State)
		}
		c.hangUp()
		time.Sleep(time.Second)
		l.gone()
	})
}

// One is busy: the other one goes on ringing.
func TestOneOfARingGroupIsBusy(t *testing.T) {
	inLab(t, func(l *lab) {
		l.ready("1002")
		l.phone.habits["1001"] = habit{after: time.Second, status: 486}
		l.phone.habits["1002"] = habit{after: 3 * time.Second, status: 200}
		c := l.service("0")
		time.Sleep(5 * time.Second)
		l.saw("call.offer_failed 1001groupbusy", "call.connected 1002group", "bridge")
		c.hangUp()
		time.Sleep(time.Second)
		l.gone()
	})
}
