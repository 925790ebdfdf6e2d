package call

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
	"tierline/media"
)

// fallsSilent has media tell that nothing comes from a leg of the only call.
func (l *lab) fallsSilent(of func(c *Call) MediaLeg) {
	l.t.Helper()
	synctest.Wait()
	l.sw.mu.Lock()
	var leg MediaLeg
	for _, c := range l.sw.calls {
		leg = of(c)
	}
	l.sw.mu.Unlock()
	leg.(*fakeLeg).on(media.Stalled{For: 30 * time.Second})
	synctest.Wait()
}

func TestAPhoneThatDiesInACallGivesTheCallerBackHisPlace(t *testing.T) {
	inLab(t, func(l *lab) {
		caller := l.converse()
		id := l.only()
		l.forgetLines()
		l.fallsSilent(func(c *Call) MediaLeg { return c.agent.media })
		l.saw("check agent 1001 for 8s")
		l.phoneSays(sipua.Hungup{Q850: 102, Reason: "silent", Lost: true})
		synctest.Wait()
		if now := l.calls(); len(now) != 1 || now[0].ID != id || now[0].Phase != acd.PhaseWaiting {
			t.Fatalf("%+v", now)
		}
		time.Sleep(time.Minute) // wrap-up
		if a := l.agent("1001"); a.State != acd.AgentNotReady || a.Reason != acd.ReasonUnreachable {
			t.Errorf("the agent is %v (%s)", a.State, a.Reason)
		}
		if now := l.calls(); len(now) != 1 || now[0].Phase != acd.PhaseWaiting {
			t.Errorf("%+v", now)
		}
		caller.hangUp()
		time.Sleep(5 * time.Second)
		l.gone()
	})
}

func TestACallerWhoDiesInACallIsLost(t *testing.T) {
	inLab(t, func(l *lab) {
		caller := l.converse()
		l.forgetLines()
		l.fallsSilent(func(c *Call) MediaLeg { return c.caller.media })
		l.saw("check caller for 8s")
		caller.says(sipua.Hungup{Q850: 102, Reason: "silent", Lost: true})
		time.Sleep(5 * time.Second)
		l.gone()
		if ended := l.sw.Stats().Finished["lost"]; ended != 1 {
			t.Errorf("%v", l.sw.Stats().Finished)
		}
	})
}

// Who waits or listens needn't say anything.
func TestNobodyIsAskedOutsideOfAConversation(t *testing.T) {
	inLab(t, func(l *lab) {
		l.dial("10009", "13800138000")
		time.Sleep(5 * time.Second)
		l.forgetLines()
		l.fallsSilent(func(c *Call) MediaLeg { return c.caller.media })
		l.mu.Lock()
		defer l.mu.Unlock()
		if slices.ContainsFunc(l.lines, func(s string) bool { return strings.Contains(s, "check") }) {
			t.Errorf("%q", l.lines)
		}
	})
}
