package call

import (
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
)

// patience is the longest silence without a reason.
const patience = 800 * time.Millisecond

// callerLeg is the media leg of the only call's caller.
func (l *lab) callerLeg() *fakeLeg {
	l.t.Helper()
	synctest.Wait()
	l.sw.mu.Lock()
	defer l.sw.mu.Unlock()
	for _, c := range l.sw.calls {
		if c.caller != nil {
			leg, _ := c.caller.media.(*fakeLeg)
			return leg
		}
	}
	l.t.Fatal("no caller")
	return nil
}

// Whatever is awaited, the caller hears something within 800 ms.
func TestNobodyHearsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(l *lab)
		key     string
		then    string // pressed half a second later
		lasts   time.Duration
	}{
		"lookup":               {func(l *lab) { l.business(time.Hour) }, "1", "12345678", 30 * time.Second},
		"lookup that finishes": {func(l *lab) { l.business(20 * time.Second) }, "6", "", 15 * time.Second},
		"counting a try":       {func(l *lab) { l.business(0); l.log.lose(acd.AuthTried{}, 4*time.Second) }, "1", "12345678", 4 * time.Second},
		"slow speech":          {func(l *lab) { l.business(0); l.speech.takes = time.Minute }, "1", "12345678", 2 * time.Second},
		"joining a queue":      {func(l *lab) { l.log.lose(acd.CallQueued{}, 5*time.Second) }, "3", "", 8 * time.Second},
		"waiting":              {func(*lab) {}, "3", "", 30 * time.Second},
		"answer of an agent": {func(l *lab) {
			l.phone.habits["1001"] = habit{after: time.Second, status: 200}
			l.log.slow = 3 * time.Second
		}, "3", "", 8 * time.Second},
		"asking for a callback": {func(l *lab) { l.phone.habits["1001"] = habit{}; l.log.lose(acd.CallbackRequested{}, 3*time.Second) }, "3", "1", 5 * time.Second},
		"transfer":              {func(*lab) {}, "4", "", 15 * time.Second},
		"transfer that fails":   {func(l *lab) { l.phone.habits[deskAddress] = habit{after: 3 * time.Second, status: 503} }, "4", "", 5 * time.Second},
		"far switch":            {func(*lab) {}, "5", "", 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.phone.habits["1001"] = habit{}
				c.prepare(l)
				l.service(c.key)
				leg := l.callerLeg()
				if c.then != "" {
					time.Sleep(500 * time.Millisecond)
					l.press(c.then)
				}
				leg.silence()
				time.Sleep(c.lasts)
				if d := leg.silence(); d > patience {
					t.Errorf("the caller hears nothing for %v", d)
				}
				l.never("hang up caller")
			})
		})
	}
}

// The customer who is called back is told why at once, and neither of the two
// sits in silence while the log takes its time.
func TestNobodyHearsNothingInACallback(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.phone.habits[customerAddress] = habit{after: 10 * time.Second, status: 200}
		l.log.lose(acd.CallbackReached{}, 5*time.Second)
		l.ask("+8613800138000")
		time.Sleep(1100 * time.Millisecond) // the agent has picked up
		l.media.mu.Lock()
		agent := l.media.last
		l.media.mu.Unlock()
		agent.silence()
		time.Sleep(11 * time.Second) // and the customer
		customer := l.callerLeg()
		customer.silence()
		time.Sleep(8 * time.Second)
		if a, c := agent.silence(), customer.silence(); a > patience || c > patience {
			t.Errorf("nothing to hear for %v (agent) and %v (customer)", a, c)
		}
		l.saw("callback.reached", "bridge")
	})
}
