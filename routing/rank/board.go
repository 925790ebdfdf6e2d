package rank

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tierline/routing"
	"tierline/routing/rank/ordered"
)

// Marks is the number of marks an agent can carry.
const Marks = 16

// cacheLimit bounds what is kept of requirements nobody waits with any more.
const cacheLimit = 4096

// Agent is one agent's seat at a board.
type Agent struct {
	ID         string
	ReadySince int64 // ms of log time; in force while ready

	group *group
	ready bool
	mark  uint8
}

// Call is one waiting call's place at a board.
type Call struct {
	ID          string
	Key         Key
	Fit         Fit
	Requirement *Requirement
	PassedOver  []PassedOver

	class *class
	lane  int
}

// PassedOver is an agent who missed or refused this call.
type PassedOver struct {
	Agent string
	Until int64 // ms of log time
}

// Board holds waiting calls and agents in the shape a match needs.
type Board struct {
	order    Order
	groups   map[string]*group
	slots    []*group // by group.index; nil: free
	open     bitset   // groups with a ready agent
	ready    int
	classes  []*class // by class.index
	byText   map[string]*class
	waiting  int
	combined map[[2]string]*Requirement
}

type group struct {
	key     string
	index   int
	skills  []routing.SkillLevel
	members int
	marks   [Marks]int
	ready   *ordered.List[*Agent]
}

type class struct {
	requirement *Requirement
	index       int
	able        bitset                 // by group.index
	score       []int                  // by group.index
	lanes       []*ordered.List[*Call] // see Order.lanes
	waiting     int
}

// NewBoard returns an empty board.
func NewBoard() *Board {
	return &Board{groups: map[string]*group{}, byText: map[string]*class{}, combined: map[[2]string]*Requirement{}}
}

// Require parses two requirements (a queue's and a call's own) into the one
// that asks for both. Each pair of texts is parsed once.
func (b *Board) Require(queue, own string) (*Requirement, error) {
	pair := [2]string{queue, own}
	if r := b.combined[pair]; r != nil {
		return r, nil
	}
	q, err := Parse(queue)
	if err != nil {
		return nil, err
	}
	o, err := Parse(own)
	if err != nil {
		return nil, err
	}
	if len(b.combined) >= cacheLimit {
		clear(b.combined)
	}
	r := q.And(o)
	b.combined[pair] = r
	return r, nil
}

// Seat gives an agent his place among those with the same skills (sorted by
// name), or moves him. Who is moved stays as ready as he was.
func (b *Board) Seat(a *Agent, skills []routing.SkillLevel) {
	key := skillKey(skills)
	if a.group != nil && a.group.key == key {
		return
	}
	ready := a.ready
	b.Unseat(a)
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

// Unseat takes an agent away.
func (b *Board) Unseat(a *Agent) {
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
}

// SetOrder changes the policy. Who waits is lined up anew.
func (b *Board) SetOrder(o Order) {
	if o == b.order {
		return
	}
	b.order = o
	for _, cl := range b.classes {
		old := cl.lanes
		cl.lanes = b.newLanes()
		for _, lane := range old {
			for c := range lane.All() {
				b.file(c)
			}
		}
	}
}

// Order returns the policy in force.
func (b *Board) Order() Order { return b.order }

func (b *Board) newLanes() []*ordered.List[*Call] {
	lanes := make([]*ordered.List[*Call], b.order.lanes())
	order := b.order
	for i := range lanes {
		lanes[i] = ordered.New(func(x, y *Call) int {
			return cmp.Or(order.Compare(x.Key, y.Key, 0), strings.Compare(x.ID, y.ID))
		})
	}
	return lanes
}

// file puts a call into the lane of its class where it belongs.
func (b *Board) file(c *Call) {
	c.lane = 0
	if len(c.class.lanes) > 1 {
		c.lane = int(c.Key.Tier)
	}
	c.class.lanes[c.lane].Insert(c)
}

// Enqueue lets a call wait. Its key and requirement must not change until it
// is dequeued.
func (b *Board) Enqueue(c *Call) {
	c.class = b.classOf(c.Requirement)
	b.file(c)
	c.class.waiting++
	b.waiting++
}

// Dequeue takes a call away.
func (b *Board) Dequeue(c *Call) {
	cl := c.class
	if cl == nil {
		return
	}
	c.class = nil
	cl.lanes[c.lane].Delete(c)
	cl.waiting--
	b.waiting--
	if cl.waiting == 0 && len(b.classes) > cacheLimit {
		last := b.classes[len(b.classes)-1]
		last.index, b.classes[cl.index] = cl.index, last
		b.classes = b.classes[:len(b.classes)-1]
		delete(b.byText, cl.requirement.String())
	}
}

// Waiting returns the number of calls that wait.
func (b *Board) Waiting() int { return b.waiting }

// ReadyAgents returns the number of agents who can be chosen.
func (b *Board) ReadyAgents() int { return b.ready }

// Count adds up the marks of all agents who are able to meet r.
func (b *Board) Count(r *Requirement) (marks [Marks]int) {
	for _, g := range b.slots {
		if g == nil {
			continue
		}
		if _, able := r.Able(g.skills); able {
			for m, n := range g.marks {
				marks[m] += n
			}
		}
	}
	return marks
}

// Able reports whether a seated agent meets a call's requirement.
func (b *Board) Able(a *Agent, c *Call) bool {
	if c.class != nil && a.group != nil {
		return c.class.able.has(a.group.index)
	}
	return false
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

func (b *Board) classOf(r *Requirement) *class {
	if c := b.byText[r.String()]; c != nil {
		return c
	}
	c := &class{requirement: r, index: len(b.classes), lanes: b.newLanes()}
	for _, g := range b.slots {
		if g != nil {
			c.weigh(g)
		}
	}
	b.classes = append(b.classes, c)
	b.byText[r.String()] = c
	return c
}

// weigh notes whether the members of a group are able, and how well.
func (c *class) weigh(g *group) {
	for len(c.score) <= g.index {
		c.score = append(c.score, 0)
	}
	score, able := c.requirement.Able(g.skills)
	c.score[g.index] = score
	if able {
		c.able.add(g.index)
	} else {
		c.able.remove(g.index)
	}
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

// Check returns what is wrong with the board's own bookkeeping, for tests.
func (b *Board) Check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	ready, waiting, empty := 0, 0, 0
	for i, g := range b.slots {
		if g == nil {
			continue
		}
		ready += g.ready.Len()
		if g.index != i || b.open.has(i) != (g.ready.Len() > 0) {
			fault("group %q: index or open bit is wrong", g.key)
		}
		if n := total(g.marks[:]); n != g.members {
			fault("group %q: %d marks for %d members", g.key, n, g.members)
		}
	}
	for i, c := range b.classes {
		n := 0
		for _, lane := range c.lanes {
			n += lane.Len()
		}
		waiting += n
		if n == 0 {
			empty++
		}
		if n != c.waiting || len(c.lanes) != b.order.lanes() {
			fault("class %q: %d calls in %d lanes, counted %d", c.requirement, n, len(c.lanes), c.waiting)
		}
		if c.index != i || b.byText[c.requirement.String()] != c {
			fault("class %q is misfiled", c.requirement)
		}
		for _, g := range b.slots {
			if !c.knows(g) {
				fault("class %q: wrong about group %q", c.requirement, g.key)
			}
		}
	}
	if ready != b.ready || waiting != b.waiting || empty > cacheLimit {
		fault("%d ready, %d waiting: counted %d, %d and %d empty classes", b.ready, b.waiting, ready, waiting, empty)
	}
	return errors.Join(faults...)
}

// knows reports whether what was noted of a group is still so.
func (c *class) knows(g *group) bool {
	if g == nil {
		return true
	}
	score, able := c.requirement.Able(g.skills)
	return able == c.able.has(g.index) && score == c.score[g.index]
}

func total(ns []int) (sum int) {
	for _, n := range ns {
		sum += n
	}
	return sum
}
