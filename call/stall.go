package call

import (
	"time"

	"tierline/media"
)

// checkPatience is how long somebody in a conversation who sends no sound may take
// to say that he is there.
const checkPatience = 8 * time.Second

// stalled asks somebody in a conversation who hasn't sent a packet for long whether
// he still has the call: a muted phone says so, one that lost its power doesn't.
func (c *Call) stalled(p *party, ev media.Stalled) {
	if c.agent == nil {
		return // who waits, or listens to a menu, needn't say anything
	}
	for _, m := range c.room.members {
		if m.media == p.media && !m.dead && m.sip != nil { // an offer's phones share their media
			c.log.Info("nothing is heard of a leg", "agent", m.agent, "for", ev.For.String())
			m.sip.Check(checkPatience)
		}
	}
}
