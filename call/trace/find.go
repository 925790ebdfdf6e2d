package trace

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Call is what is known of a call.
type Call struct {
	ID       string // "": no call has claimed the leg
	From, To string
	Began    time.Time
	Ended    bool
	Legs     []Leg
	Entries  []Entry // in order
	Dropped  int     // entries that are missing
}

// Found is what a search found: the newest that fits, and which others do.
type Found struct {
	Call
	Others []Call // without entries, the newest first
}

const (
	maxOthers  = 20
	shortestID = 6 // of the beginning of a call's id

	shortestNumber = 7 // of the end of a number
)

// Find returns the call that is meant: by its id or the beginning of it, by the
// Call-ID of one of its legs, or by a number, the caller's or the called one or
// an agent's. Entries up to after are left out.
func (s *Store) Find(what string, after uint64) (Found, bool) {
	if s == nil || what == "" {
		return Found{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.match(what)
	if len(all) == 0 {
		return Found{}, false
	}
	out := Found{Call: all[0].view()}
	for i := range all[0].entries {
		if all[0].entries[i].seq > after {
			e := all[0].whole(i)
			out.Entries = append(out.Entries, e.entry())
		}
	}
	slices.SortStableFunc(out.Entries, func(a, b Entry) int { return a.At.Compare(b.At) })
	for _, r := range all[1:min(len(all), maxOthers+1)] {
		out.Others = append(out.Others, r.view())
	}
	return out, true
}

func (s *Store) match(what string) []*record {
	if r := s.calls[what]; r != nil {
		return []*record{r}
	}
	if r := s.legs[what]; r != nil {
		return []*record{r}
	}
	var byID, byNumber []*record
	look := func(r *record) {
		if r.id != "" && len(what) >= shortestID && strings.HasPrefix(r.id, what) {
			byID = append(byID, r)
		}
		if r.has(what) {
			byNumber = append(byNumber, r)
		}
	}
	seen := map[*record]bool{}
	for _, r := range s.calls {
		look(r)
	}
	for _, r := range s.legs {
		if r.id == "" && !seen[r] {
			seen[r] = true
			look(r)
		}
	}
	all := byNumber
	if len(all) == 0 {
		all = byID
	}
	slices.SortFunc(all, func(a, b *record) int {
		return cmp.Or(b.began.Compare(a.began), cmp.Compare(a.id, b.id))
	})
	return all
}

// has tells whether somebody with a number or name has part in the call.
func (r *record) has(who string) bool {
	return same(r.from, who) || same(r.to, who) ||
		slices.ContainsFunc(r.legs, func(l Leg) bool { return l.Name == who })
}

// same tells whether a number is meant, perhaps written without its prefixes.
func same(number, what string) bool {
	return number == what || len(what) >= shortestNumber && strings.HasSuffix(number, what)
}

// view copies what is known beside the entries.
func (r *record) view() Call {
	return Call{
		ID: r.id, From: r.from, To: r.to, Began: r.began, Ended: r.ended || r.id == "",
		Legs: slices.Clone(r.legs), Dropped: r.dropped,
	}
}
