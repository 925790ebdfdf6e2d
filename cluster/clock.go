package cluster

import (
	"sync"
	"time"
)

// clock tells log time: milliseconds that only ever go forward, whatever is
// done to the computer's calendar clock. It follows the entries it sees, so a
// new leader goes on where the old one was.
type clock struct {
	mono func() time.Duration // time since some moment, never set back

	mu     sync.Mutex // guards offset
	offset int64      // log time minus mono, in ms
}

func (c *clock) now() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset + c.mono().Milliseconds()
}

// observe makes sure that no later reading is before at.
func (c *clock) observe(at int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = max(c.offset, at-c.mono().Milliseconds())
}

// resume goes on from the last entry of an earlier process. The time between
// the two is known from the calendar clock only; this is the one place where
// it matters, and a calendar that went back counts as no time at all.
func (c *clock) resume(at, wall, now int64) {
	c.observe(at)
	if wall > 0 && now > wall {
		c.observe(at + now - wall)
	}
}
