package acd

import "tierline/routing"

func (g *generation) code(k *coder) {
	k.uint(&g.Generation)
	k.str(&g.Hash)
	k.str(&g.By)
	k.str(&g.Note)
	k.int(&g.Wall)
	k.bytes(&g.Data)
	g.config.code(k)
}

func (c *Config) code(k *coder) {
	k.byTier(&c.HeadStart)
	if k.version >= 2 {
		number(k, &c.Policy)
		k.byTier(&c.Objective)
		for i := range c.KeepIdle {
			number(k, &c.KeepIdle[i])
		}
		k.byTier(&c.KeepIdleFor)
		list(k, &c.Reasons, (*coder).str)
	}
	if k.version >= 3 {
		k.int(&c.LookBack)
	}
	list(k, &c.Queues, func(k *coder, q *QueueConfig) { q.code(k) })
	list(k, &c.Agents, func(k *coder, a *AgentConfig) { a.code(k) })
}

func (k *coder) byTier(p *[routing.TierCount]int64) {
	for i := range p {
		k.int(&p[i])
	}
}

func (q *QueueConfig) code(k *coder) {
	k.str(&q.Name)
	k.str(&q.Requirement)
	k.int(&q.RingTime)
	k.int(&q.WrapUp)
	k.int(&q.MaxWait)
	number(k, &q.MaxLength)
	k.int(&q.ReofferAfter)
	number(k, &q.Fit)
	if k.version < 2 {
		return
	}
	own := q.HeadStart != nil
	if k.bool(&own); own {
		if q.HeadStart == nil {
			q.HeadStart = new([routing.TierCount]int64)
		}
		k.byTier(q.HeadStart)
	}
	list(k, &q.Steps, func(k *coder, s *Step) {
		k.int(&s.After)
		k.str(&s.Requirement)
	})
	k.bool(&q.PreserveGeneralists)
	k.bool(&q.WrapUpManual)
	k.int(&q.WrapUpMax)
	list(k, &q.Dispositions, (*coder).str)
	if k.version < 3 {
		return
	}
	number(k, &q.RingGroup)
	k.int(&q.MaxEstimate)
	k.bool(&q.NoStaffRefuse)
	k.int(&q.NoStaffLeave)
	k.int(&q.LastAgent)
	q.Callback.code(k)
}

func (a *AgentConfig) code(k *coder) {
	k.str(&a.ID)
	k.str(&a.Name)
	list(k, &a.Skills, func(k *coder, s *routing.SkillLevel) {
		text(k, &s.Skill)
		number(k, &s.Level)
	})
	number(k, &a.MaxMisses)
	k.int(&a.BackOff)
	k.str(&a.Contact)
	k.bool(&a.SignedIn)
	if k.version >= 4 {
		list(k, &a.Groups, (*coder).str)
		list(k, &a.Supervises, (*coder).str)
	}
}
