package call

import (
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/call/sipua"
)

// lose takes away what the caller hears, as if a prompt or music had failed.
func (l *lab) lose() {
	l.t.Helper()
	c := l.theCall()
	c.later(c.hush)
	synctest.Wait()
}

// waits are the situations in which a caller waits for something of ours; each
// returns what it is called in the metric.
func waits() map[string]func(l *lab) string {
	return map[string]func(l *lab) string{
		"lookup": func(l *lab) string {
			l.business(time.Hour)
			l.service("1")
			time.Sleep(500 * time.Millisecond)
			l.press("12345678")
			time.Sleep(2 * time.Second)
			return "menu"
		},
		"counting a try": func(l *lab) string {
			l.business(0)
			l.log.lose(acd.AuthTried{}, 10*time.Second)
			l.service("1")
			time.Sleep(500 * time.Millisecond)
			l.press("12345678")
			time.Sleep(time.Second)
			return "menu"
		},
		"joining a queue": func(l *lab) string {
			l.log.lose(acd.CallQueued{}, 20*time.Second)
			l.service("3")
			time.Sleep(time.Second)
			return "queue"
		},
		"queue": func(l *lab) string {
			l.service("3")
			time.Sleep(5 * time.Second)
			return "queue"
		},
		"answer of an agent": func(l *lab) string {
			l.phone.habits["1001"] = habit{after: time.Second, status: 200}
			l.log.lose(acd.OfferAnswered{}, 9*time.Second)
			l.service("3")
			time.Sleep(2 * time.Second)
			return "queue"
		},
		"transfer that rings": func(l *lab) string {
			l.service("4")
			time.Sleep(2 * time.Second)
			return "transfer"
		},
		"far switch": func(l *lab) string {
			l.service("5")
			time.Sleep(2 * time.Second)
			return "transfer"
		},
		"hold": func(l *lab) string {
			l.talking()
			l.do(Control{Do: Hold})
			return "conversation"
		},
		"hold by the phone": func(l *lab) string {
			l.talking()
			l.phoneOf("1001", sipua.Reinvited{
				Offer: sdp.Offer(sdp.LocalOptions{
					IP: l.media.IP(), Port: 40000, SessionID: 1, Version: 2, Codecs: []uint8{sdp.PCMA}, Direction: sdp.SendOnly,
				}),
				Reply: func(int, []byte) error { return nil },
			})
			return "conversation"
		},
		"consult": func(l *lab) string {
			l.talking()
			l.atWork("1002")
			l.do(Control{Do: Consult, Target: Target{Agent: "1002"}})
			time.Sleep(2 * time.Second)
			return "conversation"
		},
		"blind transfer": func(l *lab) string {
			l.talking()
			l.atWork("1002")
			l.phone.habits["1002"] = habit{}
			l.do(Control{Do: Transfer, Target: Target{Agent: "1002"}})
			time.Sleep(time.Second)
			return "conversation"
		},
	}
}

// Whatever goes wrong while a caller waits, he hears nothing for less than two
// seconds.
func TestNobodyWaitsInSilence(t *testing.T) {
	const most = 2 * time.Second
	for name, begins := range waits() {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.phone.habits["1001"] = habit{}
				where := begins(l)
				if n := l.sw.Stats().Silences; len(n) != 0 {
					t.Fatalf("we had to step in although nothing went wrong: %v", n)
				}
				leg := l.callerLeg()
				leg.silence()
				l.lose()
				time.Sleep(most)
				if d := leg.silence(); d == 0 || d >= most {
					t.Errorf("the caller heard nothing for %v", d)
				}
				if n := l.sw.Stats().Silences; n[where] != 1 || len(n) != 1 {
					t.Errorf("stepped in: %v, want once in %s", n, where)
				}
				time.Sleep(time.Second)
				if d := leg.silence(); d != 0 {
					t.Errorf("after that nothing for %v", d)
				}
				l.never("hang up caller")
			})
		})
	}
}

// The menu's turn is one thing, the caller's another: while he is to press a
// key, silence is his.
func TestSilenceOfTheCallersTurn(t *testing.T) {
	inLab(t, func(l *lab) {
		l.dial("10001", "13800138000")
		time.Sleep(40 * time.Second) // prompts, and pauses to think
		if n := l.sw.Stats().Silences; len(n) != 0 {
			t.Errorf("stepped in: %v", n)
		}
	})
}

// A caller on his own hold hears nothing, and needs nothing.
func TestWhoHoldsUsNeedsNoMusic(t *testing.T) {
	inLab(t, func(l *lab) {
		c := l.service("3")
		c.says(sipua.Reinvited{
			Offer: sdp.Offer(sdp.LocalOptions{
				IP: l.media.IP(), Port: 40000, SessionID: 1, Version: 2, Codecs: []uint8{sdp.PCMA}, Direction: sdp.SendOnly,
			}),
			Reply: func(int, []byte) error { return nil },
		})
		synctest.Wait()
		l.lose()
		time.Sleep(5 * time.Second)
		if n := l.sw.Stats().Silences; len(n) != 0 {
			t.Errorf("stepped in: %v", n)
		}
	})
}

// What comes in place of the music that stood in is heard, and the music ends
// when nobody waits any more.
func TestComfortEnds(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.do(Control{Do: Hold})
		l.lose()
		time.Sleep(2 * time.Second)
		l.do(Control{Do: Resume})
		l.arranged("1001+caller;")
		if c := l.theCall(); c.vigil.comfort || c.vigil.sound {
			t.Errorf("%+v", c.vigil)
		}
		time.Sleep(10 * time.Second)
		if n := l.sw.Stats().Silences["conversation"]; n != 1 {
			t.Errorf("stepped in %d times", n)
		}
	})
}

// A destination whose early media stop rings again.
func TestEarlyMediaThatStop(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits[deskAddress] = habit{}
		l.service("4")
		time.Sleep(2 * time.Second)
		far := l.farLeg()
		l.farSays(sipua.Ringing{Status: 183, SDP: remoteSDP(50000)})
		far.sends()
		time.Sleep(200 * time.Millisecond)
		l.arranged("caller+far;")
		l.forgetLines()
		time.Sleep(1600 * time.Millisecond)
		l.arranged(";")
		l.saw("music")
		if n := l.sw.Stats().Silences["transfer"]; n != 1 {
			t.Errorf("stepped in %d times", n)
		}
		far.sends()
		time.Sleep(200 * time.Millisecond)
		l.arranged("caller+far;")
	})
}

func TestAgentIsRemindedOfHold(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		agent := l.theCall().agent.media.(*fakeLeg)
		l.do(Control{Do: Hold})
		agent.silence()
		l.forgetLines()
		time.Sleep(29 * time.Second)
		l.never("hold_reminded")
		time.Sleep(2 * time.Second)
		l.saw("log call.hold_reminded 1001")
		if d := agent.silence(); d > 30*time.Second+10*time.Millisecond {
			t.Errorf("the agent heard nothing for %v", d)
		}
		time.Sleep(30 * time.Second)
		if n := l.sw.Stats().Reminders; n != 2 {
			t.Errorf("%d reminders in a minute", n)
		}
		l.do(Control{Do: Resume})
		time.Sleep(time.Minute)
		l.do(Control{Do: Hold})
		l.atWork("1002") // who asks somebody hasn't forgotten the caller
		l.do(Control{Do: Resume})
		l.do(Control{Do: Consult, Target: Target{Agent: "1002"}})
		time.Sleep(time.Minute)
		if n := l.sw.Stats().Reminders; n != 2 {
			t.Errorf("%d reminders though nobody forgot anybody", n)
		}
		l.hangUp()
		l.over()
	})
}
