package acd

import (
	"fmt"
	"maps"
	"slices"
)

func (b *CallbackConfig) code(k *coder) {
	number(k, &b.Attempts)
	k.int(&b.Spacing)
	k.int(&b.Expires)
	number(k, &b.Max)
}

func (c *call) codeCallback(k *coder) {
	has := c.callback != nil
	if k.bool(&has); !has {
		return
	}
	if c.callback == nil {
		c.callback = &callback{}
	}
	b := c.callback
	k.str(&b.origin)
	k.str(&b.by)
	k.int(&b.at)
	k.int(&b.expires)
	number(k, &b.attempt)
	k.str(&b.last)
}

// deriveCallback rebuilds what finds a call-back.
func (s *State) deriveCallback(c *call) error {
	if c.queue == nil {
		return fmt.Errorf("%w: a call-back in no queue", ErrSnapshot)
	}
	s.callbacks.add(c)
	if !c.inQueue() {
		s.setTimer(timerCallback, c.id, 0, c.nextCallback())
	}
	return nil
}

func (l *lockout) code(k *coder) {
	k.str(&l.policy)
	k.str(&l.key)
	list(k, &l.failures, (*coder).int)
	number(k, &l.max)
	k.int(&l.window)
	k.bool(&l.told)
}

// deriveLockouts rebuilds the order in which accounts are forgotten.
func (s *State) deriveLockouts() error {
	for _, id := range slices.Sorted(maps.Keys(s.lockouts)) {
		l := s.lockouts[id]
		if err := l.check(); err != nil {
			return fmt.Errorf("%w: lockout %q: %w", ErrSnapshot, id, err)
		}
		s.lockoutAge.Insert(l)
		s.setTimer(timerLockout, id, 0, l.until())
	}
	return nil
}
