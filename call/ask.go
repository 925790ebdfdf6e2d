package call

import (
	"context"
	"errors"
	"time"

	"tierline/acd"
	"tierline/ivr"
)

// lookupLimit bounds what a source's own time-outs should have bounded long
// before, and with it how long a lookup may outlive its call.
const lookupLimit = 15 * time.Minute

// maxFinishing is how many lookups may outlive their calls at once; those of
// more calls end with them.
const maxFinishing = 1000

// ask carries out what somebody outside the call must answer. Nothing here
// makes the call wait.
func (c *Call) ask(ctx context.Context, a ivr.Action) {
	switch a := a.(type) {
	case ivr.Lookup:
		c.lookUp(ctx, a)
	case ivr.CancelLookup:
		if cancel := c.lookups[a.ID]; cancel != nil {
			cancel()
			delete(c.lookups, a.ID)
		}
	case ivr.Notify:
		c.notify(ctx, a)
	case ivr.TryAuth:
		c.tryAuth(ctx, a)
	case ivr.AuthResult:
		c.authResult(a)
	default: // act sorts them
	}
}

// lookUp asks a source beside the call. Unless it must finish, it ends with
// the call.
func (c *Call) lookUp(ctx context.Context, q ivr.Lookup) {
	policy, ok := c.gen.Source(q.Source)
	if !ok || c.sw.cfg.Backend == nil {
		c.log.Warn("no such source", "source", q.Source)
		c.later(func() { c.menu(ctx, ivr.LookedUp{ID: q.ID, Status: ivr.LookupError, Err: "no such source"}) })
		return
	}
	limited, done := c.patience(ctx, q.Finish)
	cancel := done
	if q.Finish {
		cancel = func() {} // carried on although nobody waits
	}
	c.lookups[q.ID] = cancel
	c.beside(func() func() {
		defer done()
		r := c.sw.cfg.Backend.Lookup(limited, policy, q)
		r.ID = q.ID
		if r.Status == ivr.LookupError {
			c.log.Info("lookup failed", "source", q.Source, "err", r.Err)
		}
		return func() {
			delete(c.lookups, q.ID)
			c.menu(ctx, r)
		}
	})
}

// patience bounds what runs beside the call: with the call itself, or, for
// what must finish, by time only.
func (c *Call) patience(ctx context.Context, finish bool) (context.Context, context.CancelFunc) {
	if !finish || !c.sw.finish() {
		return context.WithTimeout(ctx, lookupLimit)
	}
	limited, cancel := context.WithTimeout(c.sw.root, lookupLimit)
	return limited, func() { cancel(); c.sw.finished() }
}

func (c *Call) notify(ctx context.Context, n ivr.Notify) {
	channel, ok := c.gen.Channel(n.Channel)
	if !ok || c.sw.cfg.Backend == nil {
		c.log.Warn("no such channel", "channel", n.Channel)
		c.later(func() { c.menu(ctx, ivr.Notified{ID: n.ID}) })
		return
	}
	limited, cancel := context.WithTimeout(ctx, lookupLimit)
	c.beside(func() func() {
		defer cancel()
		r := c.sw.cfg.Backend.Notify(limited, channel, n)
		r.ID = n.ID
		return func() { c.menu(ctx, r) }
	})
}

// tryAuth counts a try before it is made. Without a quorum nobody may try:
// otherwise tries would be free while the log can't be written.
func (c *Call) tryAuth(ctx context.Context, a ivr.TryAuth) {
	ev := acd.AuthTried{
		Policy: a.Policy, Key: acd.AccountKey(a.Policy, a.Key), Max: a.Max, Window: a.Window.Milliseconds(),
		Call: c.id,
	}
	c.beside(func() func() {
		result := ivr.AttemptAllowed
		_, _, err := c.sw.cfg.Queue.Propose(ctx, ev)
		refused, isRefused := errors.AsType[*acd.RefusedError](err)
		switch {
		case isRefused && refused.Code == acd.CodeLocked:
			result = ivr.AttemptLocked
		case err != nil:
			c.log.Warn("a try can't be counted", "policy", a.Policy, "err", err)
			result = ivr.AttemptUnknown
		}
		return func() { c.menu(ctx, ivr.Attempt{ID: a.ID, Result: result}) }
	})
}

func (c *Call) authResult(a ivr.AuthResult) {
	outcome := acd.AuthVoid
	switch a.Result {
	case ivr.AuthPassed:
		outcome = acd.AuthPassed
	case ivr.AuthFailed:
		outcome = acd.AuthFailed
	case ivr.AuthVoid:
	}
	c.sw.cfg.Queue.Post(acd.AuthEnded{
		Policy: a.Policy, Key: acd.AccountKey(a.Policy, a.Key), Outcome: outcome, Call: c.id,
	})
}
