package acd

import (
	"maps"
	"slices"

	"tierline/routing"
)

const (
	// defaultLookBack is how far the rates of arrivals look back at least, and
	// half of how far they do at most.
	defaultLookBack = 15 * 60_000 // ms
	// paceUnit is what one call counts as, so that halving leaves something.
	paceUnit = 256
	// meanOver is how many conversations the mean time of one is taken over, and
	// half of how many lost calls tell how patient callers are.
	meanOver = 256
	// longestHandling bounds what one conversation can do to the mean.
	longestHandling = 1 << 40
	// longestExposure bounds the time waited that is remembered.
	longestExposure = 1 << 50
)

// pace is what has been measured of a queue: the rates that an estimate of its
// waits is made of. It is part of the replicated state, so that it survives a
// restart and is the same on every node.
type pace struct {
	queue string

	since    int64                    // log time since when arrivals are counted
	arrivals [routing.TierCount]int64 // in 1/paceUnit

	handling int64 // mean time of an agent for one conversation, in 1/paceUnit; 0: not known
	taken    int64 // conversations it is made of, up to meanOver

	exposure int64 // time that calls have waited, whatever became of them
	lost     int64 // how many of them left without an agent
}

// pace returns what is known of a queue.
func (s *State) pace(queue string) *pace {
	p := s.paces[queue]
	if p == nil {
		p = &pace{queue: queue, since: s.now}
		s.paces[queue] = p
	}
	return p
}

// lookBack is how long arrivals are remembered.
func (s *State) lookBack() int64 {
	if g := s.current(); g != nil && g.config.LookBack > 0 {
		return g.config.LookBack
	}
	return defaultLookBack
}

// joined counts an arrival.
func (s *State) joined(c *call) {
	p := s.pace(c.queue.Name)
	for span := s.now - p.since; span >= 2*s.lookBack(); span = s.now - p.since {
		p.since += span / 2
		for t := range p.arrivals {
			p.arrivals[t] /= 2
		}
	}
	p.arrivals[c.tier] += paceUnit
}

// waited notes how long a call has waited, and whether it was lost. Who waits
// for a call-back doesn't wait in this sense.
func (s *State) waited(c *call, lost bool) {
	if c.callback != nil {
		return
	}
	p := s.pace(c.queue.Name)
	p.exposure += s.now - c.queuedAt
	if lost {
		p.lost++
	}
	if p.lost >= 2*meanOver || p.exposure >= longestExposure {
		p.lost /= 2
		p.exposure /= 2
	}
}

// handled notes how long an agent had to do with a conversation, from the offer
// to the end of the work after it.
func (s *State) handled(queue string, took int64) {
	p := s.pace(queue)
	p.taken = min(p.taken+1, meanOver)
	p.handling += (min(took, longestHandling)*paceUnit - p.handling) / p.taken
}

// forgetPaces drops what was measured of queues that are no more.
func (s *State) forgetPaces() {
	for _, name := range slices.Sorted(maps.Keys(s.paces)) {
		if !slices.ContainsFunc(s.generations, func(g *generation) bool { return g.queue(name) != nil }) {
			delete(s.paces, name)
		}
	}
}

// rate returns how many calls of a tier arrive per unit of time, in 1/rateUnit.
func (p *pace) rate(t routing.Tier, now, lookBack int64) int64 {
	const most = 1 << 30 // arrivals in 1/paceUnit
	span := max(now-p.since, lookBack/4, 1)
	return min(p.arrivals[t], most) * (rateUnit / paceUnit) / span
}

func (p *pace) code(k *coder) {
	k.str(&p.queue)
	k.int(&p.since)
	k.byTier(&p.arrivals)
	k.int(&p.handling)
	k.int(&p.taken)
	k.int(&p.exposure)
	k.int(&p.lost)
}
