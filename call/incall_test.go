package call

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// agentPresses sends keys on the leg of the agent of the only call.
func (l *lab) agentPresses(keys string) {
	l.t.Helper()
	synctest.Wait()
	l.sw.mu.Lock()
	var leg MediaLeg
	for _, c := range l.sw.calls {
		leg = c.agent.media
	}
	l.sw.mu.Unlock()
	leg.(*fakeLeg).press(keys)
	synctest.Wait()
}

func TestAgentPausesTheRecordingByHisKeys(t *testing.T) {
	inLab(t, func(l *lab) {
		c := l.converse()
		l.forgetLines()
		l.agentPresses("5*3")
		time.Sleep(time.Second)
		l.agentPresses("0")
		l.saw("end of the code", "tape: muted true", "play")
		l.agentPresses("*31")
		l.agentPresses("*30")
		l.saw("tape: muted true", "tape: muted false")
		c.hangUp()
		time.Sleep(5 * time.Second)
		var marks []string
		for _, m := range l.about().Marks {
			marks = append(marks, m.Mark+" "+m.By)
		}
		if want := []string{"pause 1001", "mark 1001", "resume 1001"}; !slices.Equal(marks, want) {
			t.Errorf("%q", marks)
		}
	})
}

// Keys that turn out to be no code are pressed for the caller after all.
func TestKeysThatAreNoCodeAreForTheCaller(t *testing.T) {
	for keys, want := range map[string][]string{
		"*9":   {"key *", "key 9", "end of the code"},
		"**30": {"key *", "end of the code"},
		"*3":   {"key *", "key 3", "end of the code"}, // and nothing more for a while
	} {
		inLab(t, func(l *lab) {
			l.converse()
			l.forgetLines()
			l.agentPresses(keys)
			time.Sleep(5 * time.Second)
			l.saw(want...)
		})
	}
}
