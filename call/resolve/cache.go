package resolve

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// How long answers are remembered.
const (
	leastLife  = time.Second      // whatever the record says
	mostLife   = time.Hour        // the same
	nothing    = 30 * time.Second // that there is no such record, if the answer names no time
	mostNot    = 5 * time.Minute  // the same, if it does
	failing    = 5 * time.Second  // that no server answers
	staleLife  = 24 * time.Hour   // a record past its time, while no server answers
	mostCached = 4096
)

type key struct {
	name string
	kind kind
}

// entry is what is known about a question. done is closed when it is answered;
// after that it isn't changed.
type entry struct {
	done    chan struct{}
	records []record
	err     error
	until   time.Time
	asked   time.Time
}

// ask answers a question from what is known, or from DNS.
func (r *Resolver) ask(ctx context.Context, name string, k kind) ([]record, error) {
	q := key{name, k}
	r.mu.Lock()
	e := r.cache[q]
	if e == nil || e.over(time.Now()) {
		old := e
		e = &entry{done: make(chan struct{})}
		r.room()
		r.cache[q] = e
		go r.fill(q, e, old) //nolint:contextcheck // whoever asks may leave; the answer is of use to the next
	}
	r.mu.Unlock()
	select {
	case <-e.done:
		return e.records, e.err
	case <-ctx.Done():
		return nil, ErrSilent
	}
}

// over says whether the question must be asked anew.
func (e *entry) over(now time.Time) bool {
	select {
	case <-e.done:
		return !now.Before(e.until)
	default:
		return false // it is being asked
	}
}

// fill asks. If no server answers, what was known before holds on.
func (r *Resolver) fill(q key, e, old *entry) {
	defer close(e.done)
	defer func() {
		if p := recover(); p != nil { // bytes from outside were read
			e.records, e.err, e.until = nil, ErrRefused, time.Now().Add(failing)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := r.consult(ctx, q)
	now := time.Now()
	e.asked = now
	switch {
	case err == nil:
		e.records, e.until = answer.records, now.Add(min(max(answer.life, leastLife), mostLife))
	case errors.Is(err, ErrNotFound):
		e.err, e.until = err, now.Add(min(max(answer.life, leastLife), mostNot))
	case old != nil && len(old.records) > 0 && now.Sub(old.asked) < staleLife:
		e.records, e.asked, e.until = old.records, old.asked, now.Add(failing)
	default:
		e.err, e.until = err, now.Add(failing)
	}
}

// room forgets what is over, and if that is too little anything. mu is held.
func (r *Resolver) room() {
	if len(r.cache) < mostCached {
		return
	}
	now := time.Now()
	for q, e := range r.cache {
		if e.over(now) {
			delete(r.cache, q)
		}
	}
	for q := range r.cache {
		if len(r.cache) < mostCached {
			return
		}
		delete(r.cache, q)
	}
}

// Rounds of questions: each server is asked this often, one after the other.
const (
	rounds   = 2
	each     = 1500 * time.Millisecond
	patience = 6 * time.Second // in all
)

// consult asks the servers until one gives an answer.
func (r *Resolver) consult(ctx context.Context, q key) (answer, error) {
	wrong := ErrSilent
	for range rounds {
		for _, s := range r.servers() {
			if ctx.Err() != nil {
				return answer{}, wrong
			}
			a, err := r.consultOne(ctx, s, q)
			if err == nil || errors.Is(err, ErrNotFound) {
				return a, err
			}
			wrong = err
		}
	}
	return answer{}, wrong
}

func (r *Resolver) consultOne(ctx context.Context, server netip.AddrPort, q key) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	id := uint16(r.intn(1 << 16)) //nolint:gosec // below 1<<16
	question, err := pack(id, q)
	if err != nil {
		return answer{}, ErrNotFound // no server knows a name that can't be written
	}
	b, err := r.exchange(ctx, server, question)
	if err != nil {
		return answer{}, ErrSilent
	}
	return unpack(b, id, q)
}
