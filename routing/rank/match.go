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
	Ring  int  // how often the requirement had to be relaxed for the agent
	Score int  // sum of the agent's levels in the required skills
	Again bool // he missed or refused this call lately, but nobody else is ready

	Rivals [Rivals]Rival // who came next, the best of each other skill set
	Moved  bool          // not its best agent: he goes to a call that nobody else can take
}

// Rivals is how many agents a choice remembers beside the chosen one.
const Rivals = 3

// Rival is an agent who could have been chosen, and his place.
type Rival struct {
	Agent *Agent // nil: there is none
	Key   AgentKey
}

// Match pairs waiting calls with ready agents: the smallest call key first,
// each with his best agent, up to limit pairs. Nothing on the board changes.
//
// An agent who was passed over comes last, not never: as soon as no other able
// agent is ready the caller gets him rather than music. So a pass never keeps
// a call waiting while an able agent is ready.
//
// When many agents are ready at once (a shift begins, a new leader), calls that
// came first in a run are moved to other agents if that frees one for a call
// that would find nobody: the calls served are the first by key, and as many as
// can be.
func (b *Board) Match(now int64, limit int) []Choice {
	if b.ready == 0 || b.waiting == 0 {
		return nil
	}
	m := match{board: b, now: now, used: map[*Agent]bool{}}
	m.lines()
	for len(m.heads) > 0 && len(m.out) < min(limit, b.ready) {
		h := m.smallest()
		choice, ok := m.choose(m.heads[h])
		if !ok {
			choice, ok = m.rearrange(m.heads[h].call)
		}
		if ok {
			m.out = append(m.out, choice)
			m.used[choice.Agent] = true
		}
		switch owner := m.heads[h].owner; {
		case ok && owner == nil, !ok && owner != nil && !m.heads[h].call.takes(owner):
			m.advance(h)
		default: // nobody left for this lane, and agents only get fewer
			m.drop(h)
		}
	}
	return m.out
}

// match is one run over a board.
type match struct {
	board *Board
	now   int64
	used  map[*Agent]bool // the agents of out
	out   []Choice
	heads []head // lanes that may still find somebody
}

// rearrange makes room for a call that finds nobody free, if a chain of moves
// from one agent to another can (an augmenting path).
func (m *match) rearrange(c *Call) (Choice, bool) {
	if m.yields(c) || len(m.out) == m.board.ready {
		return Choice{}, false
	}
	a := m.vacate(c, map[*Agent]bool{})
	if a == nil {
		return Choice{}, false
	}
	return m.choice(c, a, 1), true
}

// vacate frees an agent able to take c and returns him.
func (m *match) vacate(c *Call, seen map[*Agent]bool) *Agent {
	for i := range m.out {
		a, holder := m.out[i].Agent, m.out[i].Call
		if seen[a] || !c.takes(a) || holder.owner != nil || m.yields(holder) {
			continue
		}
		seen[a] = true
		to := m.best(holder)
		if to == nil {
			to = m.vacate(holder, seen)
		}
		if to == nil {
			continue
		}
		m.out[i] = m.choice(holder, to, m.out[i].Ready)
		m.out[i].Moved = true
		m.used[to] = true
		return a
	}
	return nil
}

// takes reports whether an agent could have a call, if he were free.
func (c *Call) takes(a *Agent) bool {
	return c.class.able.has(a.group.index) && (c.owner == nil || c.owner == a)
}

type head struct {
	lane  *ordered.List[*Call]
	owner *Agent // whose own line it is
	taken int    // calls of the lane already matched
	call  *Call
}

// lines collects the heads of all lanes that may find somebody.
func (m *match) lines() {
	for _, c := range m.board.classes {
		if c.calls.n > 0 && c.able.meets(&m.board.open) {
			m.line(&c.calls, nil)
		}
	}
	for a := range m.board.wanted.All() {
		m.line(&a.own, a)
	}
}

// line adds the heads of a line's lanes.
func (m *match) line(l *line, owner *Agent) {
	for _, lane := range l.lanes {
		if lane == nil {
			continue
		}
		if first, ok := lane.First(); ok {
			m.heads = append(m.heads, head{lane: lane, owner: owner, call: first})
		}
	}
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

// yields reports whether a call leaves agents to higher tiers. A reserve that has
// been given up holds nobody back.
func (m *match) yields(c *Call) bool { return c.Yields && m.board.order.KeepIdle[c.Key.Tier] > 0 }

// choose finds the best agent for the head of a lane.
func (m *match) choose(h head) (best Choice, found bool) {
	c := h.call
	if a := h.owner; a != nil {
		if m.used[a] || !c.class.able.has(a.group.index) {
			return best, false
		}
		return m.choice(c, a, 1), true
	}
	ready := m.ready(c.class)
	if ready == 0 || m.yields(c) && ready <= m.board.order.KeepIdle[c.Key.Tier] {
		return best, false
	}
	if a := m.board.seats[c.Preferred]; a != nil && m.free(c, a) && !m.passed(c, a) {
		return m.choice(c, a, ready), true
	}
	var rivals [Rivals + 1]Rival
	m.rate(c, &rivals)
	choice := m.choice(c, rivals[0].Agent, ready)
	copy(choice.Rivals[:], rivals[1:])
	return choice, true
}

func (m *match) choice(c *Call, a *Agent, ready int) Choice {
	f := c.class.fit[a.group.index]
	return Choice{Call: c, Agent: a, Ready: ready, Ring: f.ring, Score: f.score, Again: m.passed(c, a)}
}

// free reports whether an agent could take a call.
func (m *match) free(c *Call, a *Agent) bool {
	return a.ready && !m.used[a] && c.class.able.has(a.group.index)
}

// ready counts the agents who are left for a class.
func (m *match) ready(cl *class) (n int) {
	for g := range m.groups(cl) {
		n += g.ready.Len()
	}
	for i := range m.out {
		if cl.able.has(m.out[i].Agent.group.index) {
			n--
		}
	}
	return n
}

// groups are those that are able and had somebody ready.
func (m *match) groups(cl *class) func(yield func(*group) bool) {
	return func(yield func(*group) bool) {
		open := m.board.open.words
		for w, word := range cl.able.words[:min(len(cl.able.words), len(open))] {
			for word &= open[w]; word != 0; word &= word - 1 {
				if !yield(m.board.slots[w*64+bits.TrailingZeros64(word)]) {
					return
				}
			}
		}
	}
}

// best returns the best agent for a call; nil if nobody is left.
func (m *match) best(c *Call) *Agent {
	var rivals [Rivals + 1]Rival
	m.rate(c, &rivals)
	return rivals[0].Agent
}

// rate compares the heads of all groups, and keeps the first few in order.
func (m *match) rate(c *Call, out *[Rivals + 1]Rival) {
	for g := range m.groups(c.class) {
		a, again := m.first(g, c)
		if a == nil {
			continue
		}
		x := Rival{Agent: a, Key: m.key(c, a, again)}
		for i := range out {
			if out[i].Agent == nil || x.Key.Compare(out[i].Key) < 0 {
				x, out[i] = out[i], x
			}
			if x.Agent == nil {
				break
			}
		}
	}
}

func (m *match) key(c *Call, a *Agent, again bool) AgentKey {
	return c.agentKey(a, c.class.fit[a.group.index], again)
}

// Key returns the place of the chosen agent.
func (c Choice) Key() AgentKey {
	return c.Call.agentKey(c.Agent, fit{ring: c.Ring, score: c.Score}, c.Again)
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

func (m *match) passed(c *Call, a *Agent) bool { return c.passed(a, m.now) }
