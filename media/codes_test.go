package media

import (
	"strings"
	"testing"
	"time"
)

// What an agent dials from a star on is for the switch; the caller neither hears
// it nor misses a packet.
func TestKeysOfACodeReachNobody(t *testing.T) {
	b := newLab(t)
	p := talking(PCMA)
	p.EventPT = 101
	caller := b.peer(p)
	p.Codes = true
	agent := b.peer(p)
	Bridge(caller.leg, agent.leg)
	agent.say(160)
	press := func(code uint8) {
		b.run(300 * time.Millisecond)
		agent.ts += 2400
		agent.key(code, agent.ts, 160, false)
		agent.key(code, agent.ts, 320, true)
		agent.key(code, agent.ts, 320, true)
	}
	const star, pound = 10, 11
	for what, c := range map[string]struct {
		keys  func()
		heard string
	}{
		"no code":              {func() { press(5); press(pound) }, "5#"},
		"a code":               {func() { press(5); press(star); press(3); press(0) }, "5"},
		"its end":              {func() { press(star); press(3); agent.leg.EndCode(); press(7) }, "7"},
		"two":                  {func() { press(star); press(star); press(1) }, ""},
		"one that isn't ended": {func() { press(star); b.run(codePause); press(7) }, "7"},
	} {
		agent.leg.EndCode()
		b.settle()
		caller.heard()
		c.keys()
		var heard strings.Builder
		for i, k := range caller.heard() {
			if k.PayloadType == 101 && i%3 == 0 {
				heard.WriteByte("0123456789*#"[k.payload[0]])
			}
		}
		if heard.String() != c.heard {
			t.Errorf("%s: the caller hears %q, not %q", what, heard.String(), c.heard)
		}
	}
}
