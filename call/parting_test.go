package call

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
)

// sendBack sends the caller into another line; the log takes its time to say so.
func (l *lab) sendBack() {
	l.t.Helper()
	l.talking()
	l.log.lose(acd.CallRequeued{}, 2*time.Second)
	l.do(Control{Do: Transfer, Target: Target{Queue: "group"}})
	l.saw("hang up agent 1001")
	time.Sleep(time.Second)
	l.states("talking signed_out signed_out")
}

// releasedOnce checks that the log has heard once that the agent has gone.
func (l *lab) releasedOnce() {
	l.t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, s := range l.lines {
		if strings.Contains(s, "call.agent_released") {
			n++
		}
	}
	if n != 1 {
		l.t.Errorf("%d releases in:\n%s", n, strings.Join(l.lines, "\n"))
	}
}

// Between the agent's release and his caller's new place another call got the
// agent.
func TestAnAgentIsNotFreeBeforeHisCallerHasHisPlaceBack(t *testing.T) {
	inLab(t, func(l *lab) {
		l.sendBack()
		time.Sleep(1500 * time.Millisecond)
		l.saw("call.agent_released 1001", "call.queued group")
		l.releasedOnce()
		l.states("wrap_up signed_out signed_out")
		l.atWork("1002")
		time.Sleep(3 * time.Second)
		l.arranged("1002+caller;")
		l.hangsUp("1002")
		l.over()
	})
}

// What comes between leaves nobody behind: neither the agent nor the caller.
func TestACallerIsOnHisWayBackIntoALine(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(l *lab)
		then    []string
	}{
		"and hangs up": {
			func(l *lab) { l.hangUp() },
			[]string{"call.agent_released 1001", "call.ended"},
		},
		"and the log takes his agent out": {
			func(l *lab) { l.log.Post(acd.AgentReleased{Offer: l.calls()[0].Offer, By: acd.SideSwitch}) },
			[]string{"call.agent_released 1001", "call.queued group"},
		},
		"and the log has got it from elsewhere": {
			func(l *lab) {
				v := l.calls()[0]
				l.log.Post(acd.AgentReleased{Offer: v.Offer, By: acd.SideAgent})
				l.log.Post(acd.CallQueued{Call: v.ID, Queue: "group"})
			},
			[]string{"call.agent_released 1001", "call.queued group"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.sendBack()
				c.happens(l)
				time.Sleep(2 * time.Second)
				l.saw(c.then...)
				l.releasedOnce()
				l.states("wrap_up signed_out signed_out")
				if l.sw.Live() > 0 {
					l.hangUp()
				}
				l.over()
			})
		})
	}
}

// The log can't be written while he is sent back: he waits as soon as it can be.
func TestACallerIsSentBackWhileNothingCanBeWritten(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.log.mu.Lock()
		l.log.broken = errors.New("no leader")
		l.log.mu.Unlock()
		l.do(Control{Do: Transfer, Target: Target{Queue: "group"}})
		time.Sleep(3 * time.Second)
		l.states("talking signed_out signed_out")
		l.log.repair()
		time.Sleep(1500 * time.Millisecond)
		l.saw("call.agent_released 1001", "call.queued group")
		l.releasedOnce()
		l.states("wrap_up signed_out signed_out")
		l.hangUp()
		l.over()
	})
}
