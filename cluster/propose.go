package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tierline/acd"
)

// ErrNoQuorum says that an event can't be committed now: no leader, a disk
// that is full, or no answer in time. Its fate is unknown.
var ErrNoQuorum = errors.New("no quorum")

// ErrClosed says that the node has been closed.
var ErrClosed = errors.New("node is closed")

// errAgain is the outcome of an event that Raft took and the log's order kept
// out.
var errAgain = errors.New("an earlier event of this node is missing")

// postLimit is how many posted events may wait for the log. A call posts a
// handful in its life, and new calls are refused while the log can't be
// written, so it is far away; what comes after it is dropped, counted and
// logged as an error.
const postLimit = 1 << 16

// maxEvent is the size of the largest event, well below what a log file takes:
// the store's refusal would look like a broken disk.
const maxEvent = 24 << 20

// item is an event on its way into the log.
type item struct {
	kind  kind
	body  []byte
	seq   uint64 // 0: proposed on a node alone, or not sent yet
	after uint64 // proposed events of a node alone
	since time.Time
	sent  time.Time    // to Raft, the last time
	gone  atomic.Bool  // nobody waits for it any more
	done  chan outcome // proposed events only
}

func (it *item) posted() bool { return it.done == nil }

// proposer puts events into the log in the order they were given. One
// goroutine feeds Raft, one collects the answers; Raft commits together what
// arrives together.
//
// A posted event stays until it is in the log: if Raft loses leadership or
// can't write, the feeder stops, waits for all answers, and sends what is not
// settled again, in order. The sequence numbers make sure that what had got
// into the log after all is not applied twice.
type proposer struct {
	log     *slog.Logger
	route   *route
	origin  origin // Node and Start
	healthy func() error
	observe func(time.Duration)
	kinds   *kinds // nil: a node alone, which knows what it writes

	wake    chan struct{} // capacity 1: there may be something to send
	flights chan flight   // in the order of the log; its capacity is the window

	mu     sync.Mutex // guards what follows
	queue  []*item
	redo   []*item // posted events that failed, in order
	flying int
	broken bool // something failed: nothing is sent while something flies
	seq    uint64
	posts  int // posted events not yet in the log
	idle   chan struct{}
	closed bool

	landing atomic.Pointer[item] // whose answer is waited for

	count counters
}

// counters are what Stats reports of a proposer.
type counters struct {
	proposals, posts, refused, failed, again, dropped atomic.Uint64
}

const window = 1024

func (p *proposer) enqueue(it *item) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(it.body) > maxEvent:
		return fmt.Errorf("event of %d bytes is too large, the limit is %d", len(it.body), maxEvent)
	case p.closed:
		return fmt.Errorf("%w: %w", ErrNoQuorum, ErrClosed)
	case !it.posted():
		it.after = p.seq
	case p.posts == postLimit:
		return fmt.Errorf("more than %d events wait for the log", postLimit)
	default:
		p.posts++
	}
	if it.posted() && p.route.alone() {
		p.seq++
		it.seq = p.seq
	}
	p.queue = append(p.queue, it)
	nudge(p.wake)
	return nil
}

func (p *proposer) submit(ev acd.Event) (*item, error) {
	k, body, err := encodeEvent(ev)
	if err == nil {
		err = p.kinds.allow(k)
	}
	if err != nil {
		return nil, err
	}
	it := &item{kind: k, body: body, since: time.Now(), done: make(chan outcome, 1)}
	p.count.proposals.Add(1)
	return it, p.enqueue(it)
}

// propose waits until the event is applied or limit has passed.
func (p *proposer) propose(ctx context.Context, ev acd.Event, limit time.Duration) (acd.Result, uint64, error) {
	o := p.await(ctx, ev, limit)
	if errors.Is(o.err, ErrNoQuorum) {
		p.count.failed.Add(1)
	}
	return o.result, o.index, o.err
}

func (p *proposer) await(ctx context.Context, ev acd.Event, limit time.Duration) outcome {
	if err := p.healthy(); err != nil {
		return outcome{err: fmt.Errorf("%w: %w", ErrNoQuorum, err)}
	}
	it, err := p.submit(ev)
	if err != nil {
		return outcome{err: err}
	}
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case o := <-it.done:
		return o
	case <-ctx.Done():
		err = ctx.Err()
	case <-t.C:
		err = fmt.Errorf("%w: not committed within %v", ErrNoQuorum, limit)
	}
	it.gone.Store(true)
	return outcome{err: err}
}

// post is propose without waiting. It never blocks.
func (p *proposer) post(ev acd.Event) {
	p.count.posts.Add(1)
	k, body, err := encodeEvent(ev)
	if err == nil {
		err = p.kinds.allow(k)
	}
	if err == nil {
		err = p.enqueue(&item{kind: k, body: body, since: time.Now()})
	}
	if err != nil {
		p.count.dropped.Add(1)
		p.log.Error("event dropped", "event", fmt.Sprintf("%T", ev), "err", err)
	}
}

// feed gives queued events to Raft until ctx ends.
func (p *proposer) feed(ctx context.Context) {
	for {
		it := p.next(p.route.ready(ctx))
		if it == nil {
			p.route.flush()
			if !p.waitForWork(ctx) {
				return
			}
			continue
		}
		o := p.origin
		if o.Seq = it.seq; o.Seq == 0 {
			o.After = it.after
		}
		it.sent = time.Now()
		p.flights <- flight{it, p.route.send(o, it.kind, it.body)}
	}
}

// retryPause is how often the feeder looks whether Raft leads again; nothing
// tells it when it does.
const retryPause = 50 * time.Millisecond

func (p *proposer) waitForWork(ctx context.Context) bool {
	p.mu.Lock()
	waiting := len(p.queue) > 0
	p.mu.Unlock()
	var retry <-chan time.Time
	if waiting {
		t := time.NewTimer(retryPause)
		defer t.Stop()
		retry = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-p.wake:
	case <-retry:
	}
	return true
}

// next takes the next event to send, nil if there is none or it must wait.
// nowhere says why nothing can be sent. A node alone then refuses what somebody
// waits for; a member of several waits for a new leader, which takes a moment.
func (p *proposer) next(nowhere error) *item {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken {
		return nil
	}
	if nowhere != nil {
		if p.route.alone() {
			p.refuseProposals(nowhere)
		}
		return nil
	}
	for len(p.queue) > 0 {
		it := p.queue[0]
		p.queue[0] = nil
		p.queue = p.queue[1:]
		switch {
		case !it.gone.Load():
		case it.seq == 0:
			continue
		default:
			it.blank()
		}
		if it.seq == 0 && !p.route.alone() && it.kind != 0 {
			// From here on it is sent until it is in the log: a leader that fails
			// takes nothing with it, and nobody has to guess.
			p.seq++
			it.seq = p.seq
		}
		p.flying++
		return it
	}
	return nil
}

// blank makes an event that nobody waits for any more one that the core refuses:
// its number would be missed, and keep out all that stands behind it.
func (it *item) blank() {
	if k, body, err := encodeEvent(acd.NodeReady{}); err == nil {
		it.kind, it.body = k, body
	}
}

// refuseProposals answers those who wait; posted events stay.
func (p *proposer) refuseProposals(why error) {
	kept := p.queue[:0]
	for _, it := range p.queue {
		if it.posted() {
			kept = append(kept, it)
			continue
		}
		it.done <- outcome{err: fmt.Errorf("%w: %w", ErrNoQuorum, why)}
	}
	clear(p.queue[len(kept):])
	p.queue = kept
}

// waiting returns how many posted events are not yet in the log.
func (p *proposer) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.posts
}

// oldest says how long the first of the events that Raft has has been there.
func (p *proposer) oldest() time.Duration {
	it := p.landing.Load()
	if it == nil {
		return 0
	}
	return time.Since(it.sent)
}

// drain takes no more events and waits for the posted ones.
func (p *proposer) drain(limit time.Duration) {
	p.mu.Lock()
	p.closed = true
	idle := make(chan struct{})
	if p.posts == 0 {
		close(idle)
	} else {
		p.idle = idle
	}
	p.mu.Unlock()
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-idle:
	case <-t.C:
		p.log.Error("posted events are lost", "count", p.waiting())
	}
}

// abandon answers everybody who still waits.
func (p *proposer) abandon() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.refuseProposals(ErrClosed)
}
