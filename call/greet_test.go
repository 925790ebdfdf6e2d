package call

import (
	"testing"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
)

// Both hear what is for them at once and end together; then they hear each other,
// and only that is recorded.
func TestAgentsNumberAndWhisperBeforeTheConversation(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		c := l.dial("10021", "13800138000")
		time.Sleep(900 * time.Millisecond)
		l.forgetLines()
		time.Sleep(10 * time.Second)
		// The whisper takes three seconds, the number 2.4 of them.
		l.saw("1.01s play 3s", "1.61s play 2.4s", "4.11s bridge", "tape")
		if a := l.agent("1001"); a.State != acd.AgentTalking {
			t.Errorf("agent is %v", a.State)
		}
		c.hangUp()
		time.Sleep(time.Second)
		l.gone()
	})
}

func TestSomebodyHangsUpWhileTheAgentsNumberIsSaid(t *testing.T) {
	for _, who := range []string{"caller", "agent"} {
		inLab(t, func(l *lab) {
			l.phone.habits["1001"] = habit{after: time.Second, status: 200}
			c := l.dial("10021", "13800138000")
			time.Sleep(2500 * time.Millisecond)
			l.saw("play 2.4s")
			if who == "caller" {
				c.hangUp()
			} else {
				l.phoneSays(sipua.Hungup{Q850: 16})
			}
			time.Sleep(10 * time.Second)
			l.never("bridge")
			l.never("tape")
			if a := l.agent("1001"); a.State == acd.AgentTalking {
				t.Errorf("agent is %v", a.State)
			}
			l.gone()
		})
	}
}
