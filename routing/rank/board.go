package rank

import (
	"maps"
	"slices"
	"strings"

	"tierline/routing"
	"tierline/routing/rank/ordered"
)

// Marks is the number of marks an agent can carry.
const Marks = 16

// cacheLimit bounds what is kept of requirements nobody waits with any more.
const cacheLimit = 4096

// Call is one waiting call's place at a board.
type Call struct {
	ID          string
	Key         Key
	Fit         Fit
	Requirement *Requirement
	PassedOver  []PassedOver

	Preferred  string // agent who comes first, if he may be chosen at all
	Only       bool   // nobody but Preferred, as long as he has a seat
	Yields     bool   // Order.KeepIdle holds for it
	Specialist bool   // agents with fewer skills first: keeps generalists free
	Group      int    // how many agents it may ring at once; 0 and 1: one

	class *class
	owner *Agent // whose own line it stands in
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
	seats    map[string]*Agent
	wanted   *ordered.List[*Agent] // ready, and a call is kept for them
	groups   map[string]*group
	slots    []*group // by group.index; nil: free
	open     bitset   // groups with a ready agent
	ready    int
	classes  []*class // by class.index
	byText   map[string]*class
	waiting  int
	combined map[[2]string]*Requirement
	relaxed  map[[2]string]*Requirement
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
	able        bitset // by group.index
	fit         []fit  // by group.index
	calls       line
	waiting     int // with the calls that are kept for an agent
}

// fit is how well the members of a group suit a class.
type fit struct{ ring, score int }

// NewBoard returns an empty board.
func NewBoard() *Board {
	return &Board{
		groups: map[string]*group{}, byText: map[string]*class{}, seats: map[string]*Agent{},
		combined: map[[2]string]*Requirement{}, relaxed: map[[2]string]*Requirement{},
		wanted: ordered.New(func(x, y *Agent) int { return strings.Compare(x.ID, y.ID) }),
	}
}

// Require parses two requirements (a queue's and a call's own) into the one
// that asks for both. Each pair of texts is parsed once.
func (b *Board) Require(queue, own string) (*Requirement, error) {
	pair := [2]string{queue, own}
	if r := b.combined[pair]; r != nil {
		return r, nil
	}
	r, err := b.Known(queue, own)
	if err != nil {
		return nil, err
	}
	if len(b.combined) >= cacheLimit {
		clear(b.combined)
	}
	b.combined[pair] = r
	return r, nil
}

// Known is Require for those who only read: what isn't known yet is parsed and
// forgotten.
func (b *Board) Known(queue, own string) (*Requirement, error) {
	if r := b.combined[[2]string{queue, own}]; r != nil {
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
	return q.And(o), nil
}

// Relax is r.Relaxed(to); each pair is made once.
func (b *Board) Relax(r, to *Requirement) *Requirement {
	pair := [2]string{r.Key(), to.String()}
	if n := b.relaxed[pair]; n != nil {
		return n
	}
	if len(b.relaxed) >= cacheLimit {
		clear(b.relaxed)
	}
	n := r.Relaxed(to)
	b.relaxed[pair] = n
	return n
}

// SetOrder changes the policy. Who waits is lined up anew.
func (b *Board) SetOrder(o Order) {
	if o == b.order {
		return
	}
	b.order = o
	for _, cl := range b.classes {
		cl.calls.reorder(o)
	}
	for _, id := range slices.Sorted(maps.Keys(b.seats)) {
		b.seats[id].own.reorder(o)
	}
}

// Order returns the policy in force.
func (b *Board) Order() Order { return b.order }

// Enqueue lets a call wait. Nothing of it may change until it is dequeued.
func (b *Board) Enqueue(c *Call) {
	c.class, c.owner = b.classOf(c.Requirement), nil
	c.class.waiting++
	b.waiting++
	if owner := b.seats[c.Preferred]; c.Only && owner != nil {
		c.owner = owner
		owner.own.order = b.order
		owner.own.insert(c)
		b.want(owner)
		return
	}
	c.class.calls.insert(c)
}

// Dequeue takes a call away.
func (b *Board) Dequeue(c *Call) {
	cl := c.class
	if cl == nil {
		return
	}
	if a := c.owner; a != nil {
		a.own.remove(c)
		b.want(a)
	} else {
		cl.calls.remove(c)
	}
	c.class, c.owner = nil, nil
	cl.waiting--
	b.waiting--
	if cl.waiting == 0 && len(b.classes) > cacheLimit {
		last := b.classes[len(b.classes)-1]
		last.index, b.classes[cl.index] = cl.index, last
		b.classes = b.classes[:len(b.classes)-1]
		delete(b.byText, cl.requirement.Key())
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

// Anybody reports whether an agent with one of the marks is able to meet r.
func (b *Board) Anybody(r *Requirement, marks uint16) bool {
	for _, g := range b.slots {
		if g == nil {
			continue
		}
		for m, n := range g.marks {
			if n == 0 || marks&(1<<m) == 0 {
				continue
			}
			if _, able := r.Able(g.skills); able {
				return true
			}
			break
		}
	}
	return false
}

// Able reports whether a seated agent meets a call's requirement.
func (b *Board) Able(a *Agent, c *Call) bool {
	if c.class != nil && a.group != nil {
		return c.class.able.has(a.group.index)
	}
	return false
}

func (b *Board) classOf(r *Requirement) *class {
	if c := b.byText[r.Key()]; c != nil {
		return c
	}
	c := &class{requirement: r, index: len(b.classes), calls: line{order: b.order}}
	for _, g := range b.slots {
		if g != nil {
			c.weigh(g)
		}
	}
	b.classes = append(b.classes, c)
	b.byText[r.Key()] = c
	return c
}

// weigh notes whether the members of a group are able, and how well.
func (c *class) weigh(g *group) {
	for len(c.fit) <= g.index {
		c.fit = append(c.fit, fit{})
	}
	ring, score, able := c.requirement.Rank(g.skills)
	c.fit[g.index] = fit{ring: ring, score: score}
	if able {
		c.able.add(g.index)
	} else {
		c.able.remove(g.index)
	}
}
