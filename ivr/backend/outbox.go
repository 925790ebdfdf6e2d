package backend

import (
	"context"
	crand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"tierline/ivr"
)

// Limits of messages that a channel didn't take at once.
const (
	maxMessages   = 1000
	messageLife   = 10 * time.Minute
	messageAnswer = 500 * time.Millisecond // a flow is told after that, come what may
)

// message is one that its channel is to take.
type message struct {
	channel ivr.Channel
	request ivr.Request
	until   time.Time // then it is given up
}

// outbox sends messages. One that a channel can't take now is tried again in
// the background, in memory only.
type outbox struct {
	b     *Backend
	hurry chan struct{} // closed: the last try is now

	mu      sync.Mutex // guards all below
	hurried bool
	waiting int
	lost    uint64
}

func newOutbox(b *Backend) *outbox { return &outbox{b: b, hurry: make(chan struct{})} }

// Notify gives a message to a channel. It returns as soon as the channel has
// taken or refused it, at the latest after half a second: then, and after a
// failure that may pass, it is tried again in the background. The message goes
// out although the caller hangs up.
func (b *Backend) Notify(ctx context.Context, c ivr.Channel, n ivr.Notify) ivr.Notified {
	out := ivr.Notified{ID: n.ID}
	known := c.Name != "" && n.To != "" && (c.Templates == nil || slices.Contains(c.Templates, n.Template))
	s := b.sources[c.Source.Name]
	if !known || s == nil {
		b.observe(Observation{Source: b.label(c.Source.Name), Channel: c.Name, Outcome: Unknown})
		return out
	}
	m := message{channel: c, until: time.Now().Add(messageLife), request: ivr.Request{
		Method: http.MethodPost, Path: c.Path, Idempotency: crand.Text(), Body: []ivr.Field{
			{Name: "channel", Value: c.Name},
			{Name: "to", Value: n.To},
			{Name: "template", Value: n.Template},
			{Name: "language", Value: n.Language},
			{Name: "data", Value: n.Data},
		},
	}}
	sending, done, ok := b.begin(context.WithoutCancel(ctx))
	if !ok {
		return out
	}
	taken := make(chan bool, 1)
	go func() {
		defer done()
		taken <- b.outbox.first(sending, s, m)
	}()
	soon := time.NewTimer(messageAnswer)
	defer soon.Stop()
	select {
	case out.OK = <-taken:
	case <-soon.C:
		out.OK = true // what becomes of it is the outbox's business
	}
	return out
}

// first sends a message for the first time. It tells whether the channel or
// the queue has taken it.
func (o *outbox) first(ctx context.Context, s *source, m message) bool {
	r := o.send(ctx, s, m)
	if r.outcome == OK {
		return true
	}
	return transient(r) && o.keep(s, m)
}

// send tries once.
func (o *outbox) send(ctx context.Context, s *source, m message) result {
	began := time.Now()
	r := s.try(ctx, m.channel.Source, m.request)
	if r.job != "" { // taken, and worked on
		r = result{outcome: OK}
	}
	outcome := r.outcome
	if outcome != OK {
		s.quiet.warn(s.log, r)
		if transient(r) {
			outcome = Queued
		}
	}
	o.b.observe(Observation{Source: s.name, Channel: m.channel.Name, Outcome: outcome, Took: time.Since(began)})
	return r
}

// transient tells whether a failure may pass.
func transient(r result) bool {
	return r.again || r.outcome == Open || r.outcome == Busy || r.outcome == Cancelled
}

// keep tries a message again and again in the background; the caller holds the
// backend open. It tells whether there was room.
func (o *outbox) keep(s *source, m message) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting >= maxMessages {
		o.lost++
		return false
	}
	o.waiting++
	o.b.busy.Go(func() { o.again(s, m) })
	return true
}

func (o *outbox) again(s *source, m message) {
	taken := false
	defer func() { o.leave(s, m, taken, recover()) }()
	for try := 0; ; try++ {
		last := o.pause(try)
		r := o.send(o.b.root, s, m)
		if taken = r.outcome == OK; taken || last || !transient(r) || time.Now().After(m.until) {
			return
		}
	}
}

// pause waits before a try. It tells whether the next one is the last, because
// the node stops.
func (o *outbox) pause(try int) (last bool) {
	d := min(time.Second<<min(try, 10), time.Minute)
	t := time.NewTimer(d/2 + rand.N(d/2)) //nolint:gosec // jitter
	defer t.Stop()
	select {
	case <-t.C:
		return false
	case <-o.hurry:
		return true
	}
}

// leave takes a message out of the queue.
func (o *outbox) leave(s *source, m message, taken bool, fault any) {
	o.mu.Lock()
	o.waiting--
	if !taken {
		o.lost++
	}
	o.mu.Unlock()
	if fault != nil {
		s.log.Error("message failed", "channel", m.channel.Name, "panic", fmt.Sprintf("%T", fault))
	}
	if !taken {
		s.log.Warn("message is given up", "channel", m.channel.Name, "template", template(m))
		o.b.observe(Observation{Source: s.name, Channel: m.channel.Name, Outcome: Lost})
	}
}

// template is safe to tell: it stands in the documents.
func template(m message) string {
	for _, f := range m.request.Body {
		if text, ok := f.Value.(string); ok && f.Name == "template" {
			return text
		}
	}
	return ""
}

// drain has every message that waits tried once more, now.
func (o *outbox) drain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.hurried {
		o.hurried = true
		close(o.hurry)
	}
}

func (o *outbox) stats() (waiting int, lost uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.waiting, o.lost
}
