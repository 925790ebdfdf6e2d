package rank

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Check returns what is wrong with the board's own bookkeeping, for tests.
func (b *Board) Check() error {
	c := boardCheck{b: b, kept: map[*class]int{}}
	c.groups()
	c.agents()
	c.classes()
	if c.ready != b.ready || c.waiting != b.waiting || c.empty > cacheLimit || c.wanted != b.wanted.Len() {
		c.fault("%d ready, %d waiting, %d wanted: counted %d, %d, %d and %d empty classes",
			b.ready, b.waiting, b.wanted.Len(), c.ready, c.waiting, c.wanted, c.empty)
	}
	return errors.Join(c.faults...)
}

type boardCheck struct {
	b                             *Board
	kept                          map[*class]int // calls in agents' own lines
	ready, waiting, empty, wanted int
	faults                        []error
}

func (c *boardCheck) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, args...))
}

func (c *boardCheck) groups() {
	for i, g := range c.b.slots {
		if g == nil {
			continue
		}
		c.ready += g.ready.Len()
		if g.index != i || c.b.open.has(i) != (g.ready.Len() > 0) {
			c.fault("group %q: index or open bit is wrong", g.key)
		}
		n := 0
		for _, m := range g.marks {
			n += m
		}
		if n != g.members {
			c.fault("group %q: %d marks for %d members", g.key, n, g.members)
		}
	}
}

func (c *boardCheck) agents() {
	for _, id := range slices.Sorted(maps.Keys(c.b.seats)) {
		a := c.b.seats[id]
		if a.group == nil || a.wanted != (a.ready && a.own.n > 0) || a.own.length() != a.own.n {
			c.fault("agent %q is misfiled, or %d kept calls are wrong", id, a.own.n)
		}
		if a.wanted {
			c.wanted++
		}
		for _, call := range c.b.Kept(a) {
			c.kept[call.class]++
			if call.owner != a || !call.Only {
				c.fault("call %q is kept for %q by mistake", call.ID, id)
			}
		}
	}
}

func (c *boardCheck) classes() {
	for i, cl := range c.b.classes {
		n := cl.calls.length()
		c.waiting += cl.waiting
		if cl.waiting == 0 {
			c.empty++
		}
		if n != cl.calls.n || n+c.kept[cl] != cl.waiting || cl.calls.order != c.b.order {
			c.fault("class %q: %d calls and %d kept, counted %d", cl.requirement, n, c.kept[cl], cl.waiting)
		}
		if cl.index != i || c.b.byText[cl.requirement.Key()] != cl {
			c.fault("class %q is misfiled", cl.requirement)
		}
		for _, g := range c.b.slots {
			if !cl.knows(g) {
				c.fault("class %q: wrong about group %q", cl.requirement, g.key)
			}
		}
	}
}

// knows reports whether what was noted of a group is still so.
func (c *class) knows(g *group) bool {
	if g == nil {
		return true
	}
	ring, score, able := c.requirement.Rank(g.skills)
	return able == c.able.has(g.index) && c.fit[g.index] == fit{ring: ring, score: score}
}
