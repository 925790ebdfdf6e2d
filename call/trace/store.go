package trace

import (
	"container/list"
	"slices"
	"sync"
	"time"
)

// Config bounds a Store.
type Config struct {
	Bytes     int // of all calls
	CallBytes int // of one
	Calls     int
	Collector *Collector // gets all messages too; nil: nobody does
	Now       func() time.Time
}

const (
	maxLoose = 512 // legs that no call has claimed
	head     = 24  // entries of a call that stay to the last
	maxLegs  = 64  // of a call: whoever is rung by one that waits for hours

	grow       = 8   // entries that a record makes room for at once
	recordSize = 500 // of a record beside its entries, more or less
)

// Store keeps traces.
type Store struct {
	c Config

	mu      sync.Mutex // guards what follows
	seq     uint64
	bytes   int
	calls   map[string]*record
	legs    map[string]*record // by Call-ID
	live    *list.List         // of *record, the oldest first
	over    *list.List         // the same of those that have ended
	loose   *list.List         // and of those that nobody has claimed
	evicted uint64             // calls
	dropped uint64             // entries of calls that are still there
}

// record is what is kept of one call, or of a leg without a call.
type record struct {
	id       string // "": nobody has claimed it
	from, to string
	began    time.Time
	ended    bool
	legs     []Leg
	entries  []packed
	bytes    int
	dropped  int
	last     []Sound // of the legs, what was told so far
	in       *list.List
	place    *list.Element
}

// New returns a store.
func New(c Config) *Store {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Store{
		c: c, calls: map[string]*record{}, legs: map[string]*record{},
		live: list.New(), over: list.New(), loose: list.New(),
	}
}

// Begin makes a call known, with its two numbers.
func (s *Store) Begin(call, from, to string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin(call, from, to)
	s.fit()
}

func (s *Store) begin(call, from, to string) *record {
	r := s.calls[call]
	if r == nil {
		r = &record{id: call, began: s.c.Now()}
		s.calls[call] = r
		s.enter(r, s.live)
		s.bytes += recordSize
	}
	if r.ended { // a call-back's next attempt
		r.ended = false
		s.enter(r, s.live)
	}
	if from != "" || to != "" {
		r.from, r.to = from, to
	}
	return r
}

func (s *Store) enter(r *record, in *list.List) {
	if r.in != nil {
		r.in.Remove(r.place)
	}
	r.in, r.place = in, in.PushBack(r)
}

// Claim says that a leg is a call's. What was seen of the leg before, the INVITE
// to begin with, is the call's from now on.
func (s *Store) Claim(call string, leg Leg) {
	if s == nil || leg.CallID == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.begin(call, "", "")
	was := s.legs[leg.CallID]
	if was == r {
		r.legs[r.leg(leg.CallID)] = leg
		return
	}
	if len(r.legs) >= maxLegs {
		return
	}
	at := len(r.legs)
	r.legs = append(r.legs, leg)
	s.legs[leg.CallID] = r
	if was == nil || was.id != "" {
		return
	}
	s.drop(was, s.loose)
	s.legs[leg.CallID] = r
	for i := range was.entries {
		e := was.whole(i)
		e.leg = int16(at) //nolint:gosec // maxLegs at most
		if when := time.Unix(0, e.at); when.Before(r.began) {
			r.began = when
		}
		s.put(r, e)
	}
}

// leg finds a leg of the record by its Call-ID; -1: there is none.
func (r *record) leg(callID string) int {
	for i := range r.legs {
		if r.legs[i].CallID == callID {
			return i
		}
	}
	return -1
}

// End says that a call is over: it may go when its memory is needed.
func (s *Store) End(call string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.calls[call]; r != nil && !r.ended {
		r.ended = true
		s.enter(r, s.over)
	}
}

// add packs an entry and adds it to a record. mu is held.
func (s *Store) add(r *record, e Entry) {
	s.seq++
	e.Seq = s.seq
	s.put(r, pack(&e))
}

// put adds an entry to a record. mu is held.
func (s *Store) put(r *record, e packed) {
	n := e.size()
	for s.c.CallBytes > 0 && r.bytes+n > s.c.CallBytes && len(r.entries) > 0 {
		s.thin(r)
	}
	r.shorten(&e) // by what is still there
	n = e.size()
	at := len(r.entries)
	for at > 0 && r.entries[at-1].seq > e.seq { // of a leg that was claimed late
		at--
	}
	if len(r.entries) == cap(r.entries) { // append would double it
		r.entries = append(make([]packed, 0, len(r.entries)+max(grow, len(r.entries)/4)), r.entries...)
	}
	r.entries = slices.Insert(r.entries, at, e)
	r.bytes += n
	s.bytes += n
	s.fit()
}

// thin takes the least valuable entry out of a record.
func (s *Store) thin(r *record) {
	victim := min(head, len(r.entries)-1)
	for r.needed(victim) { // the last one isn't
		victim++
	}
	for i := range r.entries {
		if r.entries[i].passing() {
			victim = i
			break
		}
	}
	n := r.entries[victim].size()
	r.entries = append(r.entries[:victim], r.entries[victim+1:]...)
	r.bytes -= n
	s.bytes -= n
	r.dropped++
	s.dropped++
}

// fit lets records go until the store keeps to its bounds. mu is held.
func (s *Store) fit() {
	for s.loose.Len() > maxLoose {
		s.dropFirst(s.loose)
	}
	for s.bytes > s.c.Bytes || len(s.calls) > s.c.Calls {
		switch {
		case s.bytes > s.c.Bytes && s.loose.Len() > 0 && s.over.Len() == 0:
			s.dropFirst(s.loose)
		case s.over.Len() > 0:
			s.evicted++
			s.dropFirst(s.over)
		case s.live.Len() > 1:
			s.evicted++
			s.dropFirst(s.live)
		default:
			return
		}
	}
}

func (s *Store) dropFirst(l *list.List) {
	if r, ok := l.Front().Value.(*record); ok {
		s.drop(r, l)
	}
}

// drop forgets a record.
func (s *Store) drop(r *record, l *list.List) {
	l.Remove(r.place)
	for _, leg := range r.legs {
		if s.legs[leg.CallID] == r {
			delete(s.legs, leg.CallID)
		}
	}
	s.bytes -= r.bytes
	if r.id != "" {
		delete(s.calls, r.id)
		s.bytes -= recordSize
	}
}

// Stats are the store's figures.
type Stats struct {
	Calls   int // kept, those that have ended included
	Bytes   int
	Evicted uint64 // calls that had to go
	Dropped uint64 // entries of calls that are still there
	Sent    uint64 // packets to the collector
	Lost    uint64 // packets that it didn't get
}

// Stats returns the figures so far.
func (s *Store) Stats() Stats {
	if s == nil {
		return Stats{}
	}
	s.mu.Lock()
	out := Stats{Calls: len(s.calls), Bytes: s.bytes, Evicted: s.evicted, Dropped: s.dropped}
	s.mu.Unlock()
	out.Sent, out.Lost = s.c.Collector.figures()
	return out
}
