package cursor

import (
	"context"
	"fmt"
	"time"

	"tierline/acd/report"
)

// begin waits for this node's turn to write and takes up what the last writer
// left. Meanwhile others write: what they have stored may be forgotten here.
func (c *Cursor) begin(ctx context.Context) error {
	c.dirty, c.unsynced = time.Time{}, time.Time{}
	c.note(func(s *Stats) { s.Writes, s.Open = false, 0 })
	for wait := firstRetry; ; wait = min(2*wait, longRetry) {
		ours, err := c.claim(ctx)
		if err == nil && ours {
			var saved report.Saved
			if saved, err = c.c.Store.Load(ctx); err == nil {
				err = c.ofThisLog(saved)
			}
			if err == nil {
				return c.resume(saved)
			}
		}
		if err != nil {
			c.failed(err)
		} else {
			wait = turnEvery
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ofThisLog finds records of another history of the log, as a database has them
// that is newer than a restored log, once that has as many entries again.
func (c *Cursor) ofThisLog(saved report.Saved) error {
	wall, known := c.c.Wall(saved.Cursor)
	if !known || saved.Wall == 0 || report.Time(wall) == saved.Wall {
		return nil
	}
	return fmt.Errorf("%w: what happened at entry %d, the last one in it, isn't what the log says; "+
		"restore both together, or let the records begin anew in other tables", ErrForeign, saved.Cursor)
}

func (c *Cursor) resume(saved report.Saved) (err error) {
	at := saved.Cursor
	if last := c.c.Last(); at > last {
		return fmt.Errorf("%w: it ends at index %d, the log at %d", ErrAhead, at, last)
	}
	if c.fold, err = report.Resume(saved); err != nil {
		return err
	}
	c.renew = time.Now().Add(turnEvery)
	c.recovered(at)
	c.note(func(s *Stats) { s.Writes, s.Index, s.Durable, s.Open = true, at, at, c.fold.Open() })
	return nil
}

// claim asks for the turn to write.
func (c *Cursor) claim(ctx context.Context) (bool, error) {
	if c.c.Fit != nil && !c.c.Fit() {
		return false, nil
	}
	last := c.c.Last()
	ours, at, err := c.c.Store.Claim(ctx, last)
	if err != nil || ours {
		return ours, err
	}
	if at <= last {
		c.late = time.Time{}
	} else if now := time.Now(); c.late.IsZero() {
		c.late = now
	} else if now.Sub(c.late) > lateness {
		return false, ErrAhead
	}
	at = min(at, last)
	c.recovered(at)
	c.note(func(s *Stats) { s.Index, s.Durable = at, at })
	c.c.Acknowledge(at)
	return false, nil
}

// keep asks for the turn once more, so that nobody else gets it. A node that no
// longer sees what happens leaves it to others. A store that doesn't answer says
// so to the next commit.
func (c *Cursor) keep(ctx context.Context) error {
	if c.c.Fit != nil && !c.c.Fit() {
		return fmt.Errorf("%w: this one is cut off", report.ErrTaken)
	}
	if ours, _, err := c.c.Store.Claim(ctx, c.c.Last()); err == nil && !ours {
		return report.ErrTaken
	}
	return nil
}
