package sim

import (
	"math"

	"tierline/routing"
)

// batches is how many parts of a run are compared with each other: the spread
// of their means tells how exact the mean of all is, although neighbouring
// waits are alike.
const batches = 30

// student is the quantile for 95 % of Student's distribution with batches−1
// degrees of freedom.
const student = 2.0452

// series is a mean that is taken batch by batch.
type series struct {
	sum, n [batches]float64
}

func (s *series) add(batch int, v float64) {
	s.sum[batch] += v
	s.n[batch]++
}

// mean returns the mean of all, and half the width of its 95 % interval: of a
// ratio of sums, since batches have different numbers of a tier's calls.
func (s *series) mean() (mean, half float64) {
	sum, n := 0.0, 0.0
	for b := range s.sum {
		sum += s.sum[b]
		n += s.n[b]
	}
	if n == 0 {
		return 0, 0
	}
	mean = sum / n
	square := 0.0
	for b := range s.sum {
		d := s.sum[b] - mean*s.n[b]
		square += d * d
	}
	return mean, student * math.Sqrt(square*batches/(batches-1)) / n
}

// group is calls that are counted together: a tier, a class, or all.
type group struct {
	offered, answered, abandoned int
	total                        int64 // of all waits: exact, so that runs can be compared
	max                          int64
	wait, waited, gone, level    series
	spread                       spread
}

func (g *group) add(batch int, wait int64, answered, inTime bool) {
	g.offered++
	g.total += wait
	g.max = max(g.max, wait)
	g.spread.add(wait)
	g.wait.add(batch, float64(wait)/second)
	g.waited.add(batch, one(wait > 0))
	g.gone.add(batch, one(!answered))
	g.level.add(batch, one(answered && inTime))
	if answered {
		g.answered++
	} else {
		g.abandoned++
	}
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// tally is what is noted during a run.
type tally struct {
	calls, agents int
	within        int64
	queues        []string // names by class

	all      group
	tiers    [routing.TierCount]group
	classes  []group
	overtake int64

	// Conversations by group of agents: how many there are, since when, and how
	// much they added up to while calls were counted.
	talking  []int64
	since    []int64
	talked   []int64
	from, to int64
	open     bool
}

func newTally(c *Centre, o Options) tally {
	t := tally{
		calls: o.Calls, agents: c.Agents(), within: int64(math.Round(o.Within * second)),
		classes: make([]group, len(c.Classes)), talking: make([]int64, len(c.Groups)),
		since: make([]int64, len(c.Groups)), talked: make([]int64, len(c.Groups)),
	}
	for i := range c.Classes {
		t.queues = append(t.queues, queueName(i))
	}
	return t
}

// begin and end are the first and the last arrival that count.
func (t *tally) begin(now int64) {
	for g := range t.since {
		t.since[g] = now
	}
	t.from, t.open = now, true
}

func (t *tally) end(now int64) {
	for g := range t.talking {
		t.flow(g, now, 0)
	}
	t.to, t.open = now, false
}

// batch tells to which part of the run the n-th counted call belongs.
func (t *tally) batch(n int) int { return n * batches / t.calls }

func (t *tally) taken(group int, now int64)    { t.flow(group, now, 1) }
func (t *tally) released(group int, now int64) { t.flow(group, now, -1) }

func (t *tally) flow(group int, now, change int64) {
	if t.open {
		t.talked[group] += t.talking[group] * (now - t.since[group])
	}
	t.since[group] = now
	t.talking[group] += change
}

func (t *tally) answered(c *caller, now, overtaken int64) {
	if c.batch == none {
		return
	}
	t.overtake = max(t.overtake, overtaken)
	t.add(c, now-c.arrived, true)
}

func (t *tally) left(c *caller, now int64) {
	if c.batch != none {
		t.add(c, now-c.arrived, false)
	}
}

func (t *tally) add(c *caller, wait int64, answered bool) {
	for _, g := range []*group{&t.all, &t.tiers[c.tier], &t.classes[c.class]} {
		g.add(c.batch, wait, answered, wait <= t.within)
	}
}
