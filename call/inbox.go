package call

import (
	"context"
	"sync"
	"time"

	"tierline/acd"
)

// mailbox is how many messages may wait for a call. A menu makes a handful at
// a time; whoever fills it floods us with digits or re-INVITEs.
const mailbox = 128

// inbox holds the messages that wait for a call. A call has a goroutine only
// while there are some: whoever brings the first begins it, and it ends with the
// last. So a conversation, to which nothing happens for seconds, costs no stack.
type inbox struct {
	mu      sync.Mutex
	waiting []msg
	next    int           // of waiting
	begun   bool          // messages may be handled
	working bool          // they are being
	closed  bool          // none is handled any more
	more    chan struct{} // tells who waits for the next one; nil: nobody does
}

// put adds a message; work: somebody must handle it.
func (b *inbox) put(m msg) (work bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return false, ErrEnded
	case len(b.waiting)-b.next >= mailbox:
		return false, ErrBusy
	}
	b.waiting = append(b.waiting, m)
	if b.more != nil {
		close(b.more)
		b.more = nil
	}
	work = b.begun && !b.working
	b.working = b.working || work
	return work, nil
}

// begin lets messages be handled; work: some wait already.
func (b *inbox) begin() (work bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begun = true
	b.working = len(b.waiting) > 0
	return b.working
}

// take returns the next message. Without one the work is over.
func (b *inbox) take() (m msg, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m, ok = b.first()
	b.working = ok
	return m, ok
}

// await returns the next message, or none before a limit.
func (b *inbox) await(limit <-chan time.Time) (m msg, ok bool) {
	for {
		b.mu.Lock()
		if m, ok = b.first(); ok {
			b.mu.Unlock()
			return m, true
		}
		more := make(chan struct{})
		b.more = more
		b.mu.Unlock()
		select {
		case <-more:
		case <-limit:
			return nil, false
		}
	}
}

// reuse is how many messages are put into the same memory again.
const reuse = 8

// first takes the first message out. mu is held.
func (b *inbox) first() (m msg, ok bool) {
	if b.next == len(b.waiting) {
		return nil, false
	}
	m, b.waiting[b.next] = b.waiting[b.next], nil
	b.next++
	if b.next == len(b.waiting) {
		b.next, b.waiting = 0, b.waiting[:0]
		if cap(b.waiting) > reuse {
			b.waiting = nil
		}
	}
	return m, true
}

// crowded tells whether the next message might find no room.
func (b *inbox) crowded() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting)-b.next >= mailbox-1
}

// close forgets what waits, and takes no more.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.waiting, b.next = true, nil, 0
}

// Post hands the call a message and never blocks, so that no two actors can
// wait for each other. A call whose mailbox overflows is ended.
func (c *Call) Post(m msg) error {
	work, err := c.box.put(m)
	if err == ErrBusy { //nolint:errorlint // it is returned as it is
		c.full.Do(func() { c.log.Warn("mailbox is full, ending the call") })
	}
	if work {
		c.sw.crew.put(c)
	}
	return err
}

// run brings the call to life: from now on messages are handled, one after the
// other.
func (c *Call) run() {
	c.sw.group.Add(1)
	c.life, c.cancel = context.WithCancel(c.sw.root)
	if c.sw.root.Err() != nil { // else everybody is told when it ends
		_ = c.Post(stopped())
	}
	if c.ending {
		c.over()
		return
	}
	if c.box.begin() {
		c.sw.crew.put(c)
	}
}

// work handles what waits.
func (c *Call) work() {
	for !c.ending {
		m, ok := c.box.take()
		if !ok {
			return // the next goroutine owns the call
		}
		c.guarded(c.life, m)
		c.watch()
		if c.box.crowded() {
			c.end(&EndError{Cause: CauseFault(), Err: ErrBusy})
		}
	}
	c.over()
}

// over is the last thing of a call's life.
func (c *Call) over() {
	c.box.close()
	if c.cancel != nil {
		c.cancel()
	}
	close(c.done)
	if c.cancel != nil {
		c.sw.group.Done()
	}
}

// stopped ends a call because the node stops.
func stopped() msg { return dismissed{err: endBy(acd.SideSwitch, 41, "node_stopped")} }

// stop ends all calls because the node stops.
func (s *Switch) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		_ = c.Post(stopped())
	}
}
