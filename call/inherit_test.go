package call

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
)

// dies lets the process that holds the only call be forgotten, and another one
// of the same node go on.
func (l *lab) dies() {
	l.t.Helper()
	id := l.calls()[0].ID
	l.sw.Effects([]acd.Effect{acd.DropCall{Node: "n1", Call: id}})
	synctest.Wait()
	l.forgetLines()
	if _, _, err := l.log.Propose(context.Background(), acd.NodeRestarted{Node: "n1", Resume: true}); err != nil {
		l.t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
}

func TestWhoWaitedKeepsHisPlace(t *testing.T) {
	inLab(t, func(l *lab) {
		l.dial("10000", "13800138000")
		time.Sleep(2 * time.Second)
		l.press("0")
		time.Sleep(20 * time.Second)
		before := l.calls()[0]
		if before.Phase != acd.PhaseWaiting {
			t.Fatalf("call is %v", before.Phase)
		}
		l.dies()
		l.saw("call.taken_over", "resume caller", "music")
		l.never("hang up")
		if now := l.calls()[0]; now.Phase != acd.PhaseWaiting || now.QueuedAt != before.QueuedAt {
			t.Errorf("was %+v, is %+v", before, now)
		}
		l.atWork("1001")
		time.Sleep(5 * time.Second)
		l.saw("invite 1001", "bridge")
		l.phone.mu.Lock()
		caller := l.phone.resumed
		l.phone.mu.Unlock()
		caller.event(sipua.Hungup{Q850: 16})
		l.gone()
	})
}

func TestWhoTalkedGoesOn(t *testing.T) {
	inLab(t, func(l *lab) {
		l.converse()
		l.dies()
		l.saw("resume caller", "resume agent 1001", "bridge", "tape")
		l.never("hang up")
		if a := l.agent("1001"); a.State != acd.AgentTalking {
			t.Errorf("agent is %v", a.State)
		}
		l.phoneSays(sipua.Hungup{Q850: 16}) // the leg that was resumed last is his
		time.Sleep(time.Minute)
		l.saw("call.agent_released")
		l.gone()
	})
}
