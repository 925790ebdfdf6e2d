package acd

import (
	"maps"
	"slices"

	"tierline/routing"
	"tierline/routing/rank"
)

// placeOf finds a call's position and estimates how much longer it waits. Where
// its requirement will relax, the wait is that of the step that serves it
// first: with the agents of today, or from some moment on with more.
func (s *State) placeOf(c *call) Place {
	if c.phase == PhaseOffered {
		return Place{Position: 1, Known: true, MaxMinutes: 1}
	}
	contest := s.board.Contest(c.place.Requirement, staffMarks)
	ahead, _ := contest.Ahead(c.place.Key, s.now)
	p := Place{Position: ahead + 1}
	p.EstimateMS, p.Known = s.estimate(c, contest)
	for step := c.reached; step < len(c.queue.Steps); step++ {
		from := c.place.Key.Since + c.queue.Steps[step].After - s.now
		if p.Known && p.EstimateMS <= from {
			break
		}
		need, err := s.demand(c, step+1)
		if err != nil {
			break
		}
		if took, ok := s.estimate(c, s.board.Contest(need, staffMarks)); ok {
			took = max(took, from)
			if !p.Known || took < p.EstimateMS {
				p.EstimateMS, p.Known = took, true
			}
		}
	}
	if p.Known {
		p.MinMinutes, p.MaxMinutes = announced(p.EstimateMS)
	}
	return p
}

// announced rounds an estimate to a range that most waits are in: a quarter of
// it to either side, in whole minutes, and coarser where it is long.
func announced(ms int64) (from, to int) {
	const minute = 60_000
	low, high := ms-ms/4, ms+ms/4
	if high <= minute {
		return 0, 1
	}
	whole := int64(minute)
	switch {
	case ms > 60*minute:
		whole = 15 * minute
	case ms > 10*minute:
		whole = 5 * minute
	}
	return int(max(low/whole*whole/minute, 1)), int((high + whole - 1) / whole * whole / minute)
}

// estimate integrates how the line of those before a call drains; false if
// nothing tells.
func (s *State) estimate(c *call, contest *rank.Contest) (took int64, ok bool) {
	around := s.around(contest)
	if contest.Agents() == 0 || around.handling == 0 {
		return 0, false
	}
	key, now := c.place.Key, s.now
	drain := func(at int64, overtaken func(*backlog)) (int64, bool) {
		_, load := contest.Ahead(key, at)
		l := newBacklog(int64(load+rank.Whole-contest.Ready()*rank.Whole), around.served(contest.Agents()), around.leave())
		if key.Band >= 0 {
			overtaken(&l)
		}
		return l.drain()
	}
	if s.board.Order().Policy != PolicyRatio || key.Band != 0 {
		return drain(now, func(l *backlog) { s.overtakers(l, key, around) })
	}
	// Under ratio the order turns while the call waits: what is ahead of it is
	// what will be when it is served. From a first guess that comes closer.
	took, ok = drain(now, func(*backlog) {})
	for range 6 {
		if !ok {
			break
		}
		var next int64
		next, ok = drain(now+took, func(l *backlog) { s.overtakersInRatio(l, key, took, around) })
		took = (took + next) / 2
	}
	return took, ok
}

// surroundings is what has been measured of the queues whose calls compete for
// some agents.
type surroundings struct {
	handling       int64 // mean, in 1/paceUnit
	lost, exposure int64
	queues         []competitor
}

// competitor is a queue and the share of its calls that compete.
type competitor struct {
	*pace
	config *QueueConfig
	share  int64
}

// around collects the queues of the current generation that compete. The time
// for a conversation is the mean of theirs, by what each gives the agents to do.
func (s *State) around(contest *rank.Contest) (a surroundings) {
	var sum, weight int64
	for _, name := range slices.Sorted(maps.Keys(s.paces)) {
		p, q := s.paces[name], s.current().queue(name)
		if q == nil {
			continue
		}
		need, err := s.board.Known(q.Requirement, "")
		if err != nil {
			continue
		}
		share := int64(contest.Share(need))
		if share == 0 {
			continue
		}
		a.queues = append(a.queues, competitor{p, q, share})
		a.lost += p.lost
		a.exposure += p.exposure
		if p.taken == 0 {
			continue
		}
		calls := int64(paceUnit)
		for t := range routing.Tier(routing.TierCount) {
			calls += p.arrivals[t]
		}
		w := max(1, min(calls/16, 1<<14)*share/rank.Whole)
		sum += min(p.handling, longestMean) * w
		weight += w
	}
	if weight > 0 {
		a.handling = max(1, sum/weight)
	}
	return a
}

// longestMean keeps the weighted mean within 64 bits.
const longestMean = 1 << 40

func (a *surroundings) served(agents int) int64 {
	return int64(min(agents, 1<<20)) * rateUnit / max(a.handling/paceUnit, 1)
}

func (a *surroundings) leave() int64 {
	if a.lost == 0 {
		return 0
	}
	return min(a.lost, 1<<20) * rateUnit / max(a.exposure, 1)
}

// overtakers adds the calls that will arrive and go before a key. Those who
// arrive are in band 0.
func (s *State) overtakers(l *backlog, k rank.Key, a surroundings) {
	policy := s.board.Order().Policy
	for _, q := range a.queues {
		for t := range routing.Tier(routing.TierCount) {
			until := int64(0)
			switch {
			case k.Band > 0, policy == PolicyStrict && t > k.Tier:
				until = never
			case policy == PolicyDeadline:
				until = k.Deadline + s.headStart(q.config, t) - s.now
			}
			l.overtaken(until, q.rate(t, s.now, s.lookBack())*q.share/rank.Whole)
		}
	}
}

// overtakersInRatio adds the calls that will arrive and have waited more of
// their objective than the key has of its own, when that is served after took:
// (took − t)/o_i > (waited + took)/o_k.
func (s *State) overtakersInRatio(l *backlog, k rank.Key, took int64, a surroundings) {
	objective := s.board.Order().Objective
	own := objective[k.Tier]
	waited := s.now - k.Since + took
	for _, q := range a.queues {
		for t, o := range objective {
			if o < own && own > 0 {
				until := took - waited/own*o - waited%own*o/own
				l.overtaken(until, q.rate(routing.Tier(t), s.now, s.lookBack())*q.share/rank.Whole) //nolint:gosec // a tier
			}
		}
	}
}
