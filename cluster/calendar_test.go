package cluster

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
)

// TestLogTimeDoesNotFollowTheCalendar: three machines whose calendars are years
// apart, set back and forth while a phone rings and while leaders change. How
// long something takes is none of the calendar's business.
func TestLogTimeDoesNotFollowTheCalendar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const year = 365 * 24 * time.Hour
		calendar := map[string]*atomic.Int64{} // what is wrong with each
		c := newTrioWith(t, func(s *settings) {
			wrong := &atomic.Int64{}
			wrong.Store(int64(time.Duration(len(calendar)-1) * year))
			calendar[trioNames()[len(calendar)]] = wrong
			s.wall = func() time.Time { return time.Now().Add(time.Duration(wrong.Load())) }
		})
		defer c.stop()
		c.ready()
		n := c.node["n1"]
		mustPropose(t, n, centre(1))
		mustPropose(t, n, arrive("c1"))
		mustPropose(t, n, queue("c1"))
		began, at := time.Now(), n.Now() // it rings for 15 s
		for i, jump := range []time.Duration{24 * time.Hour, -20 * year, time.Minute, 20 * year} {
			lead := c.leader()
			calendar[lead].Add(int64(jump))
			n.Post(step("c1", i))
			time.Sleep(time.Second)
			if i%2 == 1 {
				c.cut(lead)
				c.leader()
				c.cut("")
				if c.leader() == lead {
					t.Fatal("nobody else leads: the test is wrong")
				}
			}
			time.Sleep(2 * time.Second)
			for _, name := range trioNames() {
				is, want := c.node[name].Now()-at, time.Since(began).Milliseconds()
				if is < want-50 || is > want+50 {
					t.Errorf("jump %v: %s takes %d ms for %d", jump, name, want, is)
				}
			}
			if p := phase(n, "c1"); p != acd.PhaseOffered {
				t.Errorf("jump %v: the call is in phase %v after %v", jump, p, time.Since(began))
			}
		}
		time.Sleep(20*time.Second - time.Since(began)) // its phone may be late to say that nobody answered
		if p := phase(n, "c1"); p != acd.PhaseWaiting {
			t.Errorf("the call is in phase %v: its phone rang for more than 15 s", p)
		}
		c.agree()
	})
}
