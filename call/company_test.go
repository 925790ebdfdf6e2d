package call

import (
	"strings"
	"testing"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
)

// Whoever is in a call when its node dies is in it afterwards, as he was.
func TestWhoeverIsInACallMovesWithIt(t *testing.T) {
	for name, try := range map[string]struct {
		prepare func(l *lab)
		want    string // who hears whom
		then    func(l *lab)
		after   string
	}{
		"a colleague is asked": {
			prepare: func(l *lab) { l.asks() },
			want:    "1001+1002; caller",
			then:    func(l *lab) { l.do(Control{Do: Swap}) },
			after:   "1001+caller; 1002",
		},
		"a colleague was asked and waits": {
			prepare: func(l *lab) { l.asks(); l.do(Control{Do: Swap}) },
			want:    "1001+caller; 1002",
			then:    func(l *lab) { l.do(Control{Do: Transfer}) },
			after:   "1002+caller;",
		},
		"who asks hangs up": {
			prepare: func(l *lab) { l.asks() },
			want:    "1001+1002; caller",
			then:    func(l *lab) { l.hangsUp("1001") },
			after:   "1002+caller;",
		},
		"a conference": {
			prepare: func(l *lab) { l.confers() },
			want:    "1001+1002 1001+1003 1001+caller 1002+1003 1002+caller 1003+caller;",
			then:    func(l *lab) { l.do(Control{Do: Drop, Party: "1003"}) },
			after:   "1001+1002 1001+caller 1002+caller;",
		},
		"one of a conference is muted": {
			prepare: func(l *lab) { l.confers(); l.do(Control{Agent: "1002", Do: Mute}) },
			want:    "1001+1003 1001+caller 1002<1001 1002<1003 1002<caller 1003+caller;",
			then:    func(l *lab) { l.do(Control{Agent: "1002", Do: Unmute}) },
			after:   "1001+1002 1001+1003 1001+caller 1002+1003 1002+caller 1003+caller;",
		},
		"a supervisor whispers": {
			prepare: func(l *lab) { l.supervised(); l.oversees(acd.ModeWhisper) },
			want:    "1001+1002 1001+caller 1002<caller;",
			then:    func(l *lab) { l.oversees(acd.ModeBarge) },
			after:   "1001+1002 1001+caller 1002+caller;",
		},
		"the caller is held": {
			prepare: func(l *lab) { l.talking(); l.do(Control{Do: Hold}) },
			want:    "; caller",
			then:    func(l *lab) { l.do(Control{Do: Resume}) },
			after:   "1001+caller;",
		},
		"somebody outside is asked": {
			prepare: func(l *lab) { l.talking(); l.asksOutside(Consult) },
			want:    "1001+far1; caller",
			then:    func(l *lab) { l.do(Control{Do: Transfer}) },
			after:   "caller+far;",
		},
		"somebody outside in a conference": {
			prepare: func(l *lab) { l.talking(); l.asksOutside(Conference) },
			want:    "1001+caller 1001+far1 caller+far1;",
			then:    func(l *lab) { l.hangsUp("1001") },
			after:   "caller+far;",
		},
		"transferred to somebody outside": {
			prepare: func(l *lab) { l.talking(); l.asksOutside(Consult); l.do(Control{Do: Transfer}) },
			want:    "caller+far;",
		},
		"asked on the second line": {
			prepare: func(l *lab) {
				l.talking()
				l.atWork("1002")
				l.phoneOf("1001", l.held())
				l.callsFrom("1001", "1002")
				time.Sleep(2 * time.Second)
			},
			want: "1001/2+1002; caller",
			then: func(l *lab) { l.do(Control{Do: Transfer}) }, after: "1002+caller;",
		},
		"an agent called a colleague": {
			prepare: func(l *lab) {
				l.atWork("1001", "1002")
				l.callsFrom("1001", "1002")
				time.Sleep(2 * time.Second)
			},
			want: "1002+caller;",
		},
		"an agent called somebody outside": {
			prepare: func(l *lab) {
				l.atWork("1001", "1002")
				l.outsideAnswers(1, 200)
				l.callsFrom("1001", "057187651001")
				time.Sleep(2 * time.Second)
			},
			want: "1001+caller;",
			then: func(l *lab) {
				l.do(Control{Do: Consult, Target: Target{Agent: "1002"}})
				time.Sleep(2 * time.Second)
				l.do(Control{Do: Transfer})
			},
			after: "1002+caller;",
		},
		"an agent's call that a colleague has now": {
			prepare: func(l *lab) {
				l.atWork("1001", "1002")
				l.outsideAnswers(1, 200)
				l.callsFrom("1001", "057187651001")
				time.Sleep(2 * time.Second)
				l.do(Control{Do: Consult, Target: Target{Agent: "1002"}})
				time.Sleep(2 * time.Second)
				l.do(Control{Do: Transfer})
			},
			want: "1002+caller;",
		},
		"a customer is called back": {
			prepare: func(l *lab) {
				l.phone.habits["1001"] = habit{after: time.Second, status: 200}
				l.phone.habits[customerAddress] = habit{after: time.Second, status: 200}
				l.ask("+8613800138000")
				time.Sleep(12 * time.Second)
			},
			want: "1001+caller;",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				try.prepare(l)
				l.arranged(try.want)
				l.dies()
				l.never("hang up")
				l.arranged(try.want)
				if try.then != nil {
					try.then(l)
					l.arranged(try.after)
				}
				l.phoneOfCaller(sipua.Hungup{Q850: 16})
				l.over()
			})
		})
	}
}

// asks lets agent 1001 ask 1002 while the caller waits.
func (l *lab) asks() {
	l.t.Helper()
	l.talking()
	l.atWork("1002")
	l.do(Control{Do: Consult, Target: Target{Agent: "1002"}})
	time.Sleep(2 * time.Second)
}

// asksOutside lets agent 1001 call somebody outside.
func (l *lab) asksOutside(do Action) {
	l.t.Helper()
	l.do(Control{Do: do, Target: Target{Number: l.outsideAnswers(1, 200)}})
	time.Sleep(2 * time.Second)
}

// A caller whom the menu has sent to somebody outside talks on; it goes on with
// the menu when that one hangs up.
func TestWhoTheMenuHasSentOutTalksOn(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits[deskAddress] = habit{after: time.Second, status: 200}
		l.service("4")
		time.Sleep(3 * time.Second)
		l.arranged("caller+far;")
		l.dies()
		l.never("hang up")
		l.arranged("caller+far;")
		l.phone.mu.Lock()
		far := l.phone.last
		l.phone.mu.Unlock()
		far.event(sipua.Hungup{Q850: 16})
		time.Sleep(500 * time.Millisecond)
		l.saw("play")
		l.phoneOfCaller(sipua.Hungup{Q850: 16})
		l.over()
	})
}

// Somebody who was to have the caller doesn't come any more: the caller waits
// again, with the place he had.
func TestWhoWasToHaveSomebodyThatRangWaitsAgain(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.atWork("1002")
		l.do(Control{Do: Transfer, Target: Target{Agent: "1002"}})
		time.Sleep(100 * time.Millisecond)
		l.hangsUp("1001")
		l.dies()
		l.saw("stop ghost", "call.queued human")
		time.Sleep(2 * time.Second)
		l.arranged("1002+caller;")
		l.phoneOfCaller(sipua.Hungup{Q850: 16})
		l.over()
	})
}

// What the log knows of legs beside caller and agents ends with them.
func TestLegsThatAreOverAreForgotten(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.asksOutside(Consult)
		others := func() (names []string) {
			l.log.Read(func(s *acd.State) {
				legs, _ := s.Legs(l.theCall().id)
				for _, o := range legs.Others {
					names = append(names, o.Name)
				}
			})
			return names
		}
		if got := others(); strings.Join(got, " ") != "out:1" {
			t.Errorf("the log has %q", got)
		}
		l.do(Control{Do: Drop})
		if got := others(); len(got) != 0 {
			t.Errorf("the log still has %q", got)
		}
		l.phoneOfCaller(sipua.Hungup{Q850: 16})
		l.over()
	})
}

// A phone whose connection is gone can't be told where we are until it comes
// again; its caller hears music so long, and somebody else cares for him if it
// doesn't come.
func TestAPhoneHasTimeToComeAgain(t *testing.T) {
	for name, try := range map[string]struct {
		away time.Duration
		want string
	}{
		"it does":    {away: 10 * time.Second, want: "1001+caller;"},
		"it doesn't": {away: time.Hour, want: "1002+caller;"},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.talking()
				back := time.Now().Add(try.away)
				l.phone.mu.Lock()
				l.phone.told = func(leg string) (int, []byte) {
					if leg == "agent 1001" && time.Now().Before(back) {
						return 503, nil
					}
					return 200, remoteSDP(40000)
				}
				l.phone.mu.Unlock()
				l.dies()
				l.arranged("; caller")
				l.never("hang up")
				l.atWork("1002")
				time.Sleep(comeAgain + 3*time.Second)
				l.arranged(try.want)
				l.phoneOfCaller(sipua.Hungup{Q850: 16})
				l.over()
			})
		})
	}
}
