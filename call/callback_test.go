package call

import (
	"errors"
	"testing"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
	"tierline/routing"
)

const customerAddress = "sip:13800138000@192.0.2.9;transport=udp"

// ask asks for a call-back as the API does.
func (l *lab) ask(number string) string {
	l.t.Helper()
	id := newID()
	_, _, err := l.log.Propose(l.t.Context(), acd.CallbackRequested{
		Callback: id, Node: "n1", Number: number, Queue: "human", Tier: routing.Gold, Language: "zh", Generation: 1, By: "test",
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return id
}

func (l *lab) callbacks() (list []acd.CallbackView) {
	l.log.Read(func(s *acd.State) { list = s.Callbacks() })
	return list
}

// gone checks that nothing is left of any call.
func (l *lab) gone() {
	l.t.Helper()
	if n := l.sw.Live(); n != 0 {
		l.t.Errorf("%d calls are left", n)
	}
	if n := l.media.legs(); n != 0 {
		l.t.Errorf("%d media legs are left", n)
	}
	l.sw.mu.Lock()
	defer l.sw.mu.Unlock()
	for name, limiter := range l.sw.trunks {
		if n := limiter.In() + limiter.Out(); n != 0 {
			l.t.Errorf("trunk %s still counts %d calls", name, n)
		}
	}
}

func TestCallbackRingsTheAgentFirstAndJoinsTheCustomer(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: 2 * time.Second, status: 200}
		l.phone.habits[customerAddress] = habit{after: 5 * time.Second, status: 200}
		l.ask("+8613800138000")
		time.Sleep(12 * time.Second)
		if a := l.agent("1001"); a.State != acd.AgentTalking {
			t.Errorf("agent is %v, want talking", a.State)
		}
		l.want(
			"0s log callback.requested human",
			"0s log callback.due human",
			"0s log call.offered 1001human",
			"0s invite 1001 as call-back +8613800138000 (gold)",
			"20ms log call.ringing 1001human",
			"2s log callback.dialled 1001human",
			"2s play 1s", // what it is about
			"3s music",   // it rings
			"3s call "+customerAddress+" as 87650000",
			"8s log callback.reached 1001human",
			"8s play 1s", // why we call
			"9s bridge",
		)
		l.farSays(sipua.Hungup{Q850: 16})
		time.Sleep(10 * time.Second)
		l.want(
			"12s unbridge",
			"12s hang up agent 1001 (16 released)",
			"12s log call.agent_released 1001human",
			"12s log callback.ended humandone",
		)
		if a := l.agent("1001"); a.State != acd.AgentReady {
			t.Errorf("agent is %v, want ready after the wrap-up", a.State)
		}
		l.gone()
	})
}

func TestCallbackWhoseCustomerIsNotReachedTriesAgain(t *testing.T) {
	for name, c := range map[string]struct {
		habit habit
		cause string
		free  time.Duration // when the agent is free again
	}{
		"busy":      {habit{after: 3 * time.Second, status: 486}, "busy", 7 * time.Second},
		"declined":  {habit{after: 3 * time.Second, status: 603}, "rejected", 7 * time.Second},
		"no number": {habit{after: 3 * time.Second, status: 404}, "unreachable", 7 * time.Second},
		"rings on":  {habit{}, "no_answer", 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.phone.habits["1001"] = habit{after: time.Second, status: 200}
				l.phone.habits[customerAddress] = c.habit
				id := l.ask("+8613800138000")
				time.Sleep(c.free)
				if a := l.agent("1001"); a.State != acd.AgentReady {
					t.Errorf("agent is %v, want ready without any work after it", a.State)
				}
				l.saw("callback.dialled", "call "+customerAddress, "callback.missed 1001human"+c.cause, "hang up agent 1001")
				l.never("bridge")
				l.gone()
				if v := l.callbacks(); len(v) != 1 || v[0].ID != id || v[0].Phase != acd.PhaseDormant {
					t.Errorf("call-back: %+v", v)
				}
				l.phone.mu.Lock()
				l.phone.habits[customerAddress] = habit{after: 2 * time.Second, status: 200}
				l.phone.mu.Unlock()
				time.Sleep(6 * time.Minute)
				l.saw("callback.missed", "callback.reached", "bridge")
			})
		})
	}
}

func TestAgentWhoHangsUpBeforeTheCustomerAnswers(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.phone.habits[customerAddress] = habit{}
		l.ask("+8613800138000")
		time.Sleep(5 * time.Second)
		l.phoneSays(sipua.Hungup{Q850: 16})
		time.Sleep(100 * time.Millisecond)
		l.saw("call "+customerAddress, "callback.missed 1001humanagent_left", "hang up far (16 normal)")
		l.never("bridge")
		l.gone()
	})
}

// The customer picks up while our CANCEL is under way: sipua says goodbye to
// him, and what it says here comes too late for anything.
func TestCustomerAnswersAsTheAgentLeaves(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.phone.habits[customerAddress] = habit{}
		l.log.lose(acd.CallbackReached{}, 2*time.Second)
		l.ask("+8613800138000")
		time.Sleep(5 * time.Second)
		l.farSays(sipua.Answered{SDP: remoteSDP(40000)})
		l.phoneSays(sipua.Hungup{Q850: 16}) // the answer is not in the log yet
		time.Sleep(5 * time.Second)
		l.saw("callback.missed 1001humanagent_left", "hang up far")
		l.never("bridge")
		l.never("callback.reached")
		l.gone()
	})
}

func TestCustomerHangsUpBeforeTheLogKnowsThatHeIsThere(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.phone.habits[customerAddress] = habit{}
		l.log.lose(acd.CallbackReached{}, 500*time.Millisecond)
		l.ask("+8613800138000")
		time.Sleep(5 * time.Second)
		l.farSays(sipua.Answered{SDP: remoteSDP(40000)})
		l.farSays(sipua.Hungup{Q850: 16}) // his answer is not in the log yet
		time.Sleep(10 * time.Second)
		l.saw("hang up agent 1001", "callback.missed 1001humanrejected")
		l.never("bridge")
		l.gone()
		if a := l.agent("1001"); a.State != acd.AgentReady {
			t.Errorf("agent is %v", a.State)
		}
	})
}

// Without a quorum the two aren't joined; they are as soon as there is one.
func TestCallbackWaitsForTheLog(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.phone.habits[customerAddress] = habit{after: 3 * time.Second, status: 200}
		l.ask("+8613800138000")
		time.Sleep(4 * time.Second)
		l.log.mu.Lock()
		l.log.broken = errors.New("no leader")
		l.log.mu.Unlock()
		time.Sleep(6 * time.Second)
		l.saw("call "+customerAddress, "play 1s")
		l.never("bridge")
		l.never("hang up")
		l.log.repair()
		time.Sleep(3 * time.Second)
		l.saw("callback.reached", "bridge")
	})
}

func TestCallbackAgentDoesNotAnswer(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 486}
		l.ask("+8613800138000")
		time.Sleep(3 * time.Second)
		l.saw("invite 1001", "call.offer_failed 1001humanbusy")
		l.gone()
		l.phone.mu.Lock()
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.phone.mu.Unlock()
		time.Sleep(time.Minute)
		l.saw("call.offer_failed", "invite 1001", "callback.dialled")
	})
}

func TestCallbackIsCancelledWhileTheAgentsPhoneRings(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{}
		id := l.ask("+8613800138000")
		time.Sleep(2 * time.Second)
		if _, _, err := l.log.Propose(l.t.Context(), acd.CallbackCancelled{Callback: id, By: "test"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		l.saw("invite 1001", "callback.ended humancancelled", "hang up agent 1001")
		l.gone()
	})
}

func TestCallbackIsCancelledWhileTheCustomerIsCalled(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.phone.habits[customerAddress] = habit{}
		id := l.ask("+8613800138000")
		time.Sleep(5 * time.Second)
		if _, _, err := l.log.Propose(l.t.Context(), acd.CallbackCancelled{Callback: id, By: "test"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		l.saw("call "+customerAddress, "callback.ended humancancelled", "hang up far")
		l.saw("hang up agent 1001")
		l.gone()
	})
}

// A target that fails before it rings is passed over; one that rang is not.
func TestCallOutwardTriesTheNextTarget(t *testing.T) {
	second := "sip:13800138000@192.0.2.10;transport=tcp"
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.phone.habits[customerAddress] = habit{after: time.Second, status: 500}
		l.phone.habits[second] = habit{after: time.Second, status: 200}
		l.ask("+8613800138000")
		time.Sleep(10 * time.Second)
		l.saw("call "+customerAddress, "call "+second, "callback.reached", "bridge")
	})
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.phone.habits[customerAddress] = habit{after: time.Second, status: 480}
		l.ask("+8613800138000")
		time.Sleep(10 * time.Second)
		l.saw("call "+customerAddress, "callback.missed 1001humanno_answer")
		l.never("call " + second)
	})
}

// A trunk that is full, ours and theirs together, calls nobody; the attempt is
// the switch's failure and not the customer's.
func TestFullTrunkCallsNobody(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		g := l.sw.cfg.Services.Current()
		narrow, _ := g.Trunks.Trunk("narrow")
		release, err := l.sw.admitOutward(narrow, false)
		if err != nil {
			t.Fatal(err)
		}
		l.ask("+862087650001")
		time.Sleep(5 * time.Second)
		l.saw("callback.dialled", "callback.missed 1001humanswitch_failed")
		l.never("call sip:")
		release()
		l.gone()
	})
}

// Nobody is called whom no trunk's allow list permits, whatever the log says.
func TestForbiddenNumberIsNotCalled(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.ask("+8821612345678")
		time.Sleep(5 * time.Second)
		l.saw("callback.dialled", "callback.missed 1001humanrejected")
		l.never("call sip:")
		l.gone()
	})
}

// Draining, the node begins no attempt.
func TestDrainingNodeCallsNobodyBack(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.sw.Drain(l.t.Context(), time.Second)
		l.ask("+8613800138000")
		time.Sleep(500 * time.Millisecond)
		l.saw("call.offer_failed 1001humanswitch_failed")
		l.never("invite")
	})
}

// After a restart the log may know whose turn it is before the node can call
// anybody: nobody is blamed for that.
func TestCallbackWaitsUntilTheNodeCanCall(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.sw.mu.Lock()
		l.sw.attached = false
		l.sw.mu.Unlock()
		l.ask("+8613800138000")
		time.Sleep(2 * time.Second)
		l.never("invite")
		l.sw.Attach(l.phone, l.sw.cfg.Registrar)
		time.Sleep(2 * time.Second)
		l.saw("call.offered", "invite 1001", "callback.dialled")
		l.never("offer_failed")
	})
}
