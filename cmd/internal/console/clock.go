package console

import (
	"sync"
	"time"

	"tierline/acd"
)

// clock tells log time between entries, so that a wait that is looked at
// grows although nothing happens. Log time runs as fast as ours; an entry
// that is ahead of the estimate moves it forward.
type clock struct {
	core Core

	mu  sync.Mutex // guards what follows
	at  int64      // log time in ms
	was time.Time  // when it was that
}

func newClock(core Core) *clock {
	c := &clock{core: core}
	c.core.Read(func(s *acd.State) { c.at = s.Now() })
	c.was = time.Now()
	return c
}

// now returns the present log time, given that of the last entry.
func (c *clock) now(last int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.at + time.Since(c.was).Milliseconds()
	if last > at {
		c.at, c.was, at = last, time.Now(), last
	}
	return at
}

// present shows the state as it looks now, not as it did at the last entry.
func (w *Console) present(view func(*acd.State)) {
	w.c.Core.Read(func(s *acd.State) { view(s.At(w.clock.now(s.Now()))) })
}
