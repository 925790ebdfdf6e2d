package rank

import "slices"

// Candidates returns every ready agent able to take a call, the first choice
// first, and whether he missed or refused it lately is in his key. The call
// needn't be on the board. It looks at each of these agents: for people who
// ask, not for matching.
func (b *Board) Candidates(c *Call, now int64) (out []Candidate) {
	for _, g := range b.slots {
		if g == nil || g.ready.Len() == 0 {
			continue
		}
		ring, score, able := c.Requirement.Rank(g.skills)
		if !able {
			continue
		}
		for a := range g.ready.All() {
			key := c.agentKey(a, fit{ring: ring, score: score}, c.passed(a, now))
			out = append(out, Candidate{Rival: Rival{Agent: a, Key: key}, Score: score})
		}
	}
	slices.SortFunc(out, func(x, y Candidate) int { return x.Key.Compare(y.Key) })
	return out
}

// Candidate is an agent who could be chosen, and the sum of his levels in the
// required skills.
type Candidate struct {
	Rival
	Score int
}

// agentKey is an agent's place for a call.
func (c *Call) agentKey(a *Agent, f fit, again bool) AgentKey {
	key := AgentKey{
		Passed: again, Other: a.ID != c.Preferred, Ring: f.ring, Cost: c.Fit.cost(f.score),
		ReadySince: a.ReadySince, ID: a.ID,
	}
	if c.Specialist && a.group != nil {
		key.Breadth = len(a.group.skills)
	}
	return key
}

func (c *Call) passed(a *Agent, now int64) bool {
	for _, p := range c.PassedOver {
		if p.Agent == a.ID && p.Until > now {
			return true
		}
	}
	return false
}
