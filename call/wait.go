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

const (
	// retryQueue is how long a caller hears music before we try again to put him
	// into the log of a cluster that can't commit.
	retryQueue = time.Second
	// offlineAfter is for how long we try: an election takes a second, and a node
	// that is cut off for longer may be so for hours. The flow knows better than
	// music without end.
	offlineAfter = 8 * time.Second
	// placeLimit is how long an announcement waits for the log to know the place
	// that it is about.
	placeLimit = 300 * time.Millisecond
)

// wait is a call's stay in a queue.
type wait struct {
	event  acd.CallQueued
	queued bool // it stands in the log
	since  time.Time
	asked  uint64 // AskPlace that waits for the log

	parting *parting // of the agent whose caller waits, told with the wait; nil: none
}

// queueing carries out what the menu says of queues.
func (c *Call) queueing(ctx context.Context, a ivr.Action) {
	switch a := a.(type) {
	case ivr.Enqueue:
		c.enqueue(ctx, a)
	case ivr.Unqueue:
		c.unqueue()
	case ivr.AskPlace:
		c.askPlace(ctx, a.ID)
	case ivr.RequestCallback:
		c.requestCallback(ctx, a)
	default: // act sorts them
	}
}

// enqueue puts the call into a queue. Without a quorum the caller keeps
// hearing the hold prompts and we try again: he must not be sent away for it.
func (c *Call) enqueue(ctx context.Context, a ivr.Enqueue) {
	w := &wait{since: time.Now(), event: acd.CallQueued{
		Call: c.id, Queue: a.Queue, Tier: c.customer.Tier, Language: c.language(),
		MaxWait: a.MaxWait.Milliseconds(), Attach: attributes(a.Attach), Requirement: a.Requirement,
		Preferred: a.Preferred, PreferLast: a.PreferLast, PreferredFor: a.PreferredFor.Milliseconds(), Keep: a.Keep,
	}}
	c.wait = w
	if c.resumed { // the log has it there
		w.queued = true
		return
	}
	if c.joining == nil {
		c.commitWait(ctx, w)
	} // else it follows as soon as the log has answered for the one before
}

// commitWait writes a wait into the log. Only one is on its way at a time: the
// log would refuse a second one.
func (c *Call) commitWait(ctx context.Context, w *wait) {
	c.joining, w.parting = w, c.parting
	w.event.Refused = c.gate(w)
	var ev acd.Event = w.event
	if w.parting != nil {
		ev = acd.CallRequeued{Released: w.parting.event, Queued: w.event}
	}
	c.beside(func() func() {
		_, _, err := c.sw.cfg.Queue.Propose(ctx, ev)
		return func() { c.waitCommitted(ctx, w, err) }
	})
}

// gate looks up why a queue wouldn't take the call now; 0: it may. What full
// means and who is there, the log decides itself.
func (c *Call) gate(w *wait) (refused acd.LeaveCause) {
	if hours, ok := c.gen.Hours(w.event.Queue); ok {
		if open, _ := hours.Open(time.Now()); !open {
			return acd.LeftClosed
		}
	}
	c.sw.cfg.Queue.Read(func(s *acd.State) {
		if s.TooLong(w.event) {
			refused = acd.LeftLong
		}
	})
	return refused
}

func (c *Call) waitCommitted(ctx context.Context, w *wait, err error) {
	c.joining = nil
	refused, isRefused := errors.AsType[*acd.RefusedError](err)
	if isRefused && c.inQueue() {
		err = nil // it had got there, from here or from the node that handed the call on at that moment
	}
	c.partingTold(w, err)
	switch {
	case c.wait != w: // refused if the log has ended it itself
		c.sw.cfg.Queue.Post(acd.QueueLeft{Call: c.id, Cause: acd.LeftKey})
		if c.wait != nil {
			c.commitWait(ctx, c.wait)
		}
	case err == nil:
		w.queued = true
		c.recordWait(w.event.Queue)
		if w.asked != 0 {
			c.placeKnown(ctx, w.asked)
		}
	case isRefused:
		c.log.Warn("queue refused the call", "queue", w.event.Queue, "err", refused)
		c.wait = nil
		if c.session == nil {
			c.end(endBy(acd.SideSwitch, 16, "full"))
			return
		}
		c.menu(ctx, ivr.QueueLeft{Cause: ivr.LeftFull})
	case time.Since(w.since) > offlineAfter && c.session != nil:
		c.log.Warn("cannot queue the call: the menu goes on without", "queue", w.event.Queue, "err", err)
		c.wait = nil
		c.sw.cfg.Queue.Post(acd.QueueLeft{Call: c.id, Cause: acd.LeftKey}) // it may get there yet
		c.menu(ctx, ivr.QueueLeft{Cause: ivr.LeftOffline})
	default:
		c.log.Warn("cannot queue the call yet", "queue", w.event.Queue, "err", err)
		c.after(retryQueue, func() {
			if c.wait == w && c.joining == nil {
				c.commitWait(ctx, w)
			}
		})
	}
}

// inQueue tells whether the log has the call in a queue.
func (c *Call) inQueue() (yes bool) {
	c.sw.cfg.Queue.Read(func(s *acd.State) {
		v, ok := s.Call(c.id)
		yes = ok && (v.Phase == acd.PhaseWaiting || v.Phase == acd.PhaseOffered)
	})
	return yes
}

// unqueue takes the call out because its caller pressed a key.
func (c *Call) unqueue() {
	w := c.wait
	c.wait = nil
	c.waitOver()
	c.dropOffers(CauseNormal())
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
	c.waitOver()
	if c.session == nil {
		c.end(endBy(acd.SideSwitch, 16, e.Cause.String()))
		return
	}
	c.menu(ctx, ivr.QueueLeft{Cause: e.Cause.String()})
}

// askPlace answers at once, or as soon as the log knows of the wait: it is
// asked for in the moment that the call joins.
func (c *Call) askPlace(ctx context.Context, id uint64) {
	w := c.wait
	if w == nil || w.queued {
		c.later(func() { c.placeKnown(ctx, id) })
		return
	}
	w.asked = id
	c.after(placeLimit, func() {
		if w.asked == id {
			c.placeKnown(ctx, id)
		}
	})
}

func (c *Call) placeKnown(ctx context.Context, id uint64) {
	if c.wait != nil && c.wait.asked == id {
		c.wait.asked = 0
	}
	in := ivr.PlaceKnown{ID: id}
	c.sw.cfg.Queue.Read(func(s *acd.State) {
		if p, ok := s.Place(c.id); ok {
			in.Position = p.Position
			in.Wait = ivr.WaitRange{
				Known: p.Known, Min: time.Duration(p.MinMinutes) * time.Minute, Max: time.Duration(p.MaxMinutes) * time.Minute,
			}
		}
	})
	c.menu(ctx, in)
}

// requestCallback asks the log for a call-back. If the call waits, the
// call-back takes its place and the wait ends with it.
func (c *Call) requestCallback(ctx context.Context, a ivr.RequestCallback) {
	number := a.Number
	if t, ok := c.gen.Trunks.Trunk(c.trunk); ok {
		number = t.Normalise(number)
	}
	ev := acd.CallbackRequested{
		Callback: newID(), Call: c.id, Node: c.sw.cfg.Node, Number: number, Queue: a.Queue, Requirement: a.Requirement,
		Tier: c.customer.Tier, Language: a.Language, Customer: c.customer, Attach: attributes(a.Attach),
		NotBefore: unixMilli(a.NotBefore), NotAfter: unixMilli(a.NotAfter), Generation: c.gen.Number,
	}
	if _, err := c.gen.Outward("", number); err != nil {
		c.log.Warn("call-back to a number that can't be called", "err", err)
		c.later(func() { c.menu(ctx, ivr.CallbackAnswer{ID: a.ID, Reason: acd.CodeNumber}) })
		return
	}
	c.beside(func() func() {
		_, _, err := c.sw.cfg.Queue.Propose(ctx, ev)
		return func() { c.callbackAnswered(ctx, a.ID, err) }
	})
}

func (c *Call) callbackAnswered(ctx context.Context, id uint64, err error) {
	in := ivr.CallbackAnswer{ID: id, OK: err == nil}
	if err != nil {
		in.Reason = "unavailable"
		if refused, ok := errors.AsType[*acd.RefusedError](err); ok && refused.Code != "" {
			in.Reason = refused.Code
		}
		c.log.Info("no call-back", "reason", in.Reason, "err", err)
		c.menu(ctx, in)
		return
	}
	if c.wait != nil { // the call-back has its place
		c.wait = nil
		c.waitOver()
		c.dropOffers(CauseNormal())
	}
	c.menu(ctx, in)
}

func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func attributes(in []ivr.Attribute) []acd.Attribute {
	out := make([]acd.Attribute, len(in))
	for i, a := range in {
		out[i] = acd.Attribute{Name: a.Name, Value: a.Value}
	}
	slices.SortFunc(out, func(a, b acd.Attribute) int { return strings.Compare(a.Name, b.Name) })
	return out
}
