package call

import "tierline/acd"

// parting is an agent who has left his caller. The log is told together with
// the place where the caller waits next, if he does so at once: in between the
// agent would be free, and whoever waits might get him.
type parting struct{ event acd.AgentReleased }

// partAgent takes the agent out, and leaves it to whoever goes on with the call to
// tell the log: with the caller's new wait, or by sayParting.
func (c *Call) partAgent(by acd.Side) {
	t := c.agent
	if t == nil {
		return
	}
	c.sayParting()
	quality := c.leaveAgent()
	c.parting = &parting{event: acd.AgentReleased{Offer: t.offer, By: by, Quality: quality, Lost: t.lost}}
}

// sayParting tells the log of an agent who has left. If it knows, it refuses that.
func (c *Call) sayParting() {
	if p := c.parting; p != nil {
		c.parting = nil
		c.sw.cfg.Queue.Post(p.event)
	}
}

// partingTold is what has become of an attempt to tell it with a wait. After one
// that failed the agent waits no longer for the caller's place.
func (c *Call) partingTold(w *wait, err error) {
	switch {
	case w.parting == nil || c.parting != w.parting:
	case err == nil:
		c.parting = nil
	default:
		c.sayParting()
	}
}
