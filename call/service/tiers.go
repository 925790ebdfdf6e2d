package service

import (
	"slices"
	"strings"
	"time"

	"tierline/acd"
	"tierline/routing"
	"tierline/routing/document"
	"tierline/routing/rank"
)

type tiersDoc struct {
	Policy document.Value[string]    `doc:"policy"`
	Tiers  document.Entries[tierDoc] `doc:"tiers,required,nonempty"`
}

type tierDoc struct {
	HeadStart document.Value[time.Duration] `doc:"head_start,required,max=1h"`
	Objective document.Value[time.Duration] `doc:"objective,max=1h"`
	KeepIdle  document.Value[int]           `doc:"keep_idle,max=10000"`
	KeepFor   document.Value[time.Duration] `doc:"keep_idle_for,min=1s,max=1h"`
	Title     titles                        `doc:"title"`
}

func (c *compiler) tiers() {
	var d tiersDoc
	p := c.read("tiers.yaml", &d)
	if p == nil {
		return
	}
	defer c.add(p)
	c.service.Config.Policy = policy(p, d.Policy)
	var given [routing.TierCount]*tierDoc
	var meant []string
	names := tierNames()
	for i := range d.Tiers {
		e := &d.Tiers[i]
		t, err := routing.ParseTier(e.Key.V)
		if err != nil {
			hint := document.DidYouMean(e.Key.V, names)
			p.Errorf(e.Key.Pos, "%q is no tier (%s)%s", e.Key.V, strings.Join(names, ", "), hint)
			if name, ok := document.Nearest(e.Key.V, names); ok {
				meant = append(meant, name)
			}
			continue
		}
		given[t] = &e.Value
		c.service.Config.HeadStart[t] = e.Value.HeadStart.V.Milliseconds()
		c.service.Config.Objective[t] = e.Value.Objective.V.Milliseconds()
		c.keepIdle(p, t, e.Value)
		switch o := e.Value.Objective; {
		case o.Given && o.V < time.Second:
			p.Errorf(o.Pos, "objective: %v is out of range (1s to 1h)", o.V)
		case !o.Given && c.service.Config.Policy == acd.PolicyRatio:
			p.Errorf(e.Key.Pos, "policy ratio: tier %q has no objective", t)
		}
	}
	for _, t := range routing.Tiers() {
		if given[t] == nil && !slices.Contains(meant, t.String()) {
			p.Errorf(document.Pos{Line: 1, Col: 1}, "tier %q has no head start", t)
		}
	}
	c.checkTierOrder(p, given)
}

func tierNames() (names []string) {
	for _, t := range routing.Tiers() {
		names = append(names, t.String())
	}
	return names
}

func policy(p *document.Problems, v document.Value[string]) acd.Policy {
	if v.V == "" {
		return acd.PolicyDeadline
	}
	got, err := rank.ParsePolicy(v.V)
	if err != nil {
		var names []string
		for _, each := range rank.Policies() {
			names = append(names, each.String())
		}
		p.Errorf(v.Pos, "%v%s", err, document.DidYouMean(v.V, names))
	}
	return got
}

func (c *compiler) keepIdle(p *document.Problems, t routing.Tier, d tierDoc) {
	switch {
	case d.KeepIdle.V > 0 && t == routing.Diamond:
		p.Errorf(d.KeepIdle.Pos, "there is no tier above diamond to keep agents for")
	case d.KeepIdle.V > 0:
		c.service.Config.KeepIdle[t] = d.KeepIdle.V
		c.service.Config.KeepIdleFor[t] = d.KeepFor.Or(time.Minute).Milliseconds()
	case d.KeepFor.Given:
		p.Errorf(d.KeepFor.Pos, "keep_idle_for has no effect without keep_idle")
	}
}

// checkTierOrder warns of a tier that is served worse than a lesser one.
func (c *compiler) checkTierOrder(p *document.Problems, given [routing.TierCount]*tierDoc) {
	for t := routing.Silver; t < routing.TierCount; t++ {
		a, b := given[t-1], given[t]
		if a != nil && b != nil && a.HeadStart.Given && b.HeadStart.Given && b.HeadStart.V < a.HeadStart.V {
			p.Warnf(b.HeadStart.Pos, "%s has a smaller head start than %s", t, t-1)
		}
		if a != nil && b != nil && a.Objective.Given && b.Objective.Given && b.Objective.V > a.Objective.V {
			p.Warnf(b.Objective.Pos, "%s has a longer objective than %s", t, t-1)
		}
	}
}

// headStarts are a queue's own, completed by the general ones; nil if it has
// none.
func (c *compiler) headStarts(
	p *document.Problems, own document.Entries[document.Value[time.Duration]],
) *[routing.TierCount]int64 {
	if len(own) == 0 {
		return nil
	}
	out := c.service.Config.HeadStart
	for _, e := range own {
		t, err := routing.ParseTier(e.Key.V)
		if err != nil {
			hint := document.DidYouMean(e.Key.V, tierNames())
			p.Errorf(e.Key.Pos, "%q is no tier (%s)%s", e.Key.V, strings.Join(tierNames(), ", "), hint)
			continue
		}
		out[t] = e.Value.V.Milliseconds()
	}
	return &out
}
