package call

import (
	"strings"
	"testing"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/call/sipua"
)

func TestHoldAndMuteByTheDesk(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.arranged("1001+caller;")
		l.do(Control{Do: Hold})
		l.arranged("; caller")
		if a := l.agent("1001"); !a.Held {
			t.Error("the log doesn't know of the hold")
		}
		// The phone holds as well: both must let go.
		l.do(Control{Do: Resume, By: "desk"})
		l.phoneOf("1001", l.reinvite(sdp.SendOnly, 2))
		if got := l.wrote(`"held":true`); !strings.Contains(got[len(got)-1], `"by":"1001"`) {
			t.Errorf("the phone holds, and the log says %s", got[len(got)-1])
		}
		l.do(Control{Do: Hold})
		l.refuses(Control{Do: Resume}, DeniedState)
		l.phoneOf("1001", l.reinvite(sdp.SendRecv, 3))
		l.arranged("; caller")
		l.do(Control{Do: Resume})
		l.arranged("1001+caller;")
		l.do(Control{Do: Mute})
		l.arranged("1001<caller;")
		l.do(Control{Do: Unmute})
		l.arranged("1001+caller;")
		if a := l.agent("1001"); a.Held || a.Muted {
			t.Errorf("the log thinks held %t muted %t", a.Held, a.Muted)
		}
		l.refuses(Control{Agent: "1002", Do: Hold}, DeniedNoCall)
		l.refuses(Control{Do: Swap}, DeniedState)
		l.refuses(Control{Do: Transfer}, DeniedState)
		l.hangsUp("1001")
		l.over()
	})
}

func TestAttendedTransfer(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.atWork("1002")
		l.do(Control{Do: Consult, Target: Target{Agent: "1002"}})
		l.arranged("; caller")
		l.states("talking reserved/consult signed_out")
		l.refuses(Control{Do: Consult, Target: Target{Agent: "1003"}}, DeniedState)
		time.Sleep(2 * time.Second)
		l.arranged("1001+1002; caller")
		l.saw("show agent 1001: 1002 Li")
		l.forgetLines()
		l.do(Control{Do: Swap})
		l.arranged("1001+caller; 1002")
		l.saw("show agent 1001: +8613800138000")
		l.do(Control{Do: Swap})
		l.arranged("1001+1002; caller")
		l.forgetLines()
		l.do(Control{Do: Transfer})
		l.arranged("1002+caller;")
		l.saw("show agent 1002: +8613800138000")
		l.states("wrap_up talking signed_out")
		l.saw("hang up agent 1001")
		l.hangsUp("1002")
		l.over()
	})
}

func TestConsultationEnds(t *testing.T) {
	for name, ends := range map[string]func(l *lab){
		"taken back while it rings": func(l *lab) { l.do(Control{Do: Drop}) },
		"no answer":                 func(*lab) { time.Sleep(40 * time.Second) },
		"refused":                   func(l *lab) { l.phoneOf("1002", sipua.Failed{Status: 486}) },
		"taken back": func(l *lab) {
			l.phoneOf("1002", sipua.Answered{SDP: remoteSDP(40000)})
			l.arranged("1001+1002; caller")
			l.do(Control{Do: Drop})
		},
		"the one asked hangs up": func(l *lab) {
			l.phoneOf("1002", sipua.Answered{SDP: remoteSDP(40000)})
			l.hangsUp("1002")
		},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.talking()
				l.atWork("1002")
				l.phone.habits["1002"] = habit{}
				l.do(Control{Do: Consult, Target: Target{Agent: "1002"}})
				time.Sleep(100 * time.Millisecond)
				ends(l)
				l.arranged("1001+caller;")
				if s := l.agent("1002").State; s == acd.AgentTalking || s == acd.AgentAlerting || s == acd.AgentReserved {
					t.Errorf("1002 is %s", s)
				}
				l.hangsUp("1001")
				l.over()
			})
		})
	}
}

func TestBlindTransferToAnAgent(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.atWork("1002")
		l.do(Control{Do: Transfer, Target: Target{Agent: "1002"}})
		l.arranged("; caller")
		l.states("talking reserved/transfer signed_out")
		time.Sleep(2 * time.Second)
		l.arranged("1002+caller;")
		l.states("wrap_up talking signed_out")
		l.hangsUp("1002")
		l.over()
	})
}

// The transfer fails while the agent is still there: he has the caller back.
func TestFailedBlindTransferReturns(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.atWork("1002")
		l.phone.habits["1002"] = habit{after: time.Second, status: 486}
		l.do(Control{Do: Transfer, Target: Target{Agent: "1002"}})
		time.Sleep(2 * time.Second)
		l.arranged("1001+caller;")
		l.refuses(Control{Do: Transfer, Target: Target{Agent: "1003"}}, DeniedAgent)
		l.refuses(Control{Do: Transfer, Target: Target{Agent: "nobody"}}, DeniedTarget)
		l.refuses(Control{Do: Transfer, Target: Target{Queue: "nobody"}}, DeniedTarget)
		l.refuses(Control{Do: Transfer, Target: Target{Flow: "nobody"}}, DeniedTarget)
		l.refuses(Control{Do: Transfer, Target: Target{Number: "4711"}}, DeniedNumber)
		l.arranged("1001+caller;")
		l.hangsUp("1001")
		l.over()
	})
}

// The agent leaves at once, and the other one doesn't answer: the caller waits
// again, with the place he had.
func TestFailedBlindTransferOfAnAgentWhoHasLeft(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.atWork("1002")
		l.phone.habits["1002"] = habit{}
		before := l.calls()[0]
		l.do(Control{Do: Transfer, Target: Target{Agent: "1002"}})
		time.Sleep(100 * time.Millisecond)
		l.hangsUp("1001")
		l.arranged("; caller")
		l.states("wrap_up alerting/transfer signed_out")
		l.phone.habits["1002"] = habit{after: 2 * time.Second, status: 200}
		l.forgetLines()
		l.phoneOf("1002", sipua.Failed{Status: 486})
		l.saw("call.offer_failed 1002", "call.queued human")
		now := l.calls()[0]
		if now.Phase != acd.PhaseWaiting && now.Phase != acd.PhaseOffered || now.Key.Since > before.Arrived {
			t.Errorf("call is %s with key %+v", now.Phase, now.Key)
		}
		time.Sleep(20 * time.Second)
		l.states("talking ready signed_out")
		l.arranged("1001+caller;")
		l.hangsUp("1001")
		l.over()
	})
}

func TestTransferToAQueueKeepsThePlace(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.forgetLines()
		l.do(Control{Do: Transfer, Target: Target{Queue: "group"}})
		l.saw("call.agent_released 1001", "call.queued group")
		v := l.calls()[0]
		if v.Queue != "group" || v.Key.Since > v.QueuedAt-1000 {
			t.Errorf("call %+v, key %+v", v, v.Key)
		}
		l.atWork("1002")
		time.Sleep(3 * time.Second)
		l.arranged("1002+caller;")
		l.hangsUp("1002")
		l.over()
	})
}

func TestTransferToAFlow(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.forgetLines()
		l.do(Control{Do: Transfer, Target: Target{Flow: "service"}})
		l.saw("call.agent_released 1001", "call.rerouted", "play")
		if v := l.calls()[0]; v.Flow != "service" {
			t.Errorf("flow %s", v.Flow)
		}
		l.states("wrap_up signed_out signed_out")
	})
}

func TestTransferToANumber(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.phone.habits[deskAddress] = habit{after: 2 * time.Second, status: 200}
		l.do(Control{Do: Transfer, Target: Target{Number: "desk"}})
		l.arranged("; caller")
		time.Sleep(3 * time.Second)
		l.arranged("caller+far;")
		l.states("wrap_up signed_out signed_out")
		l.saw("call.agent_released 1001")
		l.farSays(sipua.Hungup{Q850: 16})
		time.Sleep(2 * time.Second)
		l.saw("hang up caller")
		l.over()
	})
}

func TestNumberThatDoesntAnswerReturns(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.do(Control{Do: Consult, Target: Target{Number: "desk"}})
		l.arranged("; caller")
		time.Sleep(31 * time.Second)
		l.arranged("1001+caller;")
		l.hangsUp("1001")
		l.over()
	})
}

// A call-back ends while an agent is asked, is in a conference, or rings: he
// must be free, not stay talking to nobody.
func TestCallBackEndsWithSomebodyBesideIt(t *testing.T) {
	for name, w := range map[string]Control{
		"asked":      {Do: Consult, Target: Target{Agent: "1002"}},
		"a member":   {Do: Conference, Target: Target{Agent: "1002"}},
		"called":     {Do: Transfer, Target: Target{Agent: "1002"}},
		"taken over": {Do: Transfer, Target: Target{Agent: "1002"}},
	} {
		for _, who := range []string{"customer", "agent", "switch"} {
			t.Run(name+", by the "+who, func(t *testing.T) {
				inLab(t, func(l *lab) {
					l.phone.habits["1001"] = habit{after: time.Second, status: 200}
					l.phone.habits[customerAddress] = habit{after: time.Second, status: 200}
					l.ask("+8613800138000")
					time.Sleep(8 * time.Second)
					l.arranged("1001+caller;")
					l.atWork("1002")
					l.do(w)
					if name != "called" {
						time.Sleep(2 * time.Second)
					}
					switch who {
					case "customer":
						l.farSays(sipua.Hungup{Q850: 16})
					case "agent":
						l.hangsUp("1001")
						l.hangsUp("1002")
						time.Sleep(2 * time.Second)
						if l.sw.Live() > 0 {
							l.hangsUp("1002")
						}
					case "switch":
						c := l.theCall()
						c.later(func() { c.end(endBy(acd.SideSwitch, 41, "fault")) })
					}
					l.over()
				})
			})
		}
	}
}
