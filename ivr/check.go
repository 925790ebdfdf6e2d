package ivr

import (
	"fmt"
	"slices"
	"strings"

	"tierline/routing/document"
)

// checked is a node as the checker sees it.
type checked struct {
	id     string
	pos    document.Pos
	kind   string
	node   node
	broken bool // has a mistake of its own: it may lead anywhere
	gaps   int  // ways that it lacks
}

// graph is a flow's nodes and ways, by position in the file. Whoever walks it
// takes time in proportion to its size, whatever its shape.
type graph struct {
	nodes []checked
	index map[string]int
	out   [][]way
	in    [][]int // where ways come from
}

// way is one edge between nodes; to -1 is the end of the call.
type way struct {
	to     int
	silent bool
}

const theEnd = -1

func (b *builder) newGraph(nodes []checked) *graph {
	g := &graph{
		nodes: nodes, index: make(map[string]int, len(nodes)),
		out: make([][]way, len(nodes)), in: make([][]int, len(nodes)),
	}
	for i, n := range nodes {
		g.index[n.id] = i
	}
	for i, n := range nodes {
		for _, e := range n.node.edges() {
			if to, ok := g.index[e.to.V]; ok {
				g.out[i] = append(g.out[i], way{to, e.silent})
				g.in[to] = append(g.in[to], i)
			} else if e.to.V == targetHangup {
				g.out[i] = append(g.out[i], way{theEnd, e.silent})
			}
		}
	}
	return g
}

// check looks at the flow as a whole. A node that is broken itself, or a
// target that doesn't exist, makes no followers.
func (b *builder) check(nodes []checked) {
	g := b.newGraph(nodes)
	b.checkReachable(g)
	b.checkLoops(g)
	b.checkPeople(g)
	b.checkUnused()
}

// checkReachable warns of nodes that no caller ever gets to; of a chain of
// them only the first.
func (b *builder) checkReachable(g *graph) {
	roots := []string{b.flow.start, b.flow.limits.onExceeded}
	for id := range b.meant {
		roots = append(roots, id)
	}
	if _, ok := b.ids[b.flow.start]; !ok || b.hinted > maxHints {
		return // everything would follow, or nobody knows what was meant
	}
	seen := make([]bool, len(g.nodes))
	for _, id := range roots {
		if i, ok := g.index[id]; ok {
			g.mark(i, seen)
		}
	}
	reached := slices.Clone(seen)
	var lost []int // the first of each chain
	for i := range g.nodes {
		if !seen[i] && !g.hasUnseenSource(i, seen) {
			lost = append(lost, i)
			g.mark(i, seen)
		}
	}
	for i := range g.nodes { // circles of unreachable nodes have no first
		if !seen[i] {
			lost = append(lost, i)
			g.mark(i, seen)
		}
	}
	for _, i := range g.unexplained(lost, reached) {
		b.p.Warnf(g.nodes[i].pos, "node %q can never be reached", g.nodes[i].id)
	}
}

// unexplained leaves out what follows from another mistake: a node that lacks
// a way explains the unreachable node that stands nearest to it.
func (g *graph) unexplained(lost []int, reached []bool) []int {
	const most = 100 // mistakes that are thought about
	for i, n := range g.nodes {
		for k := 0; k < n.gaps && reached[i] && len(lost) > 0 && len(lost) <= most; k++ {
			nearest := 0
			for at, l := range lost {
				if max(l-i, i-l) < max(lost[nearest]-i, i-lost[nearest]) {
					nearest = at
				}
			}
			lost = slices.Delete(lost, nearest, nearest+1)
		}
	}
	return lost
}

func (g *graph) mark(from int, seen []bool) {
	for stack := []int{from}; len(stack) > 0; {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[i] {
			continue
		}
		seen[i] = true
		for _, w := range g.out[i] {
			if w.to != theEnd {
				stack = append(stack, w.to)
			}
		}
	}
}

func (g *graph) hasUnseenSource(i int, seen []bool) bool {
	return slices.ContainsFunc(g.in[i], func(j int) bool { return j != i && !seen[j] })
}

// checkLoops finds circles that a call walks without the caller doing
// anything and without waiting in a queue. A node without any way to an end is
// in such a circle or leads to one, because every node that isn't an end has a
// way that is taken in silence.
func (b *builder) checkLoops(g *graph) {
	l := loops{b: b, g: g, ends: g.ends(), place: make([]int, len(g.nodes))}
	for i := range g.nodes {
		if l.place[i] == unvisited {
			l.visit(i)
		}
	}
}

// loops looks for circles of silent ways, depth first.
type loops struct {
	b     *builder
	g     *graph
	ends  []bool
	path  []int
	place []int // of a node in the path, from 1
}

const (
	unvisited = 0
	finished  = -1
)

func (l *loops) visit(i int) {
	l.path = append(l.path, i)
	l.place[i] = len(l.path)
	for _, w := range l.g.out[i] {
		switch {
		case !w.silent || w.to == theEnd || l.place[w.to] == finished:
		case l.place[w.to] == unvisited:
			l.visit(w.to)
		default:
			l.report(l.path[l.place[w.to]-1:])
		}
	}
	l.path = l.path[:len(l.path)-1]
	l.place[i] = finished
}

func (l *loops) report(circle []int) {
	first := slices.Min(circle)
	at := slices.Index(circle, first)
	circle = append(append([]int{}, circle[at:]...), circle[:at]...)
	names := make([]string, 0, len(circle)+1)
	for _, i := range append(circle, first) {
		names = append(names, l.g.nodes[i].id)
	}
	const most = 12 // nobody reads longer circles
	if n := len(names) - most; n > 0 {
		names = slices.Concat(names[:most-2], []string{fmt.Sprintf("… %d more", n)}, names[len(names)-2:])
	}
	way := strings.Join(names, " -> ")
	if !l.ends[first] {
		way += "; from here the call can never end: no path to hangup or queue"
	}
	l.b.p.Errorf(l.g.nodes[first].pos, "endless loop with no caller input: %s", way)
}

// backward marks all nodes from which one of the good ones can be reached.
func (g *graph) backward(good func(i int) bool) []bool {
	ok := make([]bool, len(g.nodes))
	var stack []int
	for i := range g.nodes {
		if good(i) {
			ok[i] = true
			stack = append(stack, i)
		}
	}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, from := range g.in[i] {
			if !ok[from] {
				ok[from] = true
				stack = append(stack, from)
			}
		}
	}
	return ok
}

// ends marks the nodes from which a call can end: by a hang-up or in a queue.
func (g *graph) ends() []bool {
	return g.backward(func(i int) bool {
		n := g.nodes[i]
		leaves := slices.ContainsFunc(g.out[i], func(w way) bool { return w.to == theEnd })
		return n.broken || isEnd(n.kind) || leaves
	})
}

// isEnd tells types of nodes where calls can end.
func isEnd(kind string) bool {
	return slices.Contains([]string{"hangup", "queue", "return", "transfer"}, kind)
}

// bringsPeople tells types of nodes by which callers reach somebody; of what a
// called flow does nothing is known here.
func bringsPeople(kind string) bool {
	return slices.Contains([]string{"queue", "transfer", "callback", "call"}, kind)
}

// checkPeople warns of menus from which nobody gets to a person, and of those
// whose key 0 doesn't lead to one.
func (b *builder) checkPeople(g *graph) {
	people := g.backward(func(i int) bool { return g.nodes[i].broken || bringsPeople(g.nodes[i].kind) })
	quiet := make([]bool, len(g.nodes))
	for i, n := range g.nodes {
		if n.kind != "menu" || quiet[i] {
			continue
		}
		if !people[i] {
			b.p.Warnf(n.pos, "from menu %q nobody reaches a person", n.id)
			g.mark(i, quiet)
			continue
		}
		for _, e := range n.node.edges() {
			to, known := g.index[e.to.V]
			if e.keyed && e.label == "0" && !e.inherited && known && !people[to] {
				b.p.Warnf(e.to.Pos, "key 0 of menu %q reaches no person", n.id)
			}
		}
	}
	b.checkDefaultZero(g, people)
}

// checkDefaultZero is the same for the key 0 that menus have by default.
func (b *builder) checkDefaultZero(g *graph, people []bool) {
	for _, k := range b.doc.Defaults.Keys {
		to, known := g.index[k.Value.V]
		if k.Key.V == "0" && known && !people[to] {
			b.p.Warnf(k.Value.Pos, "key 0 of the menus reaches no person")
		}
	}
}

// checkUnused warns of what the flow declares and nothing uses.
func (b *builder) checkUnused() {
	for _, t := range b.flow.texts {
		if !b.used[t.ID] {
			b.p.Warnf(t.Pos, "prompt %q is never spoken", t.ID)
		}
	}
	for _, v := range b.doc.Vars {
		if _, ok := b.flow.vars.find(v.Key.V); ok && !b.read[v.Key.V] {
			b.p.Warnf(v.Key.Pos, "variable %q is never read", v.Key.V)
		}
	}
	warn := func(key document.Value[string], used map[string]bool, what string) {
		// A name in a broken node counts as read, whatever it is the name of.
		if !used[key.V] && !b.read[key.V] {
			b.p.Warnf(key.Pos, "%s %q is never used", what, key.V)
		}
	}
	for _, s := range b.doc.Sources {
		warn(s.Key, b.usedSources, "source")
	}
	for _, c := range b.doc.Calendars {
		warn(c.Key, b.usedCalendars, "calendar")
	}
	for _, a := range b.doc.Auth {
		warn(a.Key, b.usedPolicies, "auth policy")
	}
}
