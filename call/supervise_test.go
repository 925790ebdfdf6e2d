package call

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
)

// supervised is a call of agent 1001 with supervisor 1002, who listens.
func (l *lab) supervised() {
	l.t.Helper()
	l.talking()
	l.atWork("1002")
	l.oversees(acd.ModeListen)
	time.Sleep(2 * time.Second)
	l.arranged("1001+caller 1002<1001 1002<caller;")
}

func (l *lab) oversight(w Oversight) error {
	l.t.Helper()
	return l.sw.Supervise(l.t.Context(), w)
}

// oversees lets supervisor 1002 do something in agent 1001's call.
func (l *lab) oversees(do string) {
	l.t.Helper()
	if err := l.oversight(Oversight{Supervisor: "1002", Agent: "1001", Do: do}); err != nil {
		l.t.Fatalf("%s: %v", do, err)
	}
}

func TestSupervisorsModes(t *testing.T) {
	inLab(t, func(l *lab) {
		l.supervised()
		l.states("talking talking/supervisor signed_out")
		l.saw("supervision.started 1002humanlisten")
		l.oversees(acd.ModeWhisper)
		l.arranged("1001+1002 1001+caller 1002<caller;")
		l.saw("supervision.changed 1002humanwhisper")
		l.oversees(acd.ModeBarge)
		l.arranged("1001+1002 1001+caller 1002+caller;")
		l.oversees(acd.ModeListen)
		l.arranged("1001+caller 1002<1001 1002<caller;")
		l.oversees(Leave)
		l.arranged("1001+caller;")
		l.saw("hang up agent 1002")
		l.saw("supervision.ended 1002humanlisten")
		l.states("talking ready signed_out")
		l.hangsUp("1001")
		l.over()
	})
}

func TestSupervisorsKeys(t *testing.T) {
	inLab(t, func(l *lab) {
		l.supervised()
		leg := l.theCall().supervisor("1002").media.(*fakeLeg)
		leg.press("*2")
		l.arranged("1001+1002 1001+caller 1002<caller;")
		leg.press("3*91")
		l.arranged("1001+1002 1001+caller 1002<caller;")
		leg.press("*3")
		l.arranged("1001+1002 1001+caller 1002+caller;")
		leg.press("*1")
		l.arranged("1001+caller 1002<1001 1002<caller;")
		leg.press("*4")
		l.arranged("1002+caller;")
		l.saw("call.handed_over 1002")
		l.states("wrap_up talking signed_out")
		leg.press("*2") // no supervisor any more
		l.arranged("1002+caller;")
		l.hangsUp("1002")
		l.over()
	})
}

// Nobody in the conversation notices what becomes of a supervisor's phone.
func TestSupervisorsPhoneDoesntMatter(t *testing.T) {
	for name, fails := range map[string]func(l *lab){
		"busy":             func(l *lab) { l.phoneOf("1002", sipua.Failed{Status: 486}) },
		"no answer":        func(*lab) { time.Sleep(time.Minute) },
		"wrong answer":     func(l *lab) { l.phoneOf("1002", sipua.Answered{SDP: []byte("v=1")}) },
		"called off":       func(l *lab) { l.oversees(Leave) },
		"hangs up":         func(l *lab) { l.phoneOf("1002", sipua.Answered{SDP: remoteSDP(40000)}); l.hangsUp("1002") },
		"hangs up at once": func(l *lab) { l.hangsUpAtOnce("1002") },
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.talking()
				l.atWork("1002")
				l.phone.habits["1002"] = habit{}
				caller := l.callerLeg()
				caller.silence()
				l.oversees(acd.ModeBarge)
				time.Sleep(100 * time.Millisecond)
				l.arranged("1001+caller;")
				fails(l)
				l.arranged("1001+caller;")
				if d := caller.silence(); d > 0 {
					t.Errorf("the caller heard nothing for %v", d)
				}
				if s := l.agent("1002").State; s == acd.AgentTalking || s == acd.AgentAlerting || s == acd.AgentReserved {
					t.Errorf("1002 is %s", s)
				}
				l.hangsUp("1001")
				l.over()
			})
		})
	}
}

// hangsUpAtOnce answers and hangs up before the log has said anything of it.
func (l *lab) hangsUpAtOnce(agent string) {
	l.t.Helper()
	l.phone.mu.Lock()
	d := l.phone.of[agent]
	l.phone.mu.Unlock()
	d.event(sipua.Answered{SDP: remoteSDP(40000)})
	d.event(sipua.Hungup{Q850: 16})
	time.Sleep(time.Second)
}

// hangUp lets the caller hang up.
func (l *lab) hangUp() {
	l.t.Helper()
	c := l.theCall()
	_ = c.Post(signalled{from: c.caller, ev: sipua.Hungup{Q850: 16}})
	synctest.Wait()
}

// Whoever leaves, the others go on or leave as they should.
func TestSupervisedCallsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		ends   func(l *lab)
		states string
	}{
		"the caller":     {func(l *lab) { l.hangUp() }, "wrap_up ready signed_out"},
		"the agent":      {func(l *lab) { l.hangsUp("1001") }, "wrap_up ready signed_out"},
		"the supervisor": {func(l *lab) { l.hangsUp("1002"); l.hangsUp("1001") }, "wrap_up ready signed_out"},
		"all at once": {func(l *lab) {
			l.phone.mu.Lock()
			one, two := l.phone.of["1001"], l.phone.of["1002"]
			l.phone.mu.Unlock()
			one.event(sipua.Hungup{Q850: 16})
			two.event(sipua.Hungup{Q850: 16})
			l.hangUp()
		}, "wrap_up ready signed_out"},
		"into another queue": {func(l *lab) { l.do(Control{Do: Transfer, Target: Target{Queue: "group"}}); l.hangUp() }, "wrap_up ready signed_out"},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.supervised()
				c.ends(l)
				time.Sleep(500 * time.Millisecond)
				l.states(c.states)
				l.over()
			})
		})
	}
}

// What the agent does with his call, the supervisor goes with; one who may not
// hear the next agent has to go.
func TestSupervisorStaysWithTheCall(t *testing.T) {
	inLab(t, func(l *lab) {
		l.supervised()
		l.do(Control{Do: Hold})
		l.arranged("1002<1001 1002<caller; caller")
		l.do(Control{Do: Resume})
		l.atWork("1003")
		l.do(Control{Do: Consult, Target: Target{Agent: "1003"}})
		time.Sleep(2 * time.Second)
		l.arranged("1001+1003 1002<1001 1002<1003; caller")
		l.oversees(acd.ModeWhisper)
		l.arranged("1001+1002 1001+1003 1002<1003; caller")
		l.do(Control{Do: Transfer})
		time.Sleep(100 * time.Millisecond)
		l.arranged("1003+caller;") // 1002 looks after 1001 only
		l.states("wrap_up ready talking")
		l.hangsUp("1003")
		l.over()
	})
}

// Taking over in the middle of the agent's question to somebody: the question is
// over, the caller is there at once.
func TestTakeOverWhileTheAgentAsks(t *testing.T) {
	inLab(t, func(l *lab) {
		l.supervised()
		l.atWork("1003")
		l.do(Control{Do: Consult, Target: Target{Agent: "1003"}})
		time.Sleep(2 * time.Second)
		l.oversees(TakeOver)
		l.arranged("1002+caller;")
		l.states("wrap_up talking ready")
		l.hangsUp("1002")
		l.over()
	})
}

func TestTakeOverFromOutside(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.atWork("1002")
		l.oversees(TakeOver)
		time.Sleep(2 * time.Second)
		l.arranged("1002+caller;")
		l.saw("call.handed_over 1002")
		l.never("music")
		l.saw("supervision.started 1002humanlisten")
		l.saw("supervision.ended 1002humantake_over")
		l.states("wrap_up talking signed_out")
		l.hangsUp("1002")
		l.over()
	})
}

func TestWhoMayNotSupervise(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.atWork("1002", "1003")
		for _, c := range []struct {
			w    Oversight
			code string
		}{
			{Oversight{Supervisor: "1003", Agent: "1001", Do: acd.ModeListen}, DeniedSupervisor},
			{Oversight{Supervisor: "1001", Agent: "1001", Do: acd.ModeListen}, DeniedAgent},
			{Oversight{Supervisor: "nobody", Agent: "1001", Do: acd.ModeListen}, DeniedTarget},
			{Oversight{Supervisor: "1002", Agent: "1003", Do: acd.ModeListen}, DeniedNoCall},
			{Oversight{Supervisor: "1002", Call: "nothing", Do: acd.ModeListen}, DeniedNoCall},
			{Oversight{Supervisor: "1002", Do: acd.ModeListen}, DeniedNoCall},
			{Oversight{Supervisor: "1002", Agent: "1001", Do: Leave}, DeniedNoCall},
			{Oversight{Supervisor: "1002", Agent: "1001", Do: "shout"}, DeniedState},
		} {
			err := l.oversight(c.w)
			if d, ok := errors.AsType[*DeniedError](err); !ok || d.Code != c.code {
				t.Errorf("%+v: %v, want %s", c.w, err, c.code)
			}
		}
		l.arranged("1001+caller;")
		l.oversees(acd.ModeListen)
		if err := l.oversight(Oversight{Supervisor: "1002", Do: acd.ModeBarge}); err != nil { // while it rings
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		l.arranged("1001+1002 1001+caller 1002+caller;")
		l.saw("supervision.changed 1002humanbarge")
		l.hangUp()
		l.over()
	})
}

// A phone that tells keys by INFO does with them what others do by RFC 4733; one
// that tells them both ways has pressed them once.
func TestKeysByINFOOfAgentsAndSupervisors(t *testing.T) {
	inLab(t, func(l *lab) {
		l.supervised()
		info := func(agent, keys string) {
			for _, key := range keys {
				l.phoneOf(agent, sipua.Info{Key: key, Held: 100 * time.Millisecond})
				time.Sleep(300 * time.Millisecond)
			}
		}
		info("1002", "*2")
		l.arranged("1001+1002 1001+caller 1002<caller;")
		info("1002", "*3")
		l.arranged("1001+1002 1001+caller 1002+caller;")
		l.oversees(acd.ModeListen)
		l.theCall().supervisor("1002").media.(*fakeLeg).press("*2")
		info("1002", "3") // told by RTP before, this phone's INFO count no more
		l.arranged("1001+1002 1001+caller 1002<caller;")
		l.oversees(Leave)
		info("1001", "5")
		l.saw("key 5")
		l.hangsUp("1001")
		l.over()
	})
}
