package call

import (
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
	"tierline/media"
)

func TestDrainFinishesRunningCallsAndTakesNoNewOnes(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		c := l.dial("10009", "1")
		time.Sleep(3 * time.Second)
		time.AfterFunc(20*time.Second, func() { c.dlg.event(sipua.Hungup{Q850: 16}) })
		done := make(chan int)
		go func() { done <- l.sw.Drain(l.t.Context(), time.Minute) }()
		synctest.Wait()
		l.dial("10009", "2")
		l.saw("bridge", "refuse 503")
		if cut := <-done; cut != 0 || time.Since(l.start) > 24*time.Second {
			t.Errorf("drain cut %d calls after %v", cut, time.Since(l.start))
		}
	})
}

func TestDrainEndsWhatTakesTooLong(t *testing.T) {
	inLab(t, func(l *lab) {
		l.dial("10009", "1")
		time.Sleep(time.Second)
		if cut := l.sw.Drain(l.t.Context(), 5*time.Second); cut != 1 {
			t.Errorf("drain cut %d calls, want 1", cut)
		}
		l.saw("hang up caller (41 node_stopped)", "log call.ended humannode_stopped")
	})
}

func TestFloodedMailboxEndsOnlyThatCall(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		c := l.dial("10009", "1")
		time.Sleep(3 * time.Second)
		l.dial("10009", "2")
		synctest.Wait()
		for range 10 * mailbox {
			c.dlg.event(sipua.Info{Key: '7'})
		}
		time.Sleep(time.Second)
		if n := l.sw.Live(); n < 1 {
			t.Errorf("%d calls live, want the other one at least", n)
		}
	})
}

func TestAgentTalkedToNobodyWhenKeyCrossedTheAnswer(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.log.slow = 2 * time.Second
		l.dial("10000", "1")
		time.Sleep(3 * time.Second)
		l.press("0")
		time.Sleep(2 * time.Second) // picked up, not in the log yet
		l.press("1")
		time.Sleep(3 * time.Second)
		if a := l.agent("1001"); a.State != acd.AgentWrapUp && a.State != acd.AgentReady {
			t.Errorf("agent is %v with nobody", a.State)
		}
		l.never("bridge")
	})
}

// A phone was acknowledged before the log had its answer: if the node died then,
// the agent was in a call that nobody knew of.
func TestAPhoneThatIsPickedUpIsAcknowledgedOnceThatIsInTheLog(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.log.slow = 2 * time.Second
		l.dial("10009", "1")
		time.Sleep(2 * time.Second) // picked up, not in the log yet
		l.phone.mu.Lock()
		phone := l.phone.last
		l.phone.mu.Unlock()
		if !phone.isUp() || phone.acked.Load() {
			t.Errorf("up %t, acknowledged %t before it was written", phone.isUp(), phone.acked.Load())
		}
		time.Sleep(3 * time.Second)
		l.saw("bridge")
		if !phone.acked.Load() {
			t.Error("the phone was never acknowledged")
		}
	})
}

func TestMediaFailureEndsOnlyWhatIsBroken(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.dial("10009", "1")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		l.sw.mu.Lock()
		var c *Call
		for _, one := range l.sw.calls {
			c = one
		}
		l.sw.mu.Unlock()
		_ = c.Post(heard{from: c.agent.party, ev: media.Failed{Reason: "socket"}})
		time.Sleep(5 * time.Second)
		l.saw("bridge", "unbridge", "hang up agent 1001", "log call.agent_released", "log call.ended")
		if a := l.agent("1001"); a.State == acd.AgentTalking {
			t.Errorf("agent is still %v", a.State)
		}
	})
}

func TestAgentBehindNATIsHeardFromWhereHisSIPComesFrom(t *testing.T) {
	inLab(t, func(l *lab) {
		b := acd.Binding{
			Contact: "sip:1003@10.9.9.9:5060", Received: "192.0.2.77:40001", Transport: "udp", CallID: "r", CSeq: 1, Node: "n1",
		}
		for _, ev := range []acd.Event{
			acd.AgentCommanded{Agent: "1001", Command: acd.SignOut, By: "test"},
			acd.PhoneRegistered{Agent: "1003", Binding: b, TTL: 60_000},
			acd.AgentCommanded{Agent: "1003", Command: acd.GoReady, By: "test"},
		} {
			if _, _, err := l.log.Propose(l.t.Context(), ev); err != nil {
				t.Fatal(err)
			}
		}
		l.phone.habits["1003"] = habit{after: time.Second, status: 200}
		l.dial("10009", "1")
		time.Sleep(3 * time.Second)
		l.saw("invite 1003", "bridge")
		l.media.mu.Lock()
		defer l.media.mu.Unlock()
		if got := l.media.last.params.Signalling; got.String() != "192.0.2.77" {
			t.Errorf("media may come from %v, want the phone's SIP address", got)
		}
	})
}

func TestCallPanicsAlone(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.dial("10009", "1")
		l.dial("10009", "2")
		time.Sleep(3 * time.Second)
		l.sw.mu.Lock()
		for _, one := range l.sw.calls {
			if one.from == "2" {
				_ = one.Post(back{run: func() { panic("boom") }})
			}
		}
		l.sw.mu.Unlock()
		time.Sleep(time.Second)
		l.saw("hang up caller (41 fault)")
		if n := l.sw.Live(); n != 1 || l.sw.Stats().Faults != 1 {
			t.Errorf("%d calls live and %d faults, want 1 and 1", n, l.sw.Stats().Faults)
		}
	})
}

// Six hundred calls a second once left the node without ports, and every agent
// it could not ring went not ready for good.
func TestNoPortsForTheAgentIsNotTheAgentsFault(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.dial("10000", "1")
		time.Sleep(3 * time.Second)
		l.media.mu.Lock()
		l.media.full = true
		l.media.mu.Unlock()
		l.press("0")
		time.Sleep(5 * time.Second)
		if a := l.agent("1001"); a.State != acd.AgentReady {
			t.Errorf("agent is %v (%s)", a.State, a.Reason)
		}
		l.never("invite")
		l.media.mu.Lock()
		l.media.full = false
		l.media.mu.Unlock()
		time.Sleep(15 * time.Second)
		l.saw("call.offer_failed 1001humanswitch_failed", "invite 1001", "bridge")
	})
}

// After an episode of a slow disk callers sat with music and nobody for ever:
// their agents' answers were in the log, later than we had waited for them.
func TestAnswerThatTheLogTakesLateStillConnects(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.log.late = 3 * time.Second
		l.dial("10009", "1")
		time.Sleep(6 * time.Second)
		l.saw("invite 1001", "call.connected 1001", "bridge")
		l.never("hang up")
	})
}
