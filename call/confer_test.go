package call

import (
	"fmt"
	"testing"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
)

// outside is the number of somebody outside, and where he is called.
func outside(n int) (number, address string) {
	return fmt.Sprintf("+865718765100%d", n), fmt.Sprintf("sip:8765100%d@192.0.2.9;transport=udp", n)
}

// answers makes somebody outside pick up after a while, or refuse.
func (l *lab) outsideAnswers(n, status int) string {
	number, address := outside(n)
	l.phone.mu.Lock()
	defer l.phone.mu.Unlock()
	l.phone.habits[address] = habit{after: time.Second, status: status}
	return number
}

// outsideSays lets something happen on the leg of somebody outside.
func (l *lab) outsideSays(n int, ev sipua.LegEvent) {
	l.t.Helper()
	_, address := outside(n)
	l.phone.mu.Lock()
	d := l.phone.out[address]
	l.phone.mu.Unlock()
	if d == nil {
		l.t.Fatalf("nobody has called %s", address)
	}
	d.event(ev)
}

// confers brings 1002 and 1003 into the call of 1001.
func (l *lab) confers() {
	l.t.Helper()
	l.talking()
	l.atWork("1002", "1003")
	l.do(Control{Do: Consult, Target: Target{Agent: "1002"}})
	time.Sleep(2 * time.Second)
	l.do(Control{Do: Conference})
	l.arranged("1001+1002 1001+caller 1002+caller;")
	l.do(Control{Do: Conference, Target: Target{Agent: "1003"}})
	l.arranged("1001+1002 1001+caller 1002+caller;") // while it rings they talk on
	time.Sleep(2 * time.Second)
	l.states("talking talking/member talking/member")
	l.arranged("1001+1002 1001+1003 1001+caller 1002+1003 1002+caller 1003+caller;")
}

func TestConference(t *testing.T) {
	for name, then := range map[string]func(l *lab){
		"members leave": func(l *lab) {
			l.hangsUp("1002")
			l.arranged("1001+1003 1001+caller 1003+caller;")
			l.forgetLines()
			l.hangsUp("1003")
			l.saw("bridge") // two are a plain bridge again
			l.arranged("1001+caller;")
			l.hangsUp("1001")
		},
		"who serves it leaves": func(l *lab) {
			l.hangsUp("1001")
			l.arranged("1002+1003 1002+caller 1003+caller;")
			l.states("wrap_up talking talking/member")
			l.do(Control{Agent: "1002", Do: Drop, Party: "1003"})
			l.arranged("1002+caller;")
			l.hangsUp("1002")
		},
		"the caller leaves": func(l *lab) { l.phoneOfCaller(sipua.Hungup{Q850: 16}) },
		"one is muted, one's phone holds": func(l *lab) {
			l.do(Control{Agent: "1002", Do: Mute})
			l.arranged("1001+1003 1001+caller 1002<1001 1002<1003 1002<caller 1003+caller;")
			l.refuses(Control{Agent: "1002", Do: Drop, Party: "1003"}, DeniedState)
			l.refuses(Control{Do: Consult, Target: Target{Queue: "group"}}, DeniedState)
			l.phoneOf("1003", l.held())
			l.arranged("1001+caller 1002<1001 1002<caller;")
			l.do(Control{Do: Drop, Party: "1002"})
			l.do(Control{Do: Hold})
			l.arranged("; caller") // 1003 holds as well
			l.phoneOfCaller(sipua.Hungup{Q850: 16})
		},
		"who serves it holds": func(l *lab) {
			l.do(Control{Do: Hold})
			l.arranged("1002+1003 1002+caller 1003+caller;")
			l.do(Control{Do: Resume})
			l.hangsUp("1001")
			l.hangsUp("1003")
			l.hangsUp("1002")
		},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.confers()
				then(l)
				l.over()
			})
		})
	}
}

func TestConferenceOfEight(t *testing.T) {
	inLab(t, func(l *lab) {
		l.confers()
		for n := 1; n <= 4; n++ {
			number := l.outsideAnswers(n, 200)
			l.do(Control{Do: Conference, Target: Target{Number: number}})
			time.Sleep(2 * time.Second)
		}
		if got := len(l.theCall().room.members); got != 8 {
			t.Errorf("%d talk, want 8", got)
		}
		number := l.outsideAnswers(5, 200)
		l.refuses(Control{Do: Conference, Target: Target{Number: number}}, DeniedFull)
		l.hangsUp("1001")
		l.hangsUp("1002")
		l.hangsUp("1003")
		l.arranged("caller+far caller+far2 caller+far3 caller+far4 " + // the first one has the caller now
			"far+far2 far+far3 far+far4 far2+far3 far2+far4 far3+far4;")
		for n := 1; n <= 4; n++ {
			l.outsideSays(n, sipua.Hungup{Q850: 16})
		}
		l.over()
	})
}

// One who is called into a conference and doesn't come changes nothing.
func TestNobodyComesIntoTheConference(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		for n, status := range []int{486, 404, 603, 0} {
			number := l.outsideAnswers(n, status)
			if status == 0 {
				_, address := outside(n)
				l.phone.habits[address] = habit{}
			}
			l.do(Control{Do: Conference, Target: Target{Number: number}})
			l.arranged("1001+caller;")
			time.Sleep(35 * time.Second)
			l.arranged("1001+caller;")
		}
		l.refuses(Control{Do: Conference, Target: Target{Agent: "1002"}}, DeniedAgent)
		l.refuses(Control{Do: Conference}, DeniedState)
		if s := l.sw.Stats(); s.Controls["conference"] != 4 || s.Denied[DeniedAgent] != 1 || s.Denied[DeniedState] != 1 {
			t.Errorf("counted %v, refused %v", s.Controls, s.Denied)
		}
		if a := l.agent("1001"); a.State != acd.AgentTalking {
			t.Errorf("1001 is %s", a.State)
		}
		l.hangsUp("1001")
		l.over()
	})
}
