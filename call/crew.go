package call

import (
	"context"
	"sync/atomic"
)

// hands is how many goroutines wait for work at most.
const hands = 8

// crew handles the messages of calls, each call on one goroutine at a time. A
// goroutine that has handled some waits for those of another call: its stack has
// grown for it, and growing it for each message cost a twentieth of a call.
type crew struct {
	work    chan worker // to one that waits
	waiting atomic.Int32
	over    context.Context //nolint:containedctx // ends those that wait; set once
}

// worker has something to do.
type worker interface{ work() }

func newCrew(over context.Context) *crew { return &crew{work: make(chan worker), over: over} }

// put has the work done on another goroutine. It never blocks.
func (c *crew) put(w worker) {
	select {
	case c.work <- w:
	default:
		go c.serve(w)
	}
}

// serve works for as long as there is something to wait for.
func (c *crew) serve(w worker) {
	for w != nil {
		w.work()
		w = c.next()
	}
}

// next waits for more work; nil: enough others do.
func (c *crew) next() worker {
	defer c.waiting.Add(-1)
	if c.waiting.Add(1) > hands {
		return nil
	}
	select {
	case w := <-c.work:
		return w
	case <-c.over.Done():
		return nil
	}
}
