package cluster

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tierline/acd"
)

// decider asks the core what to do next, on the leader, after each change and
// whenever something expires, and puts the answer into the log.
type decider struct {
	log      *slog.Logger
	clock    *clock
	fsm      *fsm
	proposer *proposer
	leading  func() bool
	decide   func(s *acd.State, at int64) []acd.Event
	limit    time.Duration // for one decision to be committed
	wake     chan struct{} // capacity 1: the state or the leadership changed

	pause time.Duration // after decisions that changed nothing
}

// Pauses after decisions of which none was accepted. They keep a core that
// insists on a refused decision from filling the log.
const (
	firstRefusal = 10 * time.Millisecond
	lastRefusal  = time.Second
)

func (d *decider) run(ctx context.Context) {
	for ctx.Err() == nil {
		events, due, ok := d.ask()
		switch {
		case len(events) > 0 && d.commit(ctx, events):
			d.pause = 0
		case len(events) > 0:
			d.pause = min(max(firstRefusal, 2*d.pause), lastRefusal)
			d.sleep(ctx, d.pause)
		case ok:
			d.waitUntil(ctx, due)
		default:
			d.wait(ctx, nil)
		}
	}
}

// ask returns what the core wants to be written, or when to ask again.
func (d *decider) ask() (events []acd.Event, due int64, ok bool) {
	if !d.leading() {
		return nil, 0, false
	}
	d.fsm.read(func(s *acd.State) {
		events = d.decide(s, d.clock.now())
		due, ok = s.NextDue()
	})
	return events, due, ok
}

// commit proposes all decisions at once and says whether any was accepted.
func (d *decider) commit(ctx context.Context, events []acd.Event) bool {
	var accepted bool
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	items := make([]*item, 0, len(events))
	for _, ev := range events {
		it, err := d.proposer.submit(ev)
		if err != nil {
			d.log.Warn("decision not proposed", "err", err)
			break
		}
		items = append(items, it)
	}
	for _, it := range items {
		select {
		case o := <-it.done:
			accepted = accepted || o.err == nil
			d.report(o.err)
		case <-ctx.Done():
			it.gone.Store(true)
		}
	}
	return accepted
}

// report notes a refusal: between Decide and Apply the world may change (a
// caller hangs up), so one is ordinary and many are not.
func (d *decider) report(err error) {
	var refused *acd.RefusedError
	switch {
	case err == nil:
	case errors.As(err, &refused) && d.pause < lastRefusal/4:
		d.log.Debug("decision refused", "err", err)
	default:
		d.log.Warn("decision had no effect", "err", err, "pause", d.pause)
	}
}

func (d *decider) waitUntil(ctx context.Context, due int64) {
	left := time.Duration(due-d.clock.now()) * time.Millisecond
	if left <= 0 {
		left = firstRefusal // due, and yet nothing was decided
	}
	t := time.NewTimer(left)
	defer t.Stop()
	d.wait(ctx, t.C)
}

func (d *decider) wait(ctx context.Context, timer <-chan time.Time) {
	select {
	case <-ctx.Done():
	case <-d.wake:
	case <-timer:
	}
}

func (d *decider) sleep(ctx context.Context, pause time.Duration) {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
