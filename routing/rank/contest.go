package rank

import "math/bits"

// Whole is what a share of one is written as.
const Whole = 1024

// Contest is who competes with a call for the agents able to take it.
type Contest struct {
	board   *Board
	able    bitset // groups of the agents
	own     *class // of the requirement itself; nil: no call waits with it
	staff   []int  // how many agents count, by group.index
	agents  int    // the sum over those who are able
	classes []int  // by class.index: the share of its agents who are among these
}

// Contest looks at the agents who meet r. Of them, and of those whom others
// compete for, only those count who carry one of the marks.
//
// A call of another requirement competes with the share of the agents able to
// take it who are among these: if it may go to ten agents of whom these are
// two, one in five such calls will be taken by one of these.
func (b *Board) Contest(r *Requirement, marks uint16) *Contest {
	c := &Contest{board: b, staff: make([]int, len(b.slots)), own: b.byText[r.Key()]}
	able := b.ableTo(r)
	for i, g := range b.slots {
		if g == nil { // what a class says of it is old
			continue
		}
		if able.has(i) {
			c.able.add(i)
		}
		for m, n := range g.marks {
			if marks&(1<<m) != 0 {
				c.staff[i] += n
			}
		}
	}
	c.agents, _ = c.overlap(&c.able)
	c.classes = make([]int, len(b.classes))
	for i, cl := range b.classes {
		if cl.waiting > 0 {
			c.classes[i] = c.share(&cl.able)
		}
	}
	return c
}

// ableTo returns the groups whose members meet r. Nothing is remembered: it
// only reads.
func (b *Board) ableTo(r *Requirement) (able bitset) {
	if cl := b.byText[r.Key()]; cl != nil {
		return cl.able
	}
	for i, g := range b.slots {
		if g == nil {
			continue
		}
		if _, ok := r.Able(g.skills); ok {
			able.add(i)
		}
	}
	return able
}

// overlap counts the agents of a set of groups, and those of them who are able.
func (c *Contest) overlap(set *bitset) (all, able int) {
	for w, word := range set.words {
		for ; word != 0; word &= word - 1 {
			i := w*64 + bits.TrailingZeros64(word)
			all += c.staff[i]
			if c.able.has(i) {
				able += c.staff[i]
			}
		}
	}
	return all, able
}

func (c *Contest) share(set *bitset) int {
	all, able := c.overlap(set)
	if all == 0 {
		return 0
	}
	return able * Whole / all
}

// Agents returns how many agents there are to compete for.
func (c *Contest) Agents() int { return c.agents }

// Share returns which share of the calls that ask for r compete, in parts of
// [Whole].
func (c *Contest) Share(r *Requirement) int {
	set := c.board.ableTo(r)
	return c.share(&set)
}

// Ahead counts the waiting calls that go before a key at a given time and
// compete: calls is how many can take one of the agents at all, whether these
// are there now or not; load weighs each with its share, in parts of [Whole].
// Calls that are kept for one agent are nobody else's competitors, and left out.
//
// What it costs depends on how many different requirements calls wait with, and
// hardly on how many calls do.
func (c *Contest) Ahead(k Key, now int64) (calls, load int) {
	order := c.board.order
	before := func(x *Call) bool { return order.Compare(x.Key, k, now) < 0 }
	for i, cl := range c.board.classes {
		if cl.calls.n == 0 || cl != c.own && !cl.able.meets(&c.able) {
			continue
		}
		n := 0
		for _, lane := range cl.calls.lanes {
			if lane != nil {
				n += lane.Count(before)
			}
		}
		calls += n
		load += n * c.classes[i]
	}
	return calls, load
}

// Ready counts the agents who could be given a call now.
func (c *Contest) Ready() (n int) {
	for i, g := range c.board.slots {
		if g != nil && c.able.has(i) {
			n += g.ready.Len()
		}
	}
	return n
}
