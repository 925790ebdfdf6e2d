package rank

import (
	"math/bits"

	"tierline/routing/rank/ordered"
)

// Choice is one agent for one call, and what it was chosen from.
type Choice struct {
	Call  *Call
	Agent *Agent
	Ready int  // able agents who were ready
	Score int  // sum of the agent's levels in the required skills
	Again bool // he missed or refused this call lately, but nobody else is ready
}

// Match pairs waiting calls with ready agents: the smallest call key first,
// each with his best agent, up to limit pairs. Nothing on the board changes.
//
// An agent who was passed over comes last, not never: as soon as no other able
// agent is ready the caller gets him rather than music. So a pass never keeps
// a call waiting while an able agent is ready.
func (b *Board) Match(now int64, limit int) []Choice {
	if b.ready == 0 || b.waiting == 0 {
		return nil
	}
	m := match{board: b, now: now, used: map[*Agent]bool{}}
	for _, c := range b.classes {
		if c.waiting == 0 || !c.able.meets(&b.open) {
			continue
		}
		for _, lane := range c.lanes {
			if first, ok := lane.First(); ok {
				m.heads = append(m.heads, head{class: c, lane: lane, call: first})
			}
		}
	}
	var out []Choice
	for len(m.heads) > 0 && len(out) < min(limit, b.ready) {
		h := m.smallest()
		choice, ok := m.choose(m.heads[h].class, m.heads[h].call)
		if !ok { // nobody left for this class, and agents only get fewer
			m.drop(h)
			continue
		}
		out = append(out, choice)
		m.used[choice.Agent] = true
		m.taken = append(m.taken, choice.Agent)
		m.advance(h)
	}
	return out
}

// match is one run over a board.
type match struct {
	board *Board
	now   int64
	used  map[*Agent]bool
	taken []*Agent // the same as a list
	heads []head   // classes that may still find somebody
}

type head struct {
	class *class
	lane  *ordered.List[*Call]
	taken int // calls of the lane already matched
	call  *Call
}

// smallest looks through all heads. There are as many as distinct
// requirements, which is few, and one run finds few pairs: no heap needed.
func (m *match) smallest() int {
	best := 0
	for i := range m.heads[1:] {
		if m.board.order.Compare(m.heads[i+1].call.Key, m.heads[best].call.Key, m.now) < 0 {
			best = i + 1
		}
	}
	return best
}

func (m *match) advance(i int) {
	h := &m.heads[i]
	h.taken++
	if h.taken == h.lane.Len() {
		m.drop(i)
		return
	}
	h.call = h.lane.At(h.taken)
}

func (m *match) drop(i int) {
	m.heads[i] = m.heads[len(m.heads)-1]
	m.heads = m.heads[:len(m.heads)-1]
}

// choose compares the heads of all groups that are able and have somebody
// ready.
func (m *match) choose(cl *class, c *Call) (best Choice, found bool) {
	best.Call = c
	var bestKey AgentKey
	open := m.board.open.words
	for w, word := range cl.able.words[:min(len(cl.able.words), len(open))] {
		for word &= open[w]; word != 0; word &= word - 1 {
			g := m.board.slots[w*64+bits.TrailingZeros64(word)]
			best.Ready += g.ready.Len()
			a, again := m.first(g, c)
			if a == nil {
				continue
			}
			score := cl.score[g.index]
			key := AgentKey{Passed: again, Cost: c.Fit.cost(score), ReadySince: a.ReadySince, ID: a.ID}
			if !found || key.Compare(bestKey) < 0 {
				found, bestKey = true, key
				best.Agent, best.Score, best.Again = a, score, again
			}
		}
	}
	for _, a := range m.taken {
		if cl.able.has(a.group.index) {
			best.Ready--
		}
	}
	return best, found
}

// first returns the longest idle agent of a group who is still free, and
// whether he comes last because he was passed over.
func (m *match) first(g *group, c *Call) (a *Agent, again bool) {
	for i := range g.ready.Len() {
		x := g.ready.At(i)
		switch {
		case m.used[x]:
		case !m.passed(c, x):
			return x, false
		case a == nil:
			a, again = x, true
		}
	}
	return a, again
}

func (m *match) passed(c *Call, a *Agent) bool {
	for _, p := range c.PassedOver {
		if p.Agent == a.ID && p.Until > m.now {
			return true
		}
	}
	return false
}
