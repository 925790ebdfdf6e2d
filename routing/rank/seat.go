package rank

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"tierline/routing"
	"tierline/routing/rank/ordered"
)

// Agent is one agent's seat at a board.
type Agent struct {
	ID         string
	ReadySince int64 // ms of log time; in force while ready

	group  *group
	ready  bool
	mark   uint8
	wanted bool // is in Board.wanted
	own    line // calls that are kept for him
}

// Seat gives an agent his place among those with the same skills (sorted by
// name), or moves him. Who is moved stays as ready as he was.
func (b *Board) Seat(a *Agent, skills []routing.SkillLevel) {
	key := skillKey(skills)
	if a.group != nil && a.group.key == key {
		return
	}
	ready := a.ready
	b.leave(a)
	b.seats[a.ID] = a
	g := b.groups[key]
	if g == nil {
		g = b.newGroup(key, skills)
	}
	a.group = g
	g.members++
	g.marks[a.mark]++
	if ready {
		b.Ready(a, a.ReadySince)
	}
}

// Unseat takes an agent away. Calls that were kept for him are everybody's.
func (b *Board) Unseat(a *Agent) {
	b.leave(a)
	if b.seats[a.ID] == a {
		delete(b.seats, a.ID)
	}
	for _, c := range b.Kept(a) {
		b.Dequeue(c)
		c.Only = false
		b.Enqueue(c)
	}
}

// leave takes an agent out of his group.
func (b *Board) leave(a *Agent) {
	g := a.group
	if g == nil {
		return
	}
	b.NotReady(a)
	a.group = nil
	g.members--
	g.marks[a.mark]--
	if g.members > 0 {
		return
	}
	delete(b.groups, g.key)
	b.slots[g.index] = nil // classes forget it when the slot is used again
}

// Mark files an agent under m, below [Marks]: the board counts marks (see
// [Board.Count]) but doesn't know what they mean.
func (b *Board) Mark(a *Agent, m uint8) {
	if a.group != nil {
		a.group.marks[a.mark]--
		a.group.marks[m]++
	}
	a.mark = m
}

// Ready lets a seated agent be chosen. since is when his idle time began.
func (b *Board) Ready(a *Agent, since int64) {
	b.NotReady(a)
	a.ReadySince, a.ready = since, true
	a.group.ready.Insert(a)
	b.open.add(a.group.index)
	b.ready++
	b.want(a)
}

// NotReady takes an agent out of the choice.
func (b *Board) NotReady(a *Agent) {
	if !a.ready {
		return
	}
	a.ready = false
	a.group.ready.Delete(a)
	if a.group.ready.Len() == 0 {
		b.open.remove(a.group.index)
	}
	b.ready--
	b.want(a)
}

// want keeps the list of those who can be given a call of their own.
func (b *Board) want(a *Agent) {
	wanted := a.ready && a.own.n > 0
	switch {
	case wanted == a.wanted:
		return
	case wanted:
		b.wanted.Insert(a)
	default:
		b.wanted.Delete(a)
	}
	a.wanted = wanted
}

// Kept returns the calls that wait for one agent only.
func (b *Board) Kept(a *Agent) (out []*Call) {
	for _, lane := range a.own.lanes {
		if lane != nil {
			out = slices.AppendSeq(out, lane.All())
		}
	}
	return out
}

func (b *Board) newGroup(key string, skills []routing.SkillLevel) *group {
	g := &group{key: key, skills: slices.Clone(skills), index: slices.Index(b.slots, nil)}
	g.ready = ordered.New(func(x, y *Agent) int {
		return cmp.Or(cmp.Compare(x.ReadySince, y.ReadySince), strings.Compare(x.ID, y.ID))
	})
	if g.index < 0 {
		g.index = len(b.slots)
		b.slots = append(b.slots, nil)
	}
	b.slots[g.index] = g
	b.groups[key] = g
	for _, c := range b.classes {
		c.weigh(g)
	}
	return g
}

func skillKey(skills []routing.SkillLevel) string {
	var b strings.Builder
	for _, s := range skills {
		b.WriteString(string(s.Skill))
		b.WriteByte('=')
		b.WriteString(strconv.Itoa(int(s.Level)))
		b.WriteByte(' ')
	}
	return b.String()
}
