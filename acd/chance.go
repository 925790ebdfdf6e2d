package acd

import (
	"errors"
	"fmt"

	"tierline/routing/rank"
)

// What is wrong with a step.
var (
	errOrder    = errors.New("it must come later than the one before")
	errStronger = errors.New("somebody who could take a call before it couldn't any more")
)

func stepError(i int, err error) error { return fmt.Errorf("step %d: %w", i+1, err) }

// chances is what decides, beside the key, who may be offered a call, and what
// changes while it waits. Each change only lets more agents come into question.
type chances struct {
	reached     int    // steps of the queue that lie behind
	preferred   string // agent who comes first
	keptUntil   int64  // until then nobody else is asked; 0 = everybody is
	yieldsUntil int64  // until then it leaves Config.KeepIdle agents to others; 0 = it doesn't
}

// openChances begins a wait: the key is set.
func (s *State) openChances(c *call, ev CallQueued) {
	config := &s.current().config
	c.chances = chances{preferred: ev.Preferred}
	if config.KeepIdle[c.tier] > 0 {
		c.yieldsUntil = c.place.Key.Since + config.KeepIdleFor[c.tier]
	}
	s.widen(c, nil)
	a := s.agents[ev.Preferred]
	if a == nil || ev.PreferredFor == 0 || a.gone || a.state == AgentSignedOut || a.state == AgentUnreachable {
		return
	}
	if _, able := c.place.Requirement.Able(a.config.Skills); able {
		c.keptUntil = s.now + ev.PreferredFor
		c.place.Only = true
	}
}

// nextChance returns when the next change is due, 0 if none is.
func (c *call) nextChance() (at int64) {
	if c.queue != nil && c.reached < len(c.queue.Steps) {
		at = c.place.Key.Since + c.queue.Steps[c.reached].After
	}
	for _, until := range []int64{c.keptUntil, c.yieldsUntil} {
		if until != 0 && (at == 0 || until < at) {
			at = until
		}
	}
	return at
}

// widen brings the chances of a call that isn't on the board up to date; facts
// go to r, unless it is nil.
func (s *State) widen(c *call, r *Result) {
	steps := c.queue.Steps
	before := c.reached
	for c.reached < len(steps) && c.place.Key.Since+steps[c.reached].After <= s.now {
		c.reached++
	}
	if c.keptUntil <= s.now {
		c.keptUntil = 0
	}
	if c.yieldsUntil <= s.now {
		c.yieldsUntil = 0
	}
	if err := s.settle(c); err != nil {
		panic(err) // all requirements have been read before
	}
	if c.reached > before && r != nil {
		r.Facts = append(r.Facts, Fact{
			Kind: FactCallRelaxed, Call: c.id, Queue: c.queue.Name, Tier: tierOf(c), Customer: c.customer.ID, Node: c.node,
			Reason: c.place.Requirement.String(), WaitMS: s.now - c.queuedAt,
		})
	}
}

// settle tells the board's side of a call what its chances are.
func (s *State) settle(c *call) error {
	need, err := s.board.Require(c.queue.Requirement, c.need)
	for i := 0; i < c.reached && err == nil; i++ {
		var to *rank.Requirement
		if to, err = s.board.Require(c.queue.Steps[i].Requirement, c.need); err == nil {
			need = s.board.Relax(need, to)
		}
	}
	if err != nil {
		return err
	}
	p := &c.place
	p.ID, p.Fit, p.Specialist = c.id, c.queue.Fit, c.queue.PreserveGeneralists
	p.Requirement, p.Preferred, p.Group = need, c.preferred, c.queue.RingGroup
	p.Only, p.Yields = c.keptUntil != 0, c.yieldsUntil != 0
	return nil
}

// again puts a waiting call back with better chances.
func (s *State) again(c *call, r *Result) {
	s.unwait(c)
	s.widen(c, r)
	s.wait(c)
}

// back puts an offered call back at its place.
func (s *State) back(c *call, r *Result) {
	s.widen(c, r)
	s.wait(c)
}

// letGo gives the calls that are kept for an agent to everybody.
func (s *State) letGo(a *agent, r *Result) {
	for _, kept := range s.board.Kept(&a.seat) {
		c := s.calls[kept.ID]
		s.unwait(c)
		c.keptUntil = 0
		s.widen(c, r)
		s.wait(c)
	}
}

// checkSteps refuses steps that don't come one after the other or would take
// somebody out of the question.
func (q *QueueConfig) checkSteps() error {
	need, err := rank.Parse(q.Requirement)
	if err != nil {
		return err
	}
	for i, step := range q.Steps {
		to, err := rank.Parse(step.Requirement)
		if err != nil {
			return stepError(i, err)
		}
		after := int64(0)
		if i > 0 {
			after = q.Steps[i-1].After
		}
		if step.After <= after {
			return stepError(i, errOrder)
		}
		switch weaker, err := need.Implies(to); {
		case err != nil:
			return stepError(i, err)
		case !weaker:
			return stepError(i, errStronger)
		}
		need = to
	}
	return nil
}
