package registrar

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// Suspect is an address that failed lately, as a whole or with one user.
type Suspect struct {
	Source   netip.Prefix // an IPv4 address, or the /64 of an IPv6 one
	User     string       // "" for the whole address
	Failures int          // towards a ban
	Last     time.Time    // failure
	Held     time.Time    // refused without a word until then, if not over
	Banned   time.Time    // refused openly until then, if not over
}

// Stats counts since the start.
type Stats struct {
	Failures uint64 // wrong credentials
	Bans     uint64 // begun
	Refused  uint64 // attempts in a ban
	Banned   int    // now
}

// Suspects lists who failed lately, the banned first, then the last to fail.
func (r *Registrar) Suspects() []Suspect {
	now := time.Now()
	var out []Suspect
	r.mu.Lock()
	for _, table := range []*strikes{r.sources, r.pairs} {
		for e := table.order.Front(); e != nil; e = e.Next() {
			if rec, ok := e.Value.(*record); ok && rec.alive(now) {
				out = append(out, rec.suspect(now))
			}
		}
	}
	r.mu.Unlock()
	slices.SortStableFunc(out, func(a, b Suspect) int {
		return cmp.Or(b.Banned.Compare(a.Banned), b.Last.Compare(a.Last), cmp.Compare(a.User, b.User))
	})
	return out
}

// alive tells whether a record still matters.
func (rec *record) alive(now time.Time) bool {
	return now.Before(rec.banned) || now.Sub(rec.recent[0]) <= forgetAfter
}

func (rec *record) suspect(now time.Time) Suspect {
	s := Suspect{Source: rec.key.from, User: rec.key.user, Failures: rec.count, Last: rec.recent[0]}
	if now.Before(rec.held) {
		s.Held = rec.held
	}
	if now.Before(rec.banned) {
		s.Banned = rec.banned
	}
	return s
}

// Lift forgets the failures of an address with a user, or with user "" those
// of the address and all users behind it. It tells whether there were any.
func (r *Registrar) Lift(from netip.Addr, user string) bool {
	key := pair(from.Unmap(), user)
	r.mu.Lock()
	defer r.mu.Unlock()
	lifted := r.pairs.forget(key)
	if user == "" {
		lifted = r.sources.forget(key) || lifted
		for other := range r.pairs.byKey {
			if other.from == key.from {
				lifted = r.pairs.forget(other) || lifted
			}
		}
	}
	if lifted {
		r.c.Logger.Info("ban lifted", "source", key.from, "user", user)
	}
	return lifted
}

// Stats returns the figures so far.
func (r *Registrar) Stats() Stats {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	for _, table := range []*strikes{r.sources, r.pairs} {
		for e := table.order.Front(); e != nil; e = e.Next() {
			if rec, ok := e.Value.(*record); ok && now.Before(rec.banned) {
				s.Banned++
			}
		}
	}
	return s
}
