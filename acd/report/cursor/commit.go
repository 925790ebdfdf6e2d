package cursor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tierline/acd/report"
)

// commit writes what was folded; it tries until the store takes it or the
// context ends. The store's own work isn't cut short: a commit is brief.
func (c *Cursor) commit(ctx context.Context) error {
	b, err := c.fold.Flush()
	if err != nil {
		return fmt.Errorf("%w: %w", errGaveUp, err)
	}
	now := time.Now()
	if c.unsynced.IsZero() {
		c.unsynced = now
	}
	durable := c.syncDue(now)
	for wait := firstRetry; ; wait = min(2*wait, longRetry) {
		if err = c.c.Store.Commit(context.WithoutCancel(ctx), b, durable); err == nil {
			break
		}
		if errors.Is(err, report.ErrTaken) {
			return err
		}
		c.failed(err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", errGaveUp, err)
		}
	}
	c.dirty = time.Time{}
	c.committed(b, durable)
	return nil
}

// stop commits what is left, for certain, unless the store gave up before.
func (c *Cursor) stop(ctx context.Context, err error) error {
	if errors.Is(err, errGaveUp) {
		return fmt.Errorf("write call records: %w", err)
	}
	b, err := c.fold.Flush()
	if err != nil {
		return fmt.Errorf("write the last call records: %w", err)
	}
	err = c.c.Store.Commit(context.WithoutCancel(ctx), b, true)
	if errors.Is(err, report.ErrTaken) {
		return nil // who has the turn writes them
	}
	if err != nil {
		return fmt.Errorf("write the last call records: %w", err)
	}
	c.committed(b, true)
	return nil
}

func (c *Cursor) committed(b report.Batch, durable bool) {
	c.recovered(b.Cursor)
	c.note(func(s *Stats) {
		s.Index, s.Open = b.Cursor, c.fold.Open()
		s.Events += uint64(len(b.Events))
		s.Calls += uint64(len(b.Ended))
		if durable {
			s.Durable = b.Cursor
		}
	})
	if durable {
		c.unsynced = time.Time{}
		c.c.Acknowledge(b.Cursor)
	}
}

// recovered says that the store answers, if it didn't before.
func (c *Cursor) recovered(at uint64) {
	was := ""
	c.note(func(s *Stats) { was, s.Failing = s.Failing, "" })
	if was != "" {
		c.c.Logger.Info("call records are written again", "index", at)
	}
}

// failed counts a commit that has to be tried again; the log tells when the
// reason is new, not each time.
func (c *Cursor) failed(err error) {
	isNew := false
	c.note(func(s *Stats) {
		isNew = s.Failing != err.Error()
		s.Failures, s.Failing = s.Failures+1, err.Error()
	})
	if isNew {
		c.c.Logger.Warn("call records wait in the log: the store takes nothing", "err", err)
	}
}

func (c *Cursor) note(change func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.stats)
}
