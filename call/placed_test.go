package call

import (
	"cmp"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
)

// lands checks how the phone's call was answered: 0, or the refusal.
func (p *phone) lands(t *testing.T, status int) {
	t.Helper()
	synctest.Wait()
	if p.mu.Lock(); p.refused != status {
		t.Errorf("the phone got %d, want %d", p.refused, status)
	}
	p.mu.Unlock()
}

func TestAgentCallsAColleague(t *testing.T) {
	for name, ends := range map[string]func(l *lab, p *phone){
		"who called hangs up": func(_ *lab, p *phone) { p.hangUp() },
		"who was called":      func(l *lab, _ *phone) { l.hangsUp("1002") },
		"transferred on": func(l *lab, _ *phone) {
			l.do(Control{Agent: "1002", Do: Transfer, Target: Target{Agent: "1003"}})
			time.Sleep(2 * time.Second)
			l.arranged("1003+caller;")
			l.hangsUp("1003")
		},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.atWork("1001", "1002", "1003")
				p := l.callsFrom("1001", "1002")
				l.states("talking/caller reserved/transfer ready")
				time.Sleep(2 * time.Second)
				p.lands(t, 0)
				l.arranged("1002+caller;")
				l.states("talking/caller talking ready")
				l.refuses(Control{Agent: "1002", Do: Transfer, Target: Target{Flow: "service"}}, DeniedState)
				ends(l, p)
				time.Sleep(10 * time.Second)
				l.over()
				l.saw("call.arrived 1001", "call.joined 1001", "call.ended")
				l.states("ready ready ready")
			})
		})
	}
}

func TestColleagueWhoDoesntCome(t *testing.T) {
	for name, try := range map[string]struct {
		habit  habit
		to     string
		ends   func(l *lab, p *phone)
		status int
	}{
		"busy":         {habit: habit{after: time.Second, status: 486}, status: 486},
		"declines":     {habit: habit{after: time.Second, status: 603}, status: 603},
		"no answer":    {status: 480},
		"away":         {to: "1003", status: 486},
		"himself":      {to: "1001", status: 404},
		"nobody":       {to: "1099", status: 404},
		"unreachable":  {habit: habit{after: time.Second, status: 503}, status: 480},
		"he gives up":  {ends: func(_ *lab, p *phone) { p.onCancel() }},
		"his password": {to: "1002x", status: 404},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.atWork("1001", "1002")
				l.phone.mu.Lock()
				l.phone.habits["1002"] = try.habit
				l.phone.mu.Unlock()
				to := try.to
				if to == "" {
					to = "1002"
				}
				p := l.callsFrom("1001", to)
				time.Sleep(time.Second)
				if try.ends != nil {
					try.ends(l, p)
				}
				time.Sleep(40 * time.Second)
				p.lands(t, try.status)
				l.over()
				if a := l.agent("1001"); a.State != acd.AgentReady {
					t.Errorf("who called is %s", a.State)
				}
			})
		})
	}
}

func TestAgentCallsAQueue(t *testing.T) {
	inLab(t, func(l *lab) {
		l.atWork("1001")
		p := l.callsFrom("1001", "800")
		time.Sleep(5 * time.Second)
		l.saw("call.queued group")
		l.states("talking/caller signed_out signed_out")
		l.atWork("1002")
		time.Sleep(3 * time.Second)
		l.arranged("1002+caller;")
		l.states("talking/caller talking signed_out")
		p.hangUp()
		l.over()
	})
}

func TestAgentCallsSomebodyOutside(t *testing.T) {
	for name, ends := range map[string]func(l *lab, p *phone){
		"the customer hangs up": func(l *lab, _ *phone) { l.outsideSays(1, sipua.Hungup{Q850: 16}) },
		"the agent hangs up":    func(_ *lab, p *phone) { p.hangUp() },
		"he holds, asks, and hands over": func(l *lab, _ *phone) {
			l.do(Control{Do: Hold})
			l.arranged("; caller")
			l.do(Control{Do: Resume})
			l.do(Control{Do: Consult, Target: Target{Agent: "1002"}})
			time.Sleep(2 * time.Second)
			l.arranged("1001+1002; caller")
			l.do(Control{Do: Transfer})
			l.arranged("1002+caller;")
			l.states("ready talking ready")
			l.outsideSays(1, sipua.Hungup{Q850: 16})
		},
		"to another number": func(l *lab, _ *phone) {
			number := l.outsideAnswers(2, 200)
			l.do(Control{Do: Transfer, Target: Target{Number: number}})
			time.Sleep(2 * time.Second)
			l.arranged("caller+far;")
			l.states("ready ready ready")
			l.outsideSays(2, sipua.Hungup{Q850: 16})
		},
		"into a queue": func(l *lab, _ *phone) {
			l.do(Control{Do: Transfer, Target: Target{Queue: "group"}})
			time.Sleep(5 * time.Second)
			l.saw("call.queued group", "call.connected")
			l.outsideSays(1, sipua.Hungup{Q850: 16})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.atWork("1001", "1002", "1003")
				l.outsideAnswers(1, 200)
				p := l.callsFrom("1001", "057187651001")
				time.Sleep(2 * time.Second)
				p.lands(t, 0)
				l.arranged("1001+caller;")
				l.states("talking ready ready")
				ends(l, p)
				time.Sleep(10 * time.Second)
				l.over()
				l.saw("call.ended")
				l.never("call.ended fault")
				l.gone()
			})
		})
	}
}

func TestOutsideThatDoesntAnswer(t *testing.T) {
	for name, try := range map[string]struct {
		number string
		habit  int
		ends   func(p *phone)
		status int
	}{
		"busy":           {number: "057187651001", habit: 486, status: 486},
		"no such number": {number: "057187651001", habit: 404, status: 404},
		"no answer":      {number: "057187651001", status: 480},
		"gives up":       {number: "057187651001", ends: func(p *phone) { p.onCancel() }},
		"not allowed":    {number: "00441234567890", status: 404},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.atWork("1001")
				if try.habit != 0 {
					l.outsideAnswers(1, try.habit)
				}
				p := l.callsFrom("1001", try.number)
				time.Sleep(500 * time.Millisecond)
				if try.ends != nil {
					try.ends(p)
				}
				time.Sleep(40 * time.Second)
				p.lands(t, try.status)
				if sip := fmt.Sprintf(`"sip":%d`, cmp.Or(try.status, 487)); try.status != 404 || try.habit != 0 {
					if len(l.wrote(sip)) == 0 {
						t.Errorf("the log has no %s", sip)
					}
				}
				l.over()
				l.gone()
				if a := l.agent("1001"); a.State != acd.AgentReady {
					t.Errorf("who called is %s", a.State)
				}
			})
		})
	}
}

// Whoever says he is an agent must prove it.
func TestStrangerCallsAsAnAgent(t *testing.T) {
	inLab(t, func(l *lab) {
		l.atWork("1001", "1002")
		in := Invite{From: "1002", Number: "1001", URI: "sip:1001@tierline"}
		if p := l.prove(in, "guess"); p.refused != 401 && p.refused != 403 {
			t.Errorf("wrong password: %d", p.refused)
		}
		l.never("invite 1001")
		l.over()
	})
}
