package call

import (
	"testing"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
)

// waits is the caller, or agent, whose INVITE the living process has from a dead
// one.
func (l *lab) waits() *caller {
	l.phone.mu.Lock()
	defer l.phone.mu.Unlock()
	if l.phone.waits == nil {
		l.t.Fatal("nobody's INVITE goes on")
	}
	return l.phone.waits
}

// takesUs lets everybody's phone take where we are now.
func (l *lab) takesUs() {
	l.phone.mu.Lock()
	defer l.phone.mu.Unlock()
	l.phone.told = func(string) (int, []byte) { return 200, remoteSDP(30000) }
}

// outsideRings is a number where nobody answers.
func (l *lab) outsideRings(n int) string {
	number, address := outside(n)
	l.phone.mu.Lock()
	defer l.phone.mu.Unlock()
	l.phone.habits[address] = habit{}
	return number
}

func TestEarlyCallerGoesOnUnanswered(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: 2 * time.Second, status: 200}
		l.early("10018", remoteSDP(30000), false)
		time.Sleep(3 * time.Second)
		l.dies()
		l.saw("resume INVITE of caller, told: true", "play 1s")
		l.never("answer")
		l.press("0")
		time.Sleep(3 * time.Second)
		l.saw("invite 1001", "answer", "bridge")
		l.waits().hangUp()
		time.Sleep(time.Second)
		l.saw("log call.ended normal")
		l.gone()
	})
}

func TestEarlyCallerGivesUpAfterTakeOver(t *testing.T) {
	inLab(t, func(l *lab) {
		l.early("10018", remoteSDP(30000), false)
		time.Sleep(3 * time.Second)
		l.press("0") // he waits for an agent
		time.Sleep(time.Second)
		l.dies()
		if c := l.calls()[0]; c.Phase != acd.PhaseOffered {
			t.Errorf("call is %v", c.Phase)
		}
		c := l.waits()
		c.mu.Lock()
		gaveUp := c.onCancel
		c.mu.Unlock()
		gaveUp()
		time.Sleep(time.Second)
		l.saw("humanabandoned")
		if ended := l.wrote(`"sip":487`); len(ended) != 1 {
			t.Errorf("recorded as %s", ended)
		}
		l.gone()
	})
}

// Where the address doesn't move, only an answer tells the caller where we are.
func TestEarlyCallerIsAnsweredWhereHeHasToMove(t *testing.T) {
	inLab(t, func(l *lab) {
		l.early("10018", remoteSDP(30000), false)
		time.Sleep(3 * time.Second)
		l.takesUs()
		l.dies()
		l.saw("resume INVITE of caller, told: false", "answer", "play 1s")
		l.waits().hangUp()
		time.Sleep(time.Second)
		l.gone()
	})
}

func TestTransferOfTheMenuIsDialledAnew(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits[deskAddress] = habit{after: 4 * time.Second, status: 200}
		l.service("4")
		time.Sleep(3 * time.Second) // it rings
		l.takesUs()
		l.dies()
		time.Sleep(2 * time.Second)
		l.saw("cancel INVITE to far", "call "+deskAddress)
		time.Sleep(5 * time.Second)
		l.saw("bridge", "log call.transferred answered")
		l.farSays(sipua.Hungup{Q850: 16})
		time.Sleep(500 * time.Millisecond)
		l.saw("unbridge", "play 1s")
		l.phone.mu.Lock()
		caller := l.phone.resumed
		l.phone.mu.Unlock()
		caller.event(sipua.Hungup{Q850: 16})
		time.Sleep(time.Second)
		l.gone()
	})
}

// A blind transfer of an agent who has gone already: the number outside rings
// again, and the caller isn't taken for one who has been served.
func TestTransferToANumberIsDialledAnew(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		number := l.outsideRings(1)
		l.do(Control{Do: Transfer, Target: Target{Number: number}})
		time.Sleep(2 * time.Second)
		l.hangsUp("1001")
		time.Sleep(time.Second)
		l.outsideAnswers(1, 200)
		l.takesUs()
		l.dies()
		l.saw("cancel INVITE to far", "call sip:")
		time.Sleep(5 * time.Second)
		l.arranged("caller+far;")
		l.farSays(sipua.Hungup{Q850: 16})
		time.Sleep(5 * time.Second)
	})
}

func TestConsultOutsideIsDialledAnew(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		number := l.outsideRings(1)
		l.do(Control{Do: Consult, Target: Target{Number: number}})
		time.Sleep(2 * time.Second)
		l.outsideAnswers(1, 200)
		l.takesUs()
		l.dies()
		l.saw("cancel INVITE to far", "call sip:")
		time.Sleep(5 * time.Second)
		l.arranged("1001+far2; caller")
	})
}

func TestCustomerIsCalledBackAnew(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: 2 * time.Second, status: 200}
		l.ask("+8613800138000")
		time.Sleep(6 * time.Second) // he rings, and doesn't answer
		l.phone.mu.Lock()
		l.phone.habits[customerAddress] = habit{after: 5 * time.Second, status: 200}
		l.phone.mu.Unlock()
		l.takesUs()
		l.dies()
		l.saw("cancel INVITE to far", "resume agent 1001", "call "+customerAddress)
		l.never("callback.missed")
		time.Sleep(8 * time.Second)
		l.saw("callback.reached", "bridge")
		if a := l.agent("1001"); a.State != acd.AgentTalking {
			t.Errorf("agent is %v, want talking", a.State)
		}
		l.farSays(sipua.Hungup{Q850: 16})
		time.Sleep(10 * time.Second)
		l.saw("callback.ended humandone")
		l.gone()
	})
}

func TestAgentsCallIsDialledAnew(t *testing.T) {
	for name, to := range map[string]string{"outside": "057187651001", "to a colleague": "1002"} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.atWork("1001", "1002")
				l.outsideRings(1)
				l.phone.mu.Lock()
				l.phone.habits["1002"] = habit{}
				l.phone.mu.Unlock()
				l.callsFrom("1001", to)
				time.Sleep(2 * time.Second) // it rings
				l.outsideAnswers(1, 200)
				l.phone.mu.Lock()
				l.phone.habits["1002"] = habit{after: time.Second, status: 200}
				l.phone.mu.Unlock()
				l.dies()
				l.saw("resume INVITE of caller, told: false")
				time.Sleep(3 * time.Second)
				l.saw("answer", "bridge")
				l.waits().hangUp()
				time.Sleep(10 * time.Second)
				l.saw("call.ended")
				l.gone()
			})
		})
	}
}

// A leg of a dead node that nobody goes on with ends as far as it has got.
func TestLegsThatNobodyNeedsEndAsTheyAre(t *testing.T) {
	for name, tt := range map[string]struct {
		leg  sipua.Dialog
		want []string
	}{
		"up":                 {sipua.Dialog{CallID: "x"}, []string{"resume x", "hang up x (16 node lost)"}},
		"rings":              {sipua.Dialog{CallID: "x", Caller: true, Invite: []byte("INVITE")}, []string{"cancel INVITE to x"}},
		"waits for our word": {sipua.Dialog{CallID: "x", Invite: []byte("INVITE")}, []string{"resume INVITE of x", "refuse 503"}},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				leg, err := tt.leg.MarshalBinary()
				if err != nil {
					t.Fatal(err)
				}
				l.sw.Effects([]acd.Effect{acd.EndLeg{Node: "n1", Leg: leg}})
				time.Sleep(time.Second)
				l.saw(tt.want...)
			})
		})
	}
}
