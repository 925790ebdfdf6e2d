package call

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/call/sipua"
)

func TestCallerReachesAgentAndHangsUp(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: 2 * time.Second, status: 200}
		c := l.dial("10000", "13800138000")
		time.Sleep(3 * time.Second) // greeting, menu
		l.press("0")
		time.Sleep(5 * time.Second)
		if a := l.agent("1001"); a.State != acd.AgentTalking {
			t.Errorf("agent is %v, want talking", a.State)
		}
		c.hangUp()
		time.Sleep(time.Second)
		if a := l.agent("1001"); a.State != acd.AgentWrapUp {
			t.Errorf("agent is %v, want wrap-up", a.State)
		}
		l.want(
			"0s log call.arrived ",
			"0s answer",
			"10ms play 1s",
			"1.01s play 1s",
			"3s music",
			"3s log call.queued human",
			"3s log call.offered 1001human",
			"3s invite 1001 as +8613800138000 (standard)",
			"3.02s log call.ringing 1001human",
			"5s log call.connected 1001human",
			"5s bridge",
			"8s unbridge",
			"8s hang up agent 1001 (16 released)",
			"8s log call.agent_released 1001human",
			"8s log call.ended normal",
		)
		if l.sw.Live() != 0 || l.media.legs() != 0 {
			t.Errorf("%d calls and %d media legs are left", l.sw.Live(), l.media.legs())
		}
	})
}

func TestAgentHangsUpFirstCallerHearsGoodbye(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.dial("10009", "1")
		time.Sleep(5 * time.Second)
		l.phoneSays(sipua.Hungup{Q850: 16})
		time.Sleep(3 * time.Second)
		l.saw("bridge", "unbridge", "log call.agent_released", "hang up caller", "log call.ended")
	})
}

func TestCallerHangsUpWhileAgentRings(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{}
		c := l.dial("10009", "1")
		time.Sleep(3 * time.Second)
		if a := l.agent("1001"); a.State != acd.AgentAlerting {
			t.Fatalf("agent is %v, want alerting", a.State)
		}
		c.hangUp()
		l.saw("invite 1001", "hang up agent 1001", "log call.offer_failed", "log call.ended humanabandoned")
		if a := l.agent("1001"); a.State != acd.AgentReady {
			t.Errorf("agent is %v, want ready again", a.State)
		}
	})
}

func TestCancelBeforeTheAnswerLeavesNothing(t *testing.T) {
	inLab(t, func(l *lab) {
		c := l.dial("10009", "1")
		synctest.Wait()
		c.says(sipua.Hungup{Q850: 16})
		time.Sleep(time.Second)
		if l.sw.Live() != 0 || l.media.legs() != 0 || len(l.calls()) != 0 {
			t.Errorf("left: %d calls, %d legs, %d in the log", l.sw.Live(), l.media.legs(), len(l.calls()))
		}
	})
}

func TestAgentWhoDoesNotAnswerGoesNotReadyAndCallerKeepsPlace(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{}
		l.phone.habits["1002"] = habit{after: time.Second, status: 200}
		l.dial("10009", "1")
		time.Sleep(5 * time.Second)
		_, _, err := l.log.Propose(l.t.Context(), acd.AgentCommanded{Agent: "1002", Command: acd.GoReady, By: "test"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if a := l.agent("1001"); a.State != acd.AgentNotReady || a.Reason != acd.ReasonMissed {
			t.Errorf("agent 1001 is %v (%s), want not ready (missed)", a.State, a.Reason)
		}
		l.saw("invite 1001", "log call.offer_failed 1001", "invite 1002", "log call.connected 1002", "bridge")
		l.never("log call.left_queue")
	})
}

func TestBusyPhoneTurnsTheOfferBack(t *testing.T) {
	for status, want := range map[int]acd.Outcome{
		486: acd.Busy, 603: acd.Rejected, 480: acd.Unreachable, 503: acd.Unreachable, 487: acd.NoAnswer,
	} {
		if got := outcomeOf(status); got != want {
			t.Errorf("outcome of %d is %v, want %v", status, got, want)
		}
	}
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 486}
		l.dial("10009", "1")
		time.Sleep(3 * time.Second)
		l.saw("invite 1001", "log call.offer_failed 1001humanbusy")
		if len(l.calls()) != 1 {
			t.Error("the caller is gone")
		}
	})
}

func TestAnswerAfterTheOfferIsOverHangsUpTheAgent(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{}
		l.dial("10009", "1")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		d := l.phone.last
		time.Sleep(11 * time.Second) // the offer expired: CANCEL is on its way
		d.mu.Lock()
		d.over = false // … and crosses the 200
		d.mu.Unlock()
		d.event(sipua.Answered{SDP: remoteSDP(40000)})
		l.saw("hang up agent 1001", "hang up agent 1001 (26 answered elsewhere)")
		l.never("bridge")
	})
}

func TestWaitEndsByTimeoutAndMenuGoesOn(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 486}
		c := l.dial("10000", "1")
		time.Sleep(3 * time.Second)
		l.press("0")
		time.Sleep(50 * time.Second)
		l.phone.mu.Lock()
		l.phone.habits["1001"] = habit{}
		l.phone.mu.Unlock()
		time.Sleep(20 * time.Second)
		l.saw("log call.left_queue humantimeout", "play 1s", "play 1s", "hang up caller", "log call.ended")
		_ = c
	})
}

func TestKeyWhileWaitingLeavesTheQueue(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{}
		l.dial("10000", "1")
		time.Sleep(3 * time.Second)
		l.press("0")
		time.Sleep(2 * time.Second)
		l.press("1")
		time.Sleep(3 * time.Second)
		l.saw("invite 1001", "hang up agent 1001", "log call.left_queue humankey", "log call.ended")
		if a := l.agent("1001"); a.State != acd.AgentReady {
			t.Errorf("agent is %v, want ready", a.State)
		}
	})
}

func TestNoQuorumRefusesNewCallsAndKeepsRunningOnes(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.dial("10009", "1")
		time.Sleep(3 * time.Second)
		l.log.mu.Lock()
		l.log.broken = errors.New("disk full")
		l.log.mu.Unlock()
		l.dial("10009", "2")
		l.saw("bridge", "refuse 503")
		l.never("hang up")
		l.phoneSays(sipua.Hungup{Q850: 16})
		time.Sleep(3 * time.Second)
		l.never("log call.ended")
		l.log.repair()
		l.saw("log call.agent_released", "log call.ended")
	})
}

func TestCallWaitsForTheLogBeforeItQueues(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.dial("10000", "1")
		time.Sleep(3 * time.Second)
		l.log.mu.Lock()
		l.log.broken = errors.New("no leader")
		l.log.mu.Unlock()
		l.press("0")
		time.Sleep(4 * time.Second)
		l.never("hang up")
		l.log.repair()
		time.Sleep(3 * time.Second)
		l.saw("music", "log call.queued", "invite 1001", "bridge")
	})
}

// A node gave a call back at the moment at which it wrote that the caller waits:
// the one that had it then was refused, took the queue for full, and hung up.
func TestACallThatWasQueuedWhereItCameFromWaits(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{}
		l.dial("10000", "1")
		time.Sleep(3 * time.Second)
		var calls []acd.CallView
		l.log.Read(func(s *acd.State) { calls = s.Calls() })
		l.log.Post(acd.CallQueued{Call: calls[0].ID, Queue: "human"})
		l.press("0")
		time.Sleep(8 * time.Second)
		l.never("hang up caller")
		l.saw("invite 1001", "music")
	})
}

// On a node that is cut off for long a caller isn't left with music for ever.
func TestTheMenuGoesOnWhereNothingCanBeQueued(t *testing.T) {
	inLab(t, func(l *lab) {
		l.dial("10000", "1")
		time.Sleep(3 * time.Second)
		l.log.mu.Lock()
		l.log.broken = errors.New("no leader")
		l.log.mu.Unlock()
		l.press("0")
		time.Sleep(offlineAfter - time.Second)
		l.never("hang up")
		time.Sleep(10 * time.Second)
		l.saw("music", "play 1s", "hang up caller") // as if the queue were full
		l.log.repair()
		time.Sleep(3 * time.Second)
		l.never("invite 1001")
		l.saw("log call.ended")
	})
}

func TestAgentHoldsAndCallerHearsMusic(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.dial("10009", "1")
		time.Sleep(3 * time.Second)
		reply := func(status int, body []byte) error {
			l.note("reply %d", status)
			if s, err := sdp.Parse(body); err != nil || s.Audio == nil {
				t.Errorf("our answer is unusable: %v", err)
			}
			return nil
		}
		hold := func(d sdp.Direction, version uint64) []byte {
			return sdp.Offer(sdp.LocalOptions{
				IP: l.media.IP(), Port: 40000, SessionID: 1, Version: version, Codecs: []uint8{sdp.PCMA}, Direction: d,
			})
		}
		l.saw("bridge")
		l.mu.Lock()
		l.lines = nil
		l.mu.Unlock()
		l.phoneSays(sipua.Reinvited{Offer: hold(sdp.SendOnly, 2), Reply: reply})
		time.Sleep(time.Second)
		l.phoneSays(sipua.Reinvited{Offer: hold(sdp.SendRecv, 3), Reply: reply})
		l.want("3s reply 200", "3s unbridge", "3s music", "3s log call.held 1001human",
			"4s reply 200", "4s bridge", "4s log call.resumed 1001human")
	})
}

func TestBadReinviteIsRefusedAndTheCallGoesOn(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		c := l.dial("10009", "1")
		time.Sleep(3 * time.Second)
		c.says(sipua.Reinvited{Offer: []byte("v=0\r\nc=IN\r\n"), Reply: func(status int, _ []byte) error {
			l.note("reply %d", status)
			return nil
		}})
		l.saw("bridge", "reply 4")
		l.never("hang up")
	})
}

func TestUnknownNumberSourceAndOffer(t *testing.T) {
	inLab(t, func(l *lab) {
		l.dial("4711", "1")
		l.saw("refuse 404")
		c := &caller{lab: l}
		l.sw.Invite(Invite{Invitation: c, From: "1", Number: "10000", Offer: remoteSDP(30000)})
		if c.refused != 403 {
			t.Errorf("stranger got %d, want 403", c.refused)
		}
	})
}
