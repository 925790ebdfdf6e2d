package backend

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"tierline/ivr"
)

// asker asks once, within the context.
type asker interface {
	ask(ctx context.Context, policy ivr.Source, q ivr.Request) result
	close()
}

// source is one system, shared by all calls of the node.
type source struct {
	name    string
	asker   asker
	breaker breaker
	gate    gate
	safe    bool // no question changes anything there
	log     *slog.Logger
	quiet   quiet
}

// ask asks, again if that may help and does no harm, and follows a job to its
// end.
func (s *source) ask(ctx context.Context, policy ivr.Source, q ivr.Request) result {
	r := s.tries(ctx, policy, q)
	if r.job != "" {
		r = s.follow(ctx, policy, q, r)
	}
	if r.outcome.status() == ivr.LookupError && r.outcome != Cancelled {
		s.quiet.warn(s.log, r)
	}
	return r
}

func (s *source) tries(ctx context.Context, policy ivr.Source, q ivr.Request) result {
	more := policy.Retries
	if !s.harmless(q) {
		more = 0
	}
	for try := 0; ; try++ {
		r := s.try(ctx, policy, q)
		if !r.again || try >= more || r.after > policy.Timeout || ctx.Err() != nil {
			return r
		}
		pause := max(r.after, rand.N(longestPause(try))) //nolint:gosec // jitter
		if !sleep(ctx, pause) {
			return cancelled()
		}
	}
}

// harmless tells whether asking twice does the same as asking once.
func (s *source) harmless(q ivr.Request) bool {
	switch q.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return true
	}
	return q.Idempotency != "" || s.safe
}

// longestPause is the limit of the pause after a try; its length is by chance,
// so that a thousand calls don't come back at the same moment.
func longestPause(try int) time.Duration {
	return min(100*time.Millisecond<<min(try, 10), time.Second)
}

// try asks once. Waiting for one's turn counts.
func (s *source) try(parent context.Context, policy ivr.Source, q ivr.Request) result {
	ctx, cancel := context.WithTimeout(parent, policy.Timeout)
	defer cancel()
	in := s.gate.enter(ctx, policy.Concurrency)
	if in {
		defer s.gate.leave()
	}
	switch {
	case parent.Err() != nil:
		return cancelled()
	case !in || ctx.Err() != nil:
		return result{outcome: Busy, why: fmt.Sprintf("%d questions under way already", policy.Concurrency)}
	}
	allowed, probe := s.breaker.allow(policy.Breaker, time.Now())
	if !allowed {
		return result{outcome: Open, why: "not asked: it failed too often"}
	}
	r := result{outcome: Failed, why: "internal fault"} // if ask panics
	defer func() { s.verdict(policy, probe, r) }()
	r = s.asker.ask(ctx, policy, q)
	if r.outcome.status() == ivr.LookupError && parent.Err() != nil {
		r = cancelled()
	} else if r.outcome.status() == ivr.LookupError && ctx.Err() != nil {
		r = result{outcome: Timeout, why: fmt.Sprintf("no answer within %v", policy.Timeout), again: true, blame: true}
	}
	return r
}

func cancelled() result { return result{outcome: Cancelled, why: "nobody waits any more"} }

// verdict tells the breaker how a try went.
func (s *source) verdict(policy ivr.Source, probe bool, r result) {
	if r.outcome == Cancelled {
		s.breaker.forget(probe)
		return
	}
	switch s.breaker.done(policy.Breaker, probe, !r.blame, time.Now()) {
	case opened:
		s.log.Warn("source is left alone: it failed too often", "for", policy.Breaker.Open, "why", r.why)
	case closed:
		s.log.Info("source works again")
	case unchanged:
	}
}

// follow asks for a job's result until there is one. A try that fails is no
// reason to give up before the time is over.
func (s *source) follow(ctx context.Context, policy ivr.Source, q ivr.Request, r result) result {
	end := time.Now().Add(policy.Poll.Max)
	for {
		pause := max(policy.Poll.Every, r.after)
		if time.Until(end) < pause {
			return result{outcome: Timeout, why: fmt.Sprintf("the job wasn't done after %v", policy.Poll.Max)}
		}
		if !sleep(ctx, pause) {
			return cancelled()
		}
		next := s.try(ctx, policy, ivr.Request{Method: http.MethodGet, Path: r.job, Secret: q.Secret})
		switch {
		case next.job != "":
			r = next
		case next.outcome == Open || next.outcome == Busy || next.again:
			r.after = next.after
		default:
			return next
		}
	}
}

// sleep waits, and tells whether it waited to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// quiet writes at most one line a second about the same source.
type quiet struct {
	mu     sync.Mutex
	last   time.Time
	unsaid int
}

func (q *quiet) warn(log *slog.Logger, r result) {
	q.mu.Lock()
	now := time.Now()
	if now.Sub(q.last) < time.Second {
		q.unsaid++
		q.mu.Unlock()
		return
	}
	unsaid := q.unsaid
	q.last, q.unsaid = now, 0
	q.mu.Unlock()
	log.Warn("source failed", "outcome", string(r.outcome), "why", r.why, "unsaid", unsaid)
}
