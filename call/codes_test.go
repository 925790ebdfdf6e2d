package call

import (
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/sipua"
)

// keys are pressed on the phone of who serves the only call.
func (l *lab) keys(keys string) {
	l.t.Helper()
	c := l.theCall()
	legs := make(chan *fakeLeg, 1)
	c.later(func() { legs <- c.agent.media.(*fakeLeg) })
	synctest.Wait()
	(<-legs).press(keys)
	synctest.Wait()
}

func TestCodesWhileTalking(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.atWork("1002", "1003")
		for _, step := range []struct {
			keys string
			wait int // seconds
			want string
		}{
			{"*20", 0, "; caller"},
			{"*20", 0, "1001+caller;"},
			{"*21", 0, "1001<caller;"},
			{"*21", 0, "1001+caller;"},
			{"123#", 0, "1001+caller;"},         // no code: for the caller's ears
			{"*99", 0, "1001+caller;"},          // nobody's code
			{"*2*20", 0, "; caller"},            // a star begins anew
			{"*20", 0, "1001+caller;"},          //
			{"*224711#", 0, "1001+caller;"},     // nobody
			{"*22800#", 2, "1001+1002; caller"}, // the queue's longest idle agent
			{"*23", 0, "1001+caller; 1002"},
			{"*23", 0, "1001+1002; caller"},
			{"*24", 0, "1001+caller;"},
			{"*221002", 6, "1001+1002; caller"}, // without #: after a pause
			{"*27", 0, "1001+1002 1001+caller 1002+caller;"},
			{"*281003#", 2, "1001+1002 1001+1003 1001+caller 1002+1003 1002+caller 1003+caller;"},
		} {
			l.keys(step.keys)
			time.Sleep(time.Duration(step.wait) * time.Second)
			if got := l.hears(); got != step.want {
				t.Fatalf("%s: who hears whom: %q, want %q", step.keys, got, step.want)
			}
		}
		l.hangsUp("1003")
		l.hangsUp("1002")
		time.Sleep(10 * time.Second)
		l.keys("*261003#")
		time.Sleep(2 * time.Second)
		l.arranged("1003+caller;")
		l.states("wrap_up ready talking")
		l.keys("*221002#")
		time.Sleep(2 * time.Second)
		l.keys("*25")
		l.arranged("1002+caller;")
		l.phoneOfCaller(sipua.Hungup{Q850: 16})
		l.over()
	})
}

// A code that is begun and not finished is nothing.
func TestHalfACode(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.keys("*2")
		time.Sleep(5 * time.Second)
		l.keys("0")
		l.arranged("1001+caller;")
		for range 30 {
			l.keys("*22123456789")
		}
		l.keys("*22")
		l.hangsUp("1001")
		time.Sleep(5 * time.Second)
		l.over()
	})
}
