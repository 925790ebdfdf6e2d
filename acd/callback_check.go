package acd

import (
	"fmt"
	"maps"
	"slices"
)

// callbacks compares the open call-backs with what finds them.
func (c *checker) callbacks() {
	found := newCallbacks()
	for _, id := range slices.Sorted(maps.Keys(c.s.calls)) {
		x := c.s.calls[id]
		if x.callback == nil {
			continue
		}
		if found.number[x.to] != nil || x.customer.ID != "" && found.customer[x.customer.ID] != nil {
			c.fault("call-back %q is the second one for %q or customer %q", id, x.to, x.customer.ID)
		}
		found.add(x)
		c.callback(x)
	}
	have := &c.s.callbacks
	if !maps.Equal(found.number, have.number) || !maps.Equal(found.customer, have.customer) ||
		!maps.Equal(found.inQueue, have.inQueue) {
		c.fault("call-backs are %v, should be %v", have, found)
	}
}

func (c *checker) callback(x *call) {
	b := x.callback
	switch {
	case x.phase == PhaseMenu || x.leaveAt != 0 || x.keptUntil != 0:
		c.fault("call-back %q is %s", x.id, x.phase)
	case b.attempt < 0 || b.attempt > maxAttempts+1:
		c.fault("call-back %q: attempt %d", x.id, b.attempt)
	case x.phase == PhaseDormant && b.at >= b.expires:
		c.fault("call-back %q is due at %d and expires at %d", x.id, b.at, b.expires)
	}
}

// lockouts compares the accounts with the order in which they are forgotten.
func (c *checker) lockouts() {
	s := c.s
	if s.lockoutAge.Len() != len(s.lockouts) || len(s.lockouts) > maxLockouts {
		c.fault("%d accounts with failures, %d in order", len(s.lockouts), s.lockoutAge.Len())
	}
	for l := range s.lockoutAge.All() {
		if s.lockouts[l.id()] != l {
			c.fault("lockout %q is not its account's", l.id())
		}
		if err := l.check(); err != nil {
			c.fault("lockout %q: %w", l.id(), err)
		}
		c.expect(timerLockout, l.id(), l.until())
	}
}

func (l *lockout) check() error {
	if n := len(l.failures); n < 1 || n > maxFailures || l.max < 1 || l.window < 1 || !slices.IsSorted(l.failures) {
		return fmt.Errorf("%d failures %v of %d in %d ms", n, l.failures, l.max, l.window)
	}
	return nil
}
