package call

import (
	"testing"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
)

// Somebody goes while a call is being moved: whoever is left is cared for, and
// nobody stays busy.
func TestSomebodyGoesInTheMidst(t *testing.T) {
	dies := sipua.Hungup{Lost: true, Q850: 41}
	for name, try := range map[string]struct {
		do   Control
		wait time.Duration // the other phone answers after a second
		goes func(l *lab)
		want string // who hears whom; "": the call is over
	}{
		"asking, it rings: the asking phone dies": {
			Control{Do: Consult, Target: Target{Agent: "1002"}},
			100 * time.Millisecond,
			func(l *lab) { l.phoneOf("1001", dies) }, "1002+caller;",
		},
		"asking, they talk: the asking phone dies": {
			Control{Do: Consult, Target: Target{Agent: "1002"}},
			2 * time.Second,
			func(l *lab) { l.phoneOf("1001", dies) }, "1002+caller;",
		},
		"asking, they talk: the other phone dies": {
			Control{Do: Consult, Target: Target{Agent: "1002"}},
			2 * time.Second,
			func(l *lab) { l.phoneOf("1002", dies) }, "1001+caller;",
		},
		"asking, it rings: the caller goes": {
			Control{Do: Consult, Target: Target{Agent: "1002"}},
			100 * time.Millisecond,
			func(l *lab) { l.phoneOfCaller(sipua.Hungup{Q850: 16}) }, "",
		},
		"asking, they talk: the caller goes": {
			Control{Do: Consult, Target: Target{Agent: "1002"}},
			2 * time.Second,
			func(l *lab) { l.phoneOfCaller(sipua.Hungup{Q850: 16}) }, "",
		},
		"blind, it rings: the caller goes": {
			Control{Do: Transfer, Target: Target{Agent: "1002"}},
			100 * time.Millisecond,
			func(l *lab) { l.phoneOfCaller(sipua.Hungup{Q850: 16}) }, "",
		},
		"blind, it rings: the agent takes it back": {
			Control{Do: Transfer, Target: Target{Agent: "1002"}},
			100 * time.Millisecond,
			func(l *lab) { l.do(Control{Do: Drop}) }, "1001+caller;",
		},
		"blind to a number, it rings: the agent goes, nobody answers": {
			Control{Do: Transfer, Target: Target{Number: "desk"}},
			100 * time.Millisecond,
			func(l *lab) {
				l.hangsUp("1001")
				time.Sleep(40 * time.Second) // he waits again, and 1002 is ready
			}, "1002+caller;",
		},
		"into the conference, it rings: the one who called goes": {
			Control{Do: Conference, Target: Target{Agent: "1002"}},
			100 * time.Millisecond,
			func(l *lab) { l.hangsUp("1001") }, "1002+caller;",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.talking()
				l.atWork("1002")
				l.do(try.do)
				time.Sleep(try.wait)
				try.goes(l)
				time.Sleep(3 * time.Second)
				if try.want != "" {
					l.arranged(try.want)
					l.phoneOfCaller(sipua.Hungup{Q850: 16})
				}
				l.over()
				for _, id := range []string{"1001", "1002"} {
					if a := l.agent(id); a.State == acd.AgentReserved || a.State == acd.AgentAlerting {
						t.Errorf("%s is %s", id, a.State)
					}
				}
			})
		})
	}
}
