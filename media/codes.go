package media

import "time"

// codePause ends a code that isn't completed.
const codePause = 4 * time.Second

// codes keeps the keys of a code, from a star on, from whoever the leg is bridged
// with.
type codes struct {
	within bool
	last   time.Duration // when the newest key of it came
}

// key tells whether a key belongs to a code.
func (c *codes) key(key rune, now time.Duration) bool {
	c.within = key == '*' || c.within && now-c.last <= codePause
	c.last = now
	return c.within
}

// EndCode says that the code is complete, or none: the next key is for the other
// side again.
func (l *Leg) EndCode() {
	l.do(func() { l.code.within = false })
}
