package acd

import (
	"fmt"

	"tierline/routing"
	"tierline/routing/rank"
)

// Place is how long a call will wait, as far as anybody can tell.
type Place struct {
	Position   int   `json:"position"` // among the calls that compete for the same agents; 1 is next
	Known      bool  `json:"known"`    // false: there is nothing to go by
	EstimateMS int64 `json:"estimate_ms,omitempty"`

	// The estimate as it may be announced, in minutes: from Min to Max, or, with
	// Min 0, less than Max.
	MinMinutes int `json:"min_minutes,omitempty"`
	MaxMinutes int `json:"max_minutes,omitempty"`
}

// staffMarks are the agents who count as able to serve: who works, also those in
// wrap-up or with a call, but not those who are away.
const staffMarks = 1<<AgentReady | 1<<AgentReserved | 1<<AgentAlerting | 1<<AgentTalking | 1<<AgentWrapUp |
	1<<markBackOff

// Place tells how long a call that waits will go on waiting; false if it is in
// no queue. What it costs doesn't depend on how many calls wait.
func (s *State) Place(id string) (Place, bool) {
	c := s.calls[id]
	if c == nil || !c.inQueue() {
		return Place{}, false
	}
	return s.placeOf(c), true
}

// Estimate tells how long the call of an event would wait if it were queued as
// the event says, now; false if the event would be refused.
func (s *State) Estimate(ev CallQueued) (Place, bool) {
	c, ok := s.suppose(ev, call{})
	if !ok {
		return Place{}, false
	}
	return s.placeOf(c), true
}

// TooLong reports whether the queue wants no call that will wait as long as the
// estimate: its max_estimate. The owner of the call then queues it as refused
// with LeftLong.
func (s *State) TooLong(ev CallQueued) bool {
	c, ok := s.suppose(ev, call{})
	if !ok || c.queue.MaxEstimate == 0 {
		return false
	}
	p := s.placeOf(c)
	return p.Known && p.EstimateMS > c.queue.MaxEstimate
}

// suppose makes the call that an event would put into a queue, if it isn't
// there yet from what else is known of it. Nothing changes.
func (s *State) suppose(ev CallQueued, as call) (*call, bool) {
	if s.current() == nil || ev.Tier >= routing.TierCount {
		return nil, false
	}
	c := &as
	c.generation = s.current()
	if known := s.calls[ev.Call]; known != nil {
		*c = *known
	}
	if c.queue = c.generation.queue(ev.Queue); c.queue == nil {
		return nil, false
	}
	c.tier, c.need, c.queuedAt, c.chances = ev.Tier, ev.Requirement, s.now, chances{preferred: ev.Preferred}
	if ev.Preferred == "" && ev.PreferLast {
		c.preferred = s.lastAgent(c)
	}
	since, band, _ := s.credited(c, ev)
	c.credit = s.now - since
	c.place = rank.Call{ID: c.id, Key: s.key(c, since, band, ^uint64(0))}
	for _, step := range c.queue.Steps {
		if since+step.After <= s.now {
			c.reached++
		}
	}
	need, err := s.demand(c, c.reached)
	c.place.Requirement, c.place.Preferred = need, c.preferred
	c.place.Fit, c.place.Specialist = c.queue.Fit, c.queue.PreserveGeneralists
	return c, err == nil
}

// demand is what a call asks of agents after so many steps.
func (s *State) demand(c *call, steps int) (*rank.Requirement, error) {
	text := c.queue.Requirement
	if steps > 0 {
		text = c.queue.Steps[steps-1].Requirement
	}
	need, err := s.board.Known(text, c.need)
	if err != nil {
		return nil, fmt.Errorf("step %d: %w", steps, err)
	}
	return need, nil
}
