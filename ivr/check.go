package ivr

import (
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
}

// graph is a flow's nodes and ways, by position in the file.
type graph struct {
	nodes []checked
	index map[string]int
	out   [][]way
}

// way is one edge between nodes; to -1 is the end of the call.
type way struct {
	to     int
	silent bool
}

const theEnd = -1

func (b *builder) newGraph(nodes []checked) *graph {
	g := &graph{nodes: nodes, index: map[string]int{}, out: make([][]way, len(nodes))}
	for i, n := range nodes {
		g.index[n.id] = i
	}
	for i, n := range nodes {
		for _, e := range n.node.edges() {
			if to, ok := g.index[e.to.V]; ok {
				g.out[i] = append(g.out[i], way{to, e.silent})
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
	if _, ok := b.ids[b.flow.start]; !ok {
		return // everything would follow
	}
	seen := make([]bool, len(g.nodes))
	for _, id := range roots {
		if i, ok := g.index[id]; ok {
			g.mark(i, seen)
		}
	}
	for i, n := range g.nodes {
		if !seen[i] && !g.hasUnseenSource(i, seen) {
			b.p.Warnf(n.pos, "node %q can never be reached", n.id)
			g.mark(i, seen)
		}
	}
	for i, n := range g.nodes { // circles of unreachable nodes have no first
		if !seen[i] {
			b.p.Warnf(n.pos, "node %q can never be reached", n.id)
			g.mark(i, seen)
		}
	}
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
	for j := range g.nodes {
		if j != i && !seen[j] && slices.ContainsFunc(g.out[j], func(w way) bool { return w.to == i }) {
			return true
		}
	}
	return false
}

// checkLoops finds circles that a call walks without the caller doing
// anything and without waiting in a queue. A node without any way to an end is
// in such a circle or leads to one, because every node that isn't an end has a
// way that is taken in silence.
func (b *builder) checkLoops(g *graph) {
	const (
		white = iota
		grey
		black
	)
	colour := make([]int, len(g.nodes))
	ends := g.ends()
	var path []int
	var visit func(i int)
	visit = func(i int) {
		colour[i] = grey
		path = append(path, i)
		for _, w := range g.out[i] {
			switch {
			case !w.silent || w.to == theEnd:
			case colour[w.to] == white:
				visit(w.to)
			case colour[w.to] == grey:
				b.reportLoop(g, path[slices.Index(path, w.to):], ends[w.to])
			}
		}
		path = path[:len(path)-1]
		colour[i] = black
	}
	for i := range g.nodes {
		if colour[i] == white {
			visit(i)
		}
	}
}

func (b *builder) reportLoop(g *graph, circle []int, ends bool) {
	first := slices.Min(circle)
	at := slices.Index(circle, first)
	circle = append(append([]int{}, circle[at:]...), circle[:at]...)
	names := make([]string, 0, len(circle)+1)
	for _, i := range append(circle, first) {
		names = append(names, g.nodes[i].id)
	}
	way := strings.Join(names, " -> ")
	if !ends {
		way += "; from here the call can never end: no path to hangup or queue"
	}
	b.p.Errorf(g.nodes[first].pos, "endless loop with no caller input: %s", way)
}

// backward marks all nodes from which one of the good ones can be reached.
func (g *graph) backward(good func(i int) bool) []bool {
	ok := make([]bool, len(g.nodes))
	for changed := true; changed; {
		changed = false
		for i := range g.nodes {
			if !ok[i] && (good(i) || slices.ContainsFunc(g.out[i], func(w way) bool { return w.to != theEnd && ok[w.to] })) {
				ok[i], changed = true, true
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
		return n.broken || n.kind == "hangup" || n.kind == "queue" || leaves
	})
}

// checkPeople warns of menus from which nobody gets to a person.
func (b *builder) checkPeople(g *graph) {
	people := g.backward(func(i int) bool { return g.nodes[i].broken || g.nodes[i].kind == "queue" })
	quiet := make([]bool, len(g.nodes))
	for i, n := range g.nodes {
		if n.kind == "menu" && !people[i] && !quiet[i] {
			b.p.Warnf(n.pos, "from menu %q nobody reaches a person", n.id)
			g.mark(i, quiet)
		}
	}
}

// checkUnused warns of prompts and variables that nothing uses.
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
}
