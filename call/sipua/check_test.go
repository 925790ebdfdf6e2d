package sipua_test

import (
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/sipua"
)

func TestCheck(t *testing.T) {
	const patience = 8 * time.Second
	for name, c := range map[string]struct {
		status int // 0: no answer
		lost   bool
	}{
		"is there":               {200, false},
		"doesn't know OPTIONS":   {405, false},
		"wants a password":       {401, false},
		"has other worries":      {500, false},
		"has forgotten the call": {481, true},
		"says nothing":           {0, true},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				l, ev := b.dialTimed()
				p, began := b.peer, time.Now()
				l.Check(patience)
				l.Check(patience) // one is enough
				q := p.next("OPTIONS")
				if c.status != 0 {
					p.reply(q, c.status, "", "")
				}
				if !c.lost {
					p.silence(time.Minute)
					synctest.Wait()
					ev.none(t)
					l.Check(patience)
					p.reply(p.next("OPTIONS"), 200, "", "")
					return
				}
				var bye *msg
				for bye == nil || bye.what() == "OPTIONS" { // sent again meanwhile
					bye = p.within(2 * patience)
				}
				if bye.what() != "BYE" || bye.get("Reason") != `Q.850;cause=102;text="silent"` {
					t.Errorf("%s %+v", bye.what(), bye.headers)
				}
				p.reply(bye, 200, "", "")
				if h := next[sipua.Hungup](t, ev); !h.Lost || h.Q850 != 102 {
					t.Errorf("%+v", h)
				}
				if d := time.Since(began); c.status == 0 && d != patience {
					t.Errorf("after %v", d)
				}
			})
		})
	}
}
