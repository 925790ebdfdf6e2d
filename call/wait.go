package call

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"tierline/acd"
	"tierline/ivr"
)

// retryQueue is how long a caller hears music before we try again to put him
// into the log of a cluster that can't commit.
const retryQueue = time.Second

// wait is a call's stay in a queue.
type wait struct {
	event  acd.CallQueued
	queued bool // it stands in the log
}

// enqueue puts the call into a queue. Without a quorum the caller keeps
// hearing the hold prompts and we try again: he must not be sent away for it.
func (c *Call) enqueue(ctx context.Context, a ivr.Enqueue) {
	w := &wait{event: acd.CallQueued{
		Call: c.id, Queue: a.Queue, Tier: c.customer.Tier, Language: c.language(),
		MaxWait: a.MaxWait.Milliseconds(), Attach: attributes(a.Attach),
	}}
	c.wait = w
	c.commitWait(ctx, w)
}

func (c *Call) commitWait(ctx context.Context, w *wait) {
	c.beside(func() func() {
		_, _, err := c.sw.cfg.Queue.Propose(ctx, w.event)
		return func() { c.waitCommitted(ctx, w, err) }
	})
}

func (c *Call) waitCommitted(ctx context.Context, w *wait, err error) {
	var refused *acd.RefusedError
	switch {
	case c.wait != w:
		if err == nil {
			c.sw.cfg.Queue.Post(acd.QueueLeft{Call: c.id, Cause: acd.LeftKey})
		}
	case err == nil:
		w.queued = true
	case errors.As(err, &refused):
		c.log.Warn("queue refused the call", "queue", w.event.Queue, "err", err)
		c.wait = nil
		c.menu(ctx, ivr.QueueLeft{Cause: "full"})
	default:
		c.log.Warn("cannot queue the call yet", "queue", w.event.Queue, "err", err)
		time.AfterFunc(retryQueue, func() {
			_ = c.Post(back{run: func() {
				if c.wait == w {
					c.commitWait(ctx, w)
				}
			}})
		})
	}
}

// unqueue takes the call out because its caller pressed a key.
func (c *Call) unqueue(ivr.Unqueue) {
	w := c.wait
	c.wait = nil
	c.dropOffer(CauseNormal())
	if w != nil && w.queued {
		c.sw.cfg.Queue.Post(acd.QueueLeft{Call: c.id, Cause: acd.LeftKey})
	}
}

// leftQueue is the ACD saying that the wait ended without an agent.
func (c *Call) leftQueue(ctx context.Context, e acd.LeaveQueue) {
	if c.wait == nil {
		return
	}
	c.wait = nil
	cause := "timeout"
	if e.Cause == acd.LeftFull {
		cause = "full"
	}
	c.menu(ctx, ivr.QueueLeft{Cause: cause})
}

func attributes(in []ivr.Attribute) []acd.Attribute {
	out := make([]acd.Attribute, len(in))
	for i, a := range in {
		out[i] = acd.Attribute{Name: a.Name, Value: a.Value}
	}
	slices.SortFunc(out, func(a, b acd.Attribute) int { return strings.Compare(a.Name, b.Name) })
	return out
}
