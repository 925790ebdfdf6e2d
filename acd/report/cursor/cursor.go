package cursor

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"tierline/acd/report"
)

// How long things may wait.
const (
	batchTime   = 200 * time.Millisecond // from a story to its commit
	batchSize   = 512                    // events and records that make a batch full
	syncTime    = time.Second            // from a commit to the next durable one
	firstRetry  = 100 * time.Millisecond
	longRetry   = 5 * time.Second
	pruneEvery  = time.Hour
	pruneChunk  = 1000
	pruneBreath = 50 * time.Millisecond // between two chunks
	turnEvery   = time.Second           // to ask for a turn to write, and to keep it
	lateness    = time.Minute           // that a log may take to catch up with what others wrote
)

// ErrAhead means that the store has records that the log doesn't know: they
// belong to another data directory.
var ErrAhead = errors.New("the story store is ahead of the log")

// ErrForeign means that the store has records of another history of the log: the
// log was restored and the store wasn't.
var ErrForeign = errors.New("the story store doesn't belong to this log")

// errGaveUp means that the node stops while the store takes nothing. What was
// folded is lost from memory, so nothing may be committed after it.
var errGaveUp = errors.New("the store takes nothing")

// Store is where batches go. Several nodes may share one; they write in turns.
type Store interface {
	// Claim makes this node the one that writes, if nobody else is, and says how
	// far the records go. Where the log ends before they do there is no turn.
	Claim(ctx context.Context, last uint64) (ours bool, at uint64, err error)
	Load(ctx context.Context) (report.Saved, error)
	Commit(ctx context.Context, b report.Batch, durable bool) error
	Prune(ctx context.Context, before report.Time, limit int) (int64, error)
}

// Follow yields the stories after an index and waits for new ones until its
// context ends.
type Follow func(ctx context.Context, after uint64) iter.Seq2[report.Story, error]

// Of adapts a source with a story type of its own.
func Of[S any](
	follow func(ctx context.Context, after uint64) iter.Seq2[S, error], story func(S) report.Story,
) Follow {
	return func(ctx context.Context, after uint64) iter.Seq2[report.Story, error] {
		return func(yield func(report.Story, error) bool) {
			for s, err := range follow(ctx, after) {
				if !yield(story(s), err) {
					return
				}
			}
		}
	}
}

// Config is what a Cursor needs.
type Config struct {
	Follow      Follow
	Acknowledge func(index uint64)
	Last        func() uint64 // index of the last entry of the log
	// Wall is the Unix time in ms of the story of an entry, 0 if the entry has none;
	// known is false while it can't be said.
	Wall func(index uint64) (at int64, known bool)
	// Gap says where to go on when the source has forgotten what comes next
	// (a store that was deleted); ok is false for every other error.
	Gap       func(err error) (after uint64, ok bool)
	Store     Store
	Fit       func() bool   // whether this node sees what happens; nil: always
	Retention time.Duration // how long records are kept; 0 = for ever
	Logger    *slog.Logger
}

// Stats is what the cursor can say about itself.
type Stats struct {
	Writes   bool   // it is this node's turn
	Index    uint64 // last story committed, by whomever
	Durable  uint64 // last story acknowledged
	Events   uint64 // committed since the start, by this node
	Calls    uint64 // records of ended calls, likewise
	Open     int    // unfinished records
	Failures uint64 // commits that had to be tried again
	Failing  string // why the last try failed; empty when all is well
}

// Cursor follows the stories.
type Cursor struct {
	c Config

	mu    sync.Mutex // guards stats
	stats Stats

	// ---- owned by Run ----
	fold     *report.Fold
	dirty    time.Time // when the first story of the batch came; zero: none
	unsynced time.Time // when the first commit that isn't durable was made; zero: none
	prune    time.Time // when to clean up next
	renew    time.Time // when to ask for the turn again
	late     time.Time // since when the records are ahead of the log; zero: they aren't
}

// New returns a cursor; Run makes it work.
func New(c Config) *Cursor { return &Cursor{c: c} }

// Stats returns the figures of this moment.
func (c *Cursor) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// Run follows the stories until the context ends, then commits what it has.
// An error means that records are no longer written; calls go on without.
func (c *Cursor) Run(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("write call records: panic: %v\n%s", p, debug.Stack())
		}
	}()
	c.prune = time.Now()
	for {
		if err = c.begin(ctx); err != nil {
			if errors.Is(err, context.Canceled) {
				return nil // it was never this node's turn
			}
			return fmt.Errorf("begin call records: %w", err)
		}
		if err = c.write(ctx); !errors.Is(err, report.ErrTaken) {
			return err
		}
		c.c.Logger.Info("it is another node's turn to write call records")
	}
}

// write follows the stories for as long as it is this node's turn.
func (c *Cursor) write(ctx context.Context) error {
	for {
		err := c.follow(ctx)
		if errors.Is(err, report.ErrTaken) {
			return err
		}
		if ctx.Err() != nil || errors.Is(err, errGaveUp) {
			return c.stop(ctx, err)
		}
		after, gap := c.c.Gap(err)
		if !gap {
			return errors.Join(fmt.Errorf("follow the log after index %d: %w", c.fold.Cursor(), err), c.stop(ctx, nil))
		}
		c.c.Logger.Error("stories are missing from the call records", "after", c.fold.Cursor(), "until", after, "err", err)
		c.fold.Skip(after)
	}
}

// follow consumes one run of the source, until it ends with an error or the
// context does.
func (c *Cursor) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stories := make(chan report.Story, batchSize)
	var ended error // written before the channel is closed
	go func() {
		defer close(stories)
		ended = c.pull(ctx, c.fold.Cursor(), stories)
	}()
	if err := c.consume(ctx, stories); err != nil {
		return err // the puller ends with the context
	}
	return ended
}

// pull moves stories into the channel until the source or the context ends.
func (c *Cursor) pull(ctx context.Context, after uint64, stories chan<- report.Story) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read a story: panic: %v\n%s", p, debug.Stack())
		}
	}()
	for s, err := range c.c.Follow(ctx, after) {
		if err != nil {
			return err
		}
		select {
		case stories <- s:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if ctx.Err() == nil {
		return errors.New("the source ended")
	}
	return ctx.Err()
}

// consume folds and commits what the channel brings, until it is closed.
func (c *Cursor) consume(ctx context.Context, stories <-chan report.Story) error {
	due := time.NewTimer(time.Until(c.next()))
	defer due.Stop()
	for {
		var err error
		select {
		case s, more := <-stories:
			if !more {
				return nil
			}
			if c.dirty.IsZero() {
				c.dirty = time.Now()
			}
			c.fold.Take(s)
			if c.fold.Pending() >= batchSize {
				err = c.commit(ctx)
			}
		case <-due.C:
			err = c.timers(ctx)
		}
		if err != nil {
			return err
		}
		due.Reset(time.Until(c.next()))
	}
}

// next returns when timers has something to do.
func (c *Cursor) next() time.Time {
	at := c.prune
	if c.renew.Before(at) {
		at = c.renew
	}
	if !c.dirty.IsZero() && c.dirty.Add(batchTime).Before(at) {
		at = c.dirty.Add(batchTime)
	}
	if !c.unsynced.IsZero() && c.unsynced.Add(syncTime).Before(at) {
		at = c.unsynced.Add(syncTime)
	}
	return at
}

// timers does what is due.
func (c *Cursor) timers(ctx context.Context) error {
	now := time.Now()
	if !c.dirty.IsZero() && !now.Before(c.dirty.Add(batchTime)) || c.syncDue(now) {
		if err := c.commit(ctx); err != nil {
			return err
		}
	}
	if !now.Before(c.prune) {
		c.prune = now.Add(c.clean(ctx, now))
	}
	if !now.Before(c.renew) {
		c.renew = now.Add(turnEvery)
		return c.keep(ctx)
	}
	return nil
}

func (c *Cursor) syncDue(now time.Time) bool {
	return !c.unsynced.IsZero() && !now.Before(c.unsynced.Add(syncTime))
}

// clean removes a chunk of what is too old and returns when to go on.
func (c *Cursor) clean(ctx context.Context, now time.Time) time.Duration {
	if c.c.Retention <= 0 {
		return pruneEvery
	}
	gone, err := c.c.Store.Prune(ctx, report.TimeOf(now.Add(-c.c.Retention)), pruneChunk)
	if err != nil && ctx.Err() == nil {
		c.c.Logger.Warn("old records stay for now", "err", err)
	}
	if gone >= pruneChunk {
		return pruneBreath
	}
	return pruneEvery
}
