package registrar

import (
	"container/list"
	"net/netip"
	"time"

	"tierline/acd"
)

// The rules against guessing: reference 3.1 asks for a back-off from three
// failures a minute on and a ban of ten minutes from ten on.
const (
	maxSuspects  = 4096 // of each kind; the one longest quiet is forgotten
	backOffAfter = 3
	backOffIn    = time.Minute
	backOffFirst = 10 * time.Second // doubles with each further failure
	backOffMost  = time.Minute
	banAfter     = 10
	banTime      = 10 * time.Minute
	forgetAfter  = 10 * time.Minute // without a failure the count starts again
)

// suspect names who failed: a source address, or one with a user.
type suspect struct {
	from netip.Prefix
	user string
}

// source is the whole of an IPv4 address, but the /64 of an IPv6 one: that is
// what one household or machine has.
func source(from netip.Addr) suspect {
	bits := from.BitLen()
	if from.Is6() {
		bits = 64
	}
	p, _ := from.WithZone("").Prefix(bits) // bits fit the address
	return suspect{from: p}
}

func pair(from netip.Addr, user string) suspect {
	s := source(from)
	s.user = user
	return s
}

// strikes is a table of at most maxSuspects suspects.
type strikes struct {
	byKey map[suspect]*list.Element
	order *list.List // of *record, last failure first
}

type record struct {
	key    suspect
	count  int
	recent [backOffAfter]time.Time // the last failures, newest first
	held   time.Time               // back-off until
	banned time.Time               // ban until
}

func newStrikes() *strikes {
	return &strikes{byKey: make(map[suspect]*list.Element), order: list.New()}
}

func (s *strikes) find(key suspect) *record {
	e, ok := s.byKey[key]
	if !ok {
		return nil
	}
	rec, _ := e.Value.(*record)
	return rec
}

// held tells whether attempts are refused without a word for now.
func (s *strikes) held(key suspect, now time.Time) bool {
	rec := s.find(key)
	return rec != nil && now.Before(rec.held)
}

// banned tells whether attempts are refused openly for now.
func (s *strikes) banned(key suspect, now time.Time) bool {
	rec := s.find(key)
	return rec != nil && now.Before(rec.banned)
}

// forget clears the record of somebody, and tells whether there was one.
func (s *strikes) forget(key suspect) bool {
	e, ok := s.byKey[key]
	if ok {
		s.order.Remove(e)
		delete(s.byKey, key)
	}
	return ok
}

// fail notes a failure and tells whether it began a ban.
func (s *strikes) fail(key suspect, now time.Time) (ban bool) {
	e, ok := s.byKey[key]
	if ok {
		s.order.MoveToFront(e)
	} else {
		if s.order.Len() >= maxSuspects {
			if old, isRecord := s.order.Remove(s.order.Back()).(*record); isRecord {
				delete(s.byKey, old.key)
			}
		}
		e = s.order.PushFront(&record{key: key})
		s.byKey[key] = e
	}
	rec, _ := e.Value.(*record)
	return rec.fail(now)
}

func (rec *record) fail(now time.Time) (ban bool) {
	if now.Sub(rec.recent[0]) > forgetAfter {
		rec.count = 0
	}
	rec.count++
	copy(rec.recent[1:], rec.recent[:])
	rec.recent[0] = now
	if rec.count >= banAfter {
		rec.banned, rec.held, rec.count = now.Add(banTime), time.Time{}, 0
		return true
	}
	if third := rec.recent[backOffAfter-1]; !third.IsZero() && now.Sub(third) <= backOffIn {
		rec.held = now.Add(min(backOffFirst<<max(rec.count-backOffAfter, 0), backOffMost))
	}
	return false
}

// strike notes a wrong password.
func (r *Registrar) strike(from netip.Addr, user string, now time.Time) {
	r.mu.Lock()
	pairBanned := r.pairs.fail(pair(from, user), now)
	sourceBanned := r.sources.fail(source(from), now)
	r.stats.Failures++
	for _, began := range []bool{pairBanned, sourceBanned} {
		if began {
			r.stats.Bans++
		}
	}
	r.mu.Unlock()
	if pairBanned || sourceBanned {
		r.c.Logger.Warn("banned after wrong passwords", "source", from, "user", user, "whole_source", sourceBanned)
	}
}

// banned tells whether credentials of user from this address are not looked at
// for now. A ban of the address spares agents whose phone is registered from
// it: one wrong password in an office must not take the others off the air.
func (r *Registrar) banned(from netip.Addr, user string, now time.Time) bool {
	r.mu.Lock()
	byPair := r.pairs.banned(pair(from, user), now)
	bySource := r.sources.banned(source(from), now)
	r.mu.Unlock()
	if !byPair && (!bySource || registeredFrom(r.c.Bindings.Of(user), from)) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Refused++
	return true
}

func registeredFrom(bindings []acd.Binding, from netip.Addr) bool {
	for _, b := range bindings {
		at, err := netip.ParseAddrPort(b.Received)
		if err == nil && at.Addr().Unmap() == from {
			return true
		}
	}
	return false
}
