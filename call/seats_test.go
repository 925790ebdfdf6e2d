package call

import (
	"testing"
	"time"
)

// An INVITE that overtook the BYE of the call before found the agent's phone
// busy, and the caller waited for his back-off.
func TestAnAgentIsRungAfterHisPhoneHasHungUp(t *testing.T) {
	for name, tt := range map[string]struct {
		free time.Duration // after the offer; 0: nobody ever says so
		want string
	}{
		"as soon as it has": {200 * time.Millisecond, "3.2s invite 1001 as +8613800138000 (standard)"},
		"or half a second":  {0, "3.5s invite 1001 as +8613800138000 (standard)"},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.phone.habits["1001"] = habit{after: time.Second, status: 200}
				last := &party{agent: "1001"} // of another call
				l.sw.seats.take(last)
				c := l.dial("10000", "13800138000")
				time.Sleep(3 * time.Second)
				l.press("0")
				if tt.free > 0 {
					time.Sleep(tt.free)
					l.sw.seats.free(last)
				}
				time.Sleep(5 * time.Second)
				l.saw("3s log call.offered 1001human", tt.want, "bridge")
				c.hangUp()
				time.Sleep(time.Second)
				if l.sw.seats.busy("1001") != nil {
					t.Error("the phone is off the hook for ever")
				}
			})
		})
	}
}

func TestACallerWhoLeavesWhileThePhoneHangsUpRingsNobody(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.sw.seats.take(&party{agent: "1001"})
		c := l.dial("10000", "13800138000")
		time.Sleep(3 * time.Second)
		l.press("0")
		time.Sleep(100 * time.Millisecond)
		c.hangUp()
		time.Sleep(2 * time.Second)
		l.saw("call.offered 1001human", "call.ended humanabandoned")
		l.never("invite 1001")
	})
}
