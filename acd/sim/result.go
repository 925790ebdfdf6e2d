package sim

import (
	"tierline/routing"
)

// Result is what a run counted.
type Result struct {
	Overall Overall       `json:"overall"`
	Tiers   []TierResult  `json:"tiers"` // the best first; those without calls are left out
	Classes []ClassResult `json:"classes,omitempty"`
	Groups  []GroupResult `json:"groups,omitempty"`
}

// Overall is about all calls.
type Overall struct {
	MeanWait    float64 `json:"mean_wait_s"` // of all callers, served or not
	PWait       float64 `json:"p_wait"`
	PAbandon    float64 `json:"p_abandon"`
	Occupancy   float64 `json:"occupancy"`
	MaxOvertake float64 `json:"max_overtake_s"`
	SL          float64 `json:"sl"` // served in time, of all callers

	TotalWait int64  `json:"-"` // µs, exact
	Interval  Limits `json:"-"`
}

// Limits are half the widths of 95 % intervals, by batch means.
type Limits struct {
	MeanWait float64 `json:"mean_wait_s"`
	PWait    float64 `json:"p_wait"`
	PAbandon float64 `json:"p_abandon"`
	SL       float64 `json:"sl"`
}

// Part is about some of the calls.
type Part struct {
	Offered   int     `json:"offered"`
	Answered  int     `json:"answered"`
	Abandoned int     `json:"abandoned"`
	MeanWait  float64 `json:"mean_wait_s"`
	P50       float64 `json:"p50_s"`
	P95       float64 `json:"p95_s"`
	Max       float64 `json:"max_s"`
	SL        float64 `json:"sl"`

	PWait    float64 `json:"-"`
	PAbandon float64 `json:"-"`
	Interval Limits  `json:"-"`
}

// TierResult is about the calls of one tier.
type TierResult struct {
	Tier routing.Tier `json:"tier"`
	Part
}

// ClassResult is about the calls of one class.
type ClassResult struct {
	Class string `json:"class"`
	Part
}

// GroupResult is about a group of agents.
type GroupResult struct {
	Group     string  `json:"group"`
	Agents    int     `json:"agents"`
	Occupancy float64 `json:"occupancy"`
}

// sumUp makes a run's result.
func (w *world) sumUp() *Result {
	t := &w.tally
	all := t.all.part()
	r := &Result{Overall: Overall{
		MeanWait: all.MeanWait, PWait: all.PWait, PAbandon: all.PAbandon, SL: all.SL,
		MaxOvertake: seconds(t.overtake), TotalWait: t.all.total, Interval: all.Interval,
	}}
	talked, span := int64(0), max(1, t.to-t.from)
	for i, g := range w.centre.Groups {
		talked += t.talked[i]
		r.Groups = append(r.Groups, GroupResult{
			Group: g.Name, Agents: g.Count, Occupancy: float64(t.talked[i]) / float64(span) / float64(g.Count),
		})
	}
	r.Overall.Occupancy = float64(talked) / float64(span) / float64(t.agents)
	for _, tier := range routing.Tiers() {
		if t.tiers[tier].offered > 0 {
			r.Tiers = append(r.Tiers, TierResult{tier, t.tiers[tier].part()})
		}
	}
	for i := range t.classes {
		r.Classes = append(r.Classes, ClassResult{w.centre.Classes[i].Name, t.classes[i].part()})
	}
	return r
}

func (g *group) part() Part {
	p := Part{Offered: g.offered, Answered: g.answered, Abandoned: g.abandoned, Max: seconds(g.max)}
	if g.offered == 0 {
		return p
	}
	most := g.max // of few waits the middle of a cell may be above the longest
	p.P50, p.P95 = seconds(min(g.spread.quantile(.5), most)), seconds(min(g.spread.quantile(.95), most))
	p.SL, p.Interval.SL = g.level.mean()
	_, p.Interval.MeanWait = g.wait.mean()
	p.MeanWait = seconds(g.total) / float64(g.offered)
	p.PWait, p.Interval.PWait = g.waited.mean()
	p.PAbandon, p.Interval.PAbandon = g.gone.mean()
	return p
}

func seconds(v int64) float64 { return float64(v) / second }
