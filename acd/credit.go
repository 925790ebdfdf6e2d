package acd

import (
	"slices"

	"tierline/routing/rank"
)

const (
	// resumeWithin is how long a caller who was cut off may take to call again.
	resumeWithin = 60_000 // ms
	// maxLost bounds how many places are remembered for such callers.
	maxLost = 4096
	// maxCredit bounds what an event may grant.
	maxCredit = 24 * 3_600_000 // ms
	// maxBand bounds a supervisor's move, so that a band is a word and no sum.
	maxBand = 100
)

// lostPlace is the place of a caller whom the switch has cut off.
type lostPlace struct {
	number, customer string
	band, since      int64 // of the key
	until            int64 // log time
}

// remember keeps the place of a call that the switch ends while the caller
// waits or talks.
func (s *State) remember(c *call) {
	if c.number() == "" && c.customer.ID == "" {
		return
	}
	s.forgetLost()
	if len(s.lost) == maxLost {
		s.lost = slices.Delete(s.lost, 0, 1)
	}
	s.lost = append(s.lost, lostPlace{
		number: c.number(), customer: c.customer.ID, band: c.place.Key.Band, since: c.place.Key.Since,
		until: s.now + resumeWithin,
	})
}

// forgetLost drops what is too old; until never falls along the list.
func (s *State) forgetLost() {
	i := 0
	for i < len(s.lost) && s.lost[i].until < s.now {
		i++
	}
	s.lost = slices.Delete(s.lost, 0, i)
}

// lostOf finds the place a caller had when he was cut off; -1 if there is none.
// If there are several, the latest is his.
func (s *State) lostOf(c *call) int {
	for i, p := range slices.Backward(s.lost) {
		if p.until < s.now {
			break
		}
		if p.customer != "" && p.customer == c.customer.ID || p.number != "" && p.number == c.from {
			return i
		}
	}
	return -1
}

// credited decides what place a call brings along: its time of joining and
// band, and the word for why.
func (s *State) credited(c *call, ev CallQueued) (since, band int64, cause string) {
	since = s.now
	if ev.Credit > 0 {
		since, cause = s.now-ev.Credit, "credit"
	}
	if last := c.place.Key; ev.Keep && last.Index != 0 && last.Since <= since {
		since, band, cause = last.Since, last.Band, "kept"
	}
	if i := s.lostOf(c); i >= 0 && s.lost[i].since <= since {
		since, band, cause = s.lost[i].since, s.lost[i].band, "cut_off"
	}
	if b := s.callbackOf(c); b != nil && b.place.Key.Since <= since {
		since, band, cause = b.place.Key.Since, b.place.Key.Band, "callback"
	}
	return since, band, cause
}

// lineUp gives a call the key of a new wait.
func (s *State) lineUp(c *call, ev CallQueued, index uint64, r *Result) (cause string) {
	since, band, cause := s.credited(c, ev)
	if i := s.lostOf(c); i >= 0 { // it is given back once
		s.lost = slices.Delete(s.lost, i, i+1)
	}
	s.forgetLost()
	if b := s.callbackOf(c); b != nil { // he is there himself
		s.closeCallback(b, ending{cause: CallbackObsolete, origin: c.id}, r)
	}
	c.credit = s.now - since
	c.place = rank.Call{Key: s.key(c, since, band, index)}
	return cause
}

// key is the place of a call that joins its queue as if it had at a given time.
func (s *State) key(c *call, since, band int64, index uint64) rank.Key {
	return rank.Key{
		Band: band, Deadline: since - s.headStart(c.queue, c.tier), Since: since, Tier: c.tier, Index: index,
	}
}

func (s *State) callMoved(ev CallMoved, r *Result) error {
	c := s.calls[ev.Call]
	switch {
	case c == nil:
		return refuse(ev, "no such call")
	case !c.inQueue():
		return refuse(ev, "call is in no queue")
	case ev.Band < -maxBand || ev.Band > maxBand:
		return refuse(ev, "band %d is not within ±%d", ev.Band, maxBand)
	case ev.Band == c.place.Key.Band:
		return nil
	}
	if c.phase == PhaseWaiting {
		s.board.Dequeue(&c.place)
		defer s.board.Enqueue(&c.place)
	}
	c.place.Key.Band = ev.Band
	r.Facts = append(r.Facts, Fact{
		Kind: FactCallMoved, Call: c.id, Queue: c.queue.Name, Tier: tierOf(c), Customer: c.customer.ID, Node: c.node,
		By: ev.By, Band: ev.Band, WaitMS: s.now - c.queuedAt,
	})
	return nil
}
